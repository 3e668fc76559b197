"""Contacts that may be one person, noticed when they come."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from runtime.ids import new_id
from runtime.transaction import Transaction
from services.capture import store
from services.capture.domain.likeness import KEYS, NAME, may_be_one, pair, twin_keys

Pairs = dict[tuple[str, str], str]
"""Why two contacts may be one, by their ids."""


def of_new(transaction: Transaction, rows: Sequence[Mapping[str, Any]]) -> Pairs:
    """Finds for new contacts the first of the same name in the same place, who is noted where there was none.

    Each is compared with that one only: three hundred of a common name make as many pairs, not all there could be.
    """
    keys = {row["id"]: twin_keys(row) for row in rows}
    first: dict[int, Mapping[str, Any]] = dict(
        store.changes.twins(transaction.connection, {key for each in keys.values() for key in each})
    )
    found: Pairs = {}
    new: dict[int, str] = {}
    for row in rows:
        for key in keys[row["id"]]:
            known = first.get(key)
            if known is None:
                first[key], new[key] = row, row["id"]
            elif may_be_one(row, known):
                found[pair(row["id"], known["merged_into"] or known["id"])] = NAME
    store.changes.add_twins(transaction.connection, new)
    return found


def note(transaction: Transaction, pairs: Pairs, now: datetime) -> list[str]:
    """Keeps suspicions that are new, and marks their contacts. Returns the ids of those kept."""
    rows = [
        {"id": new_id(), "contact_id": one, "other_id": other, "why": why, "state": "open", "created_at": now}
        for (one, other), why in sorted(pairs.items())
        if one != other
    ]
    kept = store.changes.add_likeness(transaction.connection, rows)
    if kept:
        sides = {str(row[side]) for row in rows for side in ("contact_id", "other_id")}
        store.changes.mark_likely(transaction.connection, sides)
    return kept


def by_keys(of_each: Iterable[Iterable[str]]) -> Pairs:
    """Pairs of contacts of which one and the same row named keys."""
    found: Pairs = {}
    for contacts in of_each:
        oldest, *others = sorted(set(contacts))
        found |= {pair(oldest, other): KEYS for other in others}
    return found
