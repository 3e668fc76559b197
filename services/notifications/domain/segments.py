"""How many SMS a text is charged as: GSM 03.38 where its alphabet is enough, UCS-2 where it is not."""

import unicodedata
from dataclasses import dataclass
from typing import Final, Literal

_BASIC: Final = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿"
    "abcdefghijklmnopqrstuvwxyzäöñüà"
)
_EXTENDED: Final = frozenset("\f^{}\\[~]|€")
"""Written as an escape and a character, which may not be in two segments."""

_LENGTHS: Final = {"GSM-7": (160, 153), "UCS-2": (70, 67)}
"""Septets, or UTF-16 code units, of a message that is one segment, and of each segment of a longer one."""


@dataclass(frozen=True, slots=True)
class Segments:
    """count: what is charged. units: length in septets (GSM-7) or UTF-16 code units (UCS-2). left: units until another
    segment begins."""

    encoding: Literal["GSM-7", "UCS-2"]
    count: int
    units: int
    left: int


def segments(text: str) -> Segments:
    """How a phone network carries `text` (3GPP TS 23.038 and 23.040: a header of 6 bytes in each part of several)."""
    is_gsm = all(character in _BASIC or character in _EXTENDED for character in text)
    encoding: Literal["GSM-7", "UCS-2"] = "GSM-7" if is_gsm else "UCS-2"
    sizes = [2 if (character in _EXTENDED if is_gsm else ord(character) > 0xFFFF) else 1 for character in text]
    alone, part = _LENGTHS[encoding]
    units = sum(sizes)
    if units <= alone:
        return Segments(encoding, 1 if text else 0, units, alone - units)
    count, room = 1, part
    for size in sizes:
        if size > room:
            count, room = count + 1, part
        room -= size
    return Segments(encoding, count, units, room)


def in_gsm(text: str) -> str:
    """`text` with letters that GSM-7 lacks replaced by those it has (á by a), where there is one: a single á would
    more than double the price of the SMS it stands in. Other writing stays as it is."""
    return "".join(_nearest(character) for character in text)


def _nearest(character: str) -> str:
    if character in _BASIC or character in _EXTENDED:
        return character
    plain = "".join(c for c in unicodedata.normalize("NFKD", character) if not unicodedata.combining(c))
    plain = plain.translate(_PUNCTUATION)
    return plain if plain and all(c in _BASIC for c in plain) else character


_PUNCTUATION: Final = str.maketrans({"‘": "'", "’": "'", "“": '"', "”": '"', "–": "-", "—": "-", "\xa0": " "})
