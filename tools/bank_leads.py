"""Makes contacts out of the UCI "Bank Marketing" table, which has neither names nor phones.

The table is by S. Moro, P. Cortez and P. Rita (2014), CC BY 4.0. Names, e-mail addresses and phones are made up from
the number of the row alone, so that every run makes the same file. One row in twenty is of somebody who is in an
earlier row, with the same address, the same phone or both; no other two rows share either.
"""

import csv
import sys
from pathlib import Path

# fmt: off
FIRST = (
    "Ana", "André", "António", "Beatriz", "Bruno", "Carla", "Carlos", "Catarina", "Cláudia", "Cristina", "Daniel",
    "Diana", "Diogo", "Duarte", "Eduardo", "Fátima", "Filipa", "Francisco", "Gonçalo", "Helena", "Hugo", "Inês",
    "Isabel", "Joana", "João", "Jorge", "José", "Leonor", "Luís", "Madalena", "Manuel", "Margarida", "Maria", "Mário",
    "Marta", "Miguel", "Mónica", "Nuno", "Patrícia", "Paula", "Paulo", "Pedro", "Rafael", "Raquel", "Ricardo", "Rita",
    "Rui", "Sandra", "Sérgio", "Sílvia", "Sofia", "Susana", "Teresa", "Tiago", "Vasco", "Vera", "Vítor",
)
LAST = (
    "Abreu", "Almeida", "Alves", "Antunes", "Azevedo", "Barbosa", "Barros", "Batista", "Braga", "Branco", "Brito",
    "Campos", "Cardoso", "Carneiro", "Carvalho", "Castro", "Conceição", "Correia", "Costa", "Coutinho", "Cruz", "Cunha",
    "Dias", "Esteves", "Faria", "Fernandes", "Ferreira", "Figueiredo", "Fonseca", "Freitas", "Gomes", "Gonçalves",
    "Guerreiro", "Henriques", "Leal", "Leite", "Lima", "Lopes", "Lourenço", "Macedo", "Machado", "Magalhães", "Marques",
    "Martins", "Matias", "Matos", "Melo", "Mendes", "Miranda", "Monteiro", "Morais", "Moreira", "Mota", "Moura",
    "Nascimento", "Neves", "Nogueira", "Nunes", "Oliveira", "Pacheco", "Pereira", "Pinheiro", "Pinho", "Pinto", "Pires",
    "Ramos", "Reis", "Ribeiro", "Rocha", "Rodrigues", "Santos", "Saraiva", "Silva", "Simões", "Soares", "Sousa",
    "Tavares", "Teixeira", "Torres", "Valente", "Vaz", "Vicente", "Vieira",
)
# fmt: on
PREFIXES = ("91", "92", "93", "96")
"""Of Portuguese mobile numbers, which have nine digits."""

_SPREAD = 2_654_435_761
"""Odd, and far from any round number: neighbouring rows get names and phones that do not look alike."""

_PLAIN = str.maketrans("áàâãéêíóôõúç", "aaaaeeiooouc")


RETURN_EVERY = 20


def contact(number: int) -> tuple[str, str, str]:
    """Name, e-mail and phone of row `number`, counted from 0, up to ten million of them."""
    name, email, phone = _person(number)
    earlier = _seen_in(number)
    if earlier is None:
        return name, email, phone
    name, known_email, known_phone = _person(earlier)
    which = number // RETURN_EVERY % 3
    return name, email if which == 0 else known_email, phone if which == 1 else known_phone


def people(rows: int) -> int:
    """How many different people the first `rows` rows are of."""
    return rows - rows // RETURN_EVERY


def _seen_in(number: int) -> int | None:
    """The row half as far into the file where somebody who returns was first seen, None for who is new. Nobody returns
    twice: so how many people there are does not depend on the order in which rows arrive."""
    if (number + 1) % RETURN_EVERY:
        return None
    half = number // 2
    return half if (half + 1) % RETURN_EVERY else half - 1


def _person(number: int) -> tuple[str, str, str]:
    mixed = (number * _SPREAD) % 2**32
    first = FIRST[mixed % len(FIRST)]
    middle = LAST[mixed // 97 % len(LAST)]
    last = LAST[mixed // 8191 % len(LAST)]
    email = f"{first}.{last}.{number}@example.com".lower().translate(_PLAIN)
    # Multiplying by a number prime to ten million only shuffles: different rows keep different numbers.
    phone = f"+351{PREFIXES[number % len(PREFIXES)]}{number * 7_654_321 % 10_000_000:07d}"
    return f"{first} {middle} {last}", email, phone


def main(source: Path, target: Path) -> int:
    """Writes the contacts of `source` to `target` and returns how many rows there are."""
    with source.open(encoding="utf-8", newline="") as read, target.open("w", encoding="utf-8", newline="") as written:
        rows, output = csv.reader(read), csv.writer(written)
        output.writerow(["name", "email", "phone", *next(rows)])
        count = 0
        for number, row in enumerate(rows):
            output.writerow([*contact(number), *row])
            count += 1
    return count


if __name__ == "__main__":
    if len(sys.argv) != 3:
        raise SystemExit("usage: python tools/bank_leads.py bank-telemarketing.csv contacts.csv")
    written = main(Path(sys.argv[1]), Path(sys.argv[2]))
    print(f"{written:,} rows of {people(written):,} people in {sys.argv[2]}")
