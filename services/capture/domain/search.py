"""How a lead is found: words that begin as typed, whatever their case and accents, or digits of a phone."""

import re
import unicodedata
from dataclasses import dataclass

MOST_WORDS = 8
"""Words of a search that count."""

FEWEST_DIGITS = 3
"""Fewer digits than this are not looked for in phones."""

_WORD = re.compile(r"[^\W_]+")
_PHONE = re.compile(r"[\d\s+()./-]+", re.ASCII)
_NOT_DIGIT = re.compile(r"\D")


@dataclass(frozen=True, slots=True)
class Search:
    """What somebody looks for: contacts with a word that begins like each of `words`, or a phone that holds `digits`
    where there are any."""

    words: tuple[str, ...]
    digits: str


def search_text(name: str, email: str, company: str) -> str:
    """The words of a contact, each after a space and once, in lower case and without accents."""
    return "".join(f" {word}" for word in dict.fromkeys(_words(f"{name} {email} {company}")))


def search_of(typed: str) -> Search:
    """What `typed` looks for. Nothing is found by a text without letters and digits."""
    typed = " ".join(typed.split())
    digits = _NOT_DIGIT.sub("", typed).removeprefix("00") if _PHONE.fullmatch(typed) else ""
    return Search(tuple(_words(typed)[:MOST_WORDS]), digits if len(digits) >= FEWEST_DIGITS else "")


def _words(text: str) -> list[str]:
    if not text.isascii():
        decomposed = unicodedata.normalize("NFKD", text.casefold())
        text = "".join(character for character in decomposed if not unicodedata.combining(character))
    return _WORD.findall(text.lower())
