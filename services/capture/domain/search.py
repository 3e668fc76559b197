"""How a contact is found: by words that begin as typed, whatever case and accents, a phone's digits among them."""

import re
import unicodedata
from dataclasses import dataclass

from phonenumbers import COUNTRY_CODE_TO_REGION_CODE

MOST_WORDS = 8
"""Words of a search that count."""

FEWEST_DIGITS = 3
"""Fewer digits than this are not looked for in phones."""

_WORD = re.compile(r"[^\W_]+")
_PHONE = re.compile(r"[\d\s+()./-]+", re.ASCII)
_NOT_DIGIT = re.compile(r"\D")


@dataclass(frozen=True, slots=True)
class Search:
    """What somebody looks for: contacts that for each word of one of the ways have a word that begins so.

    whole: words are not beginnings.
    """

    ways: tuple[tuple[str, ...], ...]
    whole: bool = False


def search_text(*texts: str, phone: str = "") -> str:
    """The words of a contact, each after a space and once, in lower case and without accents; of its phone (E.164) all
    digits, those without the country's, and the last four."""
    return "".join(f" {word}" for word in dict.fromkeys([*words_of(" ".join(texts)), *phone_words(phone)]))


def phone_words(phone: str) -> list[str]:
    """What a number in E.164 is found by."""
    digits = phone[1:]
    code = next((length for length in (1, 2, 3) if int(digits[:length] or 0) in COUNTRY_CODE_TO_REGION_CODE), 0)
    return [digits, digits[code:], digits[-4:]] if digits else []


def search_of(typed: str) -> Search:
    """What `typed` looks for. Nothing is found by a text without letters and digits."""
    typed = " ".join(typed.split())
    digits = _NOT_DIGIT.sub("", typed).removeprefix("00") if _PHONE.fullmatch(typed) else ""
    by_words = tuple(words_of(typed)[:MOST_WORDS])
    by_digits = (digits,) if len(digits) >= FEWEST_DIGITS else ()
    return Search(tuple(dict.fromkeys(way for way in (by_words, by_digits) if way)))


def words_of(text: str) -> list[str]:
    """The words of a text, in lower case and without accents."""
    if not text.isascii():
        decomposed = unicodedata.normalize("NFKD", text.casefold())
        text = "".join(character for character in decomposed if not unicodedata.combining(character))
    return _WORD.findall(text.lower())
