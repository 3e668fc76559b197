"""When two contacts may be one person: the same name in the same company or city, and nothing against it."""

from collections.abc import Mapping
from hashlib import blake2b
from typing import Any

from services.capture.domain.search import words_of

KEYS, NAME = "keys", "name"
"""Why: something that identifies one contact came together with what identifies the other; or what they are called."""

FEWEST_WORDS = 2
"""A name of one word says nothing."""


def twin_keys(card: Mapping[str, Any]) -> list[int]:
    """Numbers of 64 bits that contacts of the same name have in common who have the company or the city in common: the
    words of the name in any order, without case and accents."""
    name = sorted(set(words_of(card["name"])))
    if len(name) < FEWEST_WORDS:
        return []
    called = " ".join(name)
    places = ((what, " ".join(words_of(card[what]))) for what in ("company", "city") if card[what])
    return [_number(f"{called}|{what}|{place}") for what, place in places if place]


def may_be_one(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """Whether two cards may be of one person: not when both have an e-mail address and a phone, and neither is the
    same."""
    if not set(twin_keys(one)) & set(twin_keys(other)):
        return False
    return not all(one[detail] and other[detail] and one[detail] != other[detail] for detail in ("email", "phone"))


def pair(one: str, other: str) -> tuple[str, str]:
    """Two ids as they are kept: the smaller first, which is that of the older card."""
    return (one, other) if one < other else (other, one)


def _number(text: str) -> int:
    return int.from_bytes(blake2b(text.encode(), digest_size=8).digest(), signed=True)
