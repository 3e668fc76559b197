"""What the columns of a file hold, and what they may fill on a contact's card."""

import re
import unicodedata
from collections.abc import Sequence
from typing import Final

TARGETS: Final = ("name", "email", "phone", "company", "city", "country", "sector", "product", "code", "document")
"""What a column may fill."""

KEPT: Final = "+"
"""A target that begins so keeps the column under the name that follows."""

IDENTIFYING: Final = ("name", "email", "phone", "code")
"""One of them at least says who somebody is."""

_SYNONYMS: Final[dict[str, tuple[str, ...]]] = {
    "name": (
        "name", "fullname", "contact", "client", "customer", "nome", "nomecompleto", "cliente", "contacto", "contato",
        "nombre", "nombrecompleto", "nombreyapellidos", "nombredelcliente", "nomedocliente",
    ),
    "email": (
        "email", "mail", "emailaddress", "correio", "correioeletronico", "correioelectronico", "correo",
        "correoelectronico", "enderecodeemail",
    ),
    "phone": (
        "phone", "phonenumber", "mobile", "cell", "cellphone", "telephone", "tel", "telefone", "telemovel", "celular",
        "telefono", "movil", "telefonomovil", "telef", "contactotelefonico", "whatsapp",
    ),
    "company": (
        "company", "organization", "organisation", "business", "empresa", "razaosocial", "razonsocial", "organizacao",
        "compania",
    ),
    "city": ("city", "town", "cidade", "localidade", "concelho", "municipio", "ciudad", "localidad", "poblacion"),
    "country": ("country", "pais"),
    "sector": ("sector", "industry", "setor", "ramo", "ramodeatividade", "industria", "actividad", "atividade"),
    "product": ("product", "productinterest", "interest", "produto", "interesse", "producto", "interes"),
    "code": (
        "code", "clientcode", "customercode", "clientid", "customerid", "id", "codigo", "codigocliente", "coddecliente",
        "codigodecliente", "codcliente", "numerodecliente", "ncliente", "nocliente", "clave", "clavecliente",
    ),
    "document": (
        "document", "taxid", "vat", "vatnumber", "nif", "nipc", "cpf", "cnpj", "dni", "nie", "cif", "rfc", "rut", "ruc",
        "documento", "contribuinte", "numerodecontribuinte",
    ),
}  # fmt: skip

_BY_NAME: Final = {synonym: target for target, synonyms in _SYNONYMS.items() for synonym in synonyms}

_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")
_PHONE = re.compile(r"(?:\+|00)?[\d\s().-]{9,20}")
_NUMBER = re.compile(r"[-+]?\d[\d.,\s]*")
_DATE = re.compile(r"(\d{1,4})[./-](\d{1,2})[./-](\d{1,4})(?:[ T]\d{1,2}:\d{2}(?::\d{2})?)?")
_MOSTLY = 0.8


def plain(name: str) -> str:
    """`name` in lower case, without accents, spaces and punctuation."""
    decomposed = unicodedata.normalize("NFKD", name.casefold())
    return "".join(character for character in decomposed if character.isalnum())


def kind_of(cells: Sequence[str]) -> str:
    """What a column holds, told from some of its cells: "empty", "email", "date", "phone", "number" or "text"."""
    filled = [text for cell in cells if (text := cell.strip())]
    if not filled:
        return "empty"

    def mostly(pattern: re.Pattern[str]) -> bool:
        return sum(1 for text in filled if pattern.fullmatch(text)) >= _MOSTLY * len(filled)

    for kind, pattern in (("email", _EMAIL), ("date", _DATE), ("phone", _PHONE), ("number", _NUMBER)):
        if mostly(pattern):
            return kind
    return "text"


def looks_like_data(cells: Sequence[str]) -> bool:
    """Whether a row holds an address, a phone or a number, as no header does."""
    return any(
        _EMAIL.fullmatch(text) or _NUMBER.fullmatch(text) or _PHONE.fullmatch(text) for text in map(str.strip, cells)
    )


def date_order(columns: Sequence[Sequence[str]]) -> str:
    """In which order the dates of a file have their parts: "ymd", "mdy" or "dmy", the usual one where nothing tells.

    columns: cells of columns that hold dates.
    """
    firsts, seconds = [], []
    for cells in columns:
        for cell in cells:
            if match := _DATE.fullmatch(cell.strip()):
                if len(match[1]) == 4:
                    return "ymd"
                firsts.append(int(match[1]))
                seconds.append(int(match[2]))
    return "mdy" if max(seconds, default=0) > 12 and max(firsts, default=0) <= 12 else "dmy"


def suggested(header: Sequence[str], kinds: Sequence[str]) -> list[str]:
    """What each column probably fills: by its name, then addresses and phones by what is in them; else it is kept
    under its own name, and left out when there is nothing in it."""
    targets = [""] * len(header)
    taken: set[str] = set()

    def give(place: int, target: str) -> None:
        if not targets[place] and target not in taken:
            targets[place] = target
            taken.add(target)

    for place, name in enumerate(header):
        if target := _BY_NAME.get(plain(name)):
            give(place, target)
    for place, kind in enumerate(kinds):
        if kind in ("email", "phone"):
            give(place, kind)
    for place, (name, kind) in enumerate(zip(header, kinds, strict=True)):
        if not targets[place] and kind != "empty" and not name.startswith("_"):
            targets[place] = KEPT + name
    return targets
