"""A contact's card as its columns: what follows from them, and what two of one person say together."""

from collections.abc import Mapping
from typing import Any

from services.capture.domain.contact_details import normal_document
from services.capture.domain.search import search_text

Card = Mapping[str, Any]

TEXTS = ("name", "company", "city", "country", "sector", "product", "code", "document")
DETAILS = ("email", "phone", *TEXTS)
MERGED_COLUMNS = (*DETAILS, "wrong_email", "wrong_phone", "attributes", "status")
"""Columns that two cards of one person fill for each other."""

EDITED = (*DETAILS, "wrong_email", "wrong_phone", "attributes", "status", "source")
"""Columns that people and fixes change."""

POTENTIAL, CLIENT = "potential", "client"


def keys_of(card: Card) -> set[str]:
    """What identifies the contact exactly, as `ContactDetails.keys`."""
    keys = {f"{name}:{card[name]}" for name in ("code", "email", "phone") if card[name]}
    return keys | {f"document:{number}"} if (number := normal_document(card["document"])) else keys


def follows(card: Card) -> dict[str, Any]:
    """What follows from the details of a card: its words and its quality."""
    more = any(card[name] for name in ("company", "city", "country", "sector", "product"))
    quality = 40 * bool(card["email"]) + 40 * bool(card["phone"]) + 10 * bool(card["name"]) + 10 * more
    texts = (card[name] for name in ("name", "email", "company", "code", "document"))
    return {"search": search_text(*texts, phone=card["phone"]), "quality": quality}


def joined(kept: Card, other: Card) -> dict[str, Any]:
    """What the kept card gets from another of the same person: what it lacks, and that it is a client."""
    gaps: dict[str, Any] = {name: other[name] for name in DETAILS if not kept[name] and other[name]}
    whole = {**kept, **gaps}
    for name in ("email", "phone"):
        wrong = "" if whole[name] else kept[f"wrong_{name}"] or other[f"wrong_{name}"]
        if wrong != kept[f"wrong_{name}"]:
            gaps[f"wrong_{name}"] = wrong
    attributes = {**other["attributes"], **kept["attributes"]}
    if attributes != kept["attributes"]:
        gaps["attributes"] = attributes
    if other["status"] == CLIENT != kept["status"]:
        gaps["status"] = CLIENT
    return gaps
