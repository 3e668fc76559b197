"""What one click mends on many cards. Each fix is told a card and says which of its columns become what."""

from collections.abc import Callable, Mapping
from typing import Any

from services.capture.domain.cards import Card
from services.capture.domain.contact_details import normal_email, normal_phone
from services.capture.domain.search import words_of

DOMAINS = {
    "gmail.com": "gmial.com gmai.com gmal.com gamil.com gmail.co gmail.con gmail.cm gnail.com gmaill.com gmil.com",
    "hotmail.com": "hotmial.com hotmal.com hotmai.com hotmail.con hotmail.co homtail.com hotmil.com hotamil.com",
    "outlook.com": "outlok.com outloo.com outlook.con outlook.co otlook.com outllok.com",
    "yahoo.com": "yaho.com yahoo.con yahoo.co yhaoo.com yahooo.com",
    "icloud.com": "iclod.com icloud.con icould.com icloud.co",
    "sapo.pt": "sapo.tp sap.pt spao.pt sapo.p sappo.pt",
    "uol.com.br": "uol.com.b uol.co.br uol.combr",
    "bol.com.br": "bol.com.b bol.co.br bol.combr",
}
"""Domains of big providers, and how people miss them: none of these is another provider's."""

_MEANT = {typed: meant for meant, every in DOMAINS.items() for typed in every.split()}
MISSPELT = tuple(tuple(words_of(typed)) for typed in _MEANT)
"""The words by which addresses at misspelt domains are found."""

_SMALL = frozenset(["de", "da", "do", "das", "dos", "e", "del", "la", "las", "los", "y", "von", "van", "der"])

FIELDS = ("city", "country", "sector", "product", "status", "source")
"""Columns that can be set on many cards."""

Changes = dict[str, Any]


def _read_phones(arguments: Mapping[str, Any], card: Card) -> Changes:
    phone = "" if card["phone"] else normal_phone(card["wrong_phone"], arguments["region"])
    return {"phone": phone, "wrong_phone": ""} if phone else {}


def _correct_domains(_arguments: Mapping[str, Any], card: Card) -> Changes:
    typed = card["email"] or card["wrong_email"]
    local, _, domain = typed.rpartition("@")
    meant = _MEANT.get(domain.strip().lower())
    email = normal_email(f"{local}@{meant}") if meant else ""
    return {"email": email, "wrong_email": ""} if email else {}


def _drop(detail: str) -> Callable[[Mapping[str, Any], Card], Changes]:
    return lambda _arguments, card: {detail: ""} if card[detail] else {}


def _set(arguments: Mapping[str, Any], card: Card) -> Changes:
    field, value = arguments["field"], arguments["value"]
    return {field: value} if card[field] != value else {}


def _tidy_names(_arguments: Mapping[str, Any], card: Card) -> Changes:
    name = card["name"]
    tidied = titled(name) if name.isupper() or name.islower() else name
    return {"name": tidied} if tidied != name else {}


def titled(name: str) -> str:
    """A name as it is written: `MARIA DA SILVA` is Maria da Silva."""
    parts = name.lower().split(" ")
    return " ".join(
        part if number and part in _SMALL else "-".join(each[:1].upper() + each[1:] for each in part.split("-"))
        for number, part in enumerate(parts)
    )


FIXES: dict[str, Callable[[Mapping[str, Any], Card], Changes]] = {
    "read_phones": _read_phones,
    "correct_domains": _correct_domains,
    "drop_wrong_email": _drop("wrong_email"),
    "drop_wrong_phone": _drop("wrong_phone"),
    "set": _set,
    "tidy_names": _tidy_names,
}
"""Each takes its arguments and a card; empty where nothing is to be changed."""
