"""What an assignment does to an opportunity, whatever the order in which news of it arrives."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import TypeVar

from contracts.distribution import WorkAssigned, WorkUnassigned

FIRST_CONTACT_WITHIN = timedelta(hours=1)
"""A lead goes cold quickly: the first-contact task is due this long after the assignment."""

OUTCOMES = ("won", "lost", "completed")


Change = TypeVar("Change", WorkAssigned, WorkUnassigned)


def newest(changes: Iterable[Change]) -> dict[str, Change]:
    """The change with the highest assignment version of each work, by work id."""
    found: dict[str, Change] = {}
    for change in changes:
        known = found.get(change.work_id)
        if known is None or change.subject_version > known.subject_version:
            found[change.work_id] = change
    return found


def first_contact_due(assigned_at: datetime) -> datetime:
    """When the seller should have been in touch."""
    return assigned_at + FIRST_CONTACT_WITHIN


def needs_reason(outcome: str) -> bool:
    """A refusal without its reason teaches nobody anything."""
    return outcome == "lost"


def is_currency(code: str) -> bool:
    """Whether `code` is written as ISO 4217 writes currencies; which ones there are changes too often to list."""
    return len(code) == 3 and code.isascii() and code.isalpha() and code.isupper()
