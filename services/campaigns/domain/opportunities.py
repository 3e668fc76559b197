"""What an assignment does to an opportunity, whatever the order in which news of it arrives."""

from collections.abc import Iterable
from datetime import timedelta
from typing import TypeVar

from contracts.distribution import SellerChanged, WorkAssigned, WorkUnassigned

FIRST_CONTACT_WITHIN = timedelta(hours=1)
"""A lead goes cold quickly: the first-contact task is due when its seller has been at work for this long after the
assignment. That is told by the hours that are known when it is opened: what is heard of them later moves no task, for a
seller has seen by then when it is due."""

OUTCOMES = ("won", "lost", "completed")


Change = TypeVar("Change", WorkAssigned, WorkUnassigned, SellerChanged)


def newest(changes: Iterable[Change]) -> dict[str, Change]:
    """The change with the highest version of each work or seller, by its id."""
    found: dict[str, Change] = {}
    for change in changes:
        known = found.get(change.subject)
        if known is None or change.subject_version > known.subject_version:
            found[change.subject] = change
    return found


def needs_reason(outcome: str) -> bool:
    """A refusal without its reason teaches nobody anything."""
    return outcome == "lost"


def is_currency(code: str) -> bool:
    """Whether `code` is written as ISO 4217 writes currencies; which ones there are changes too often to list."""
    return len(code) == 3 and code.isascii() and code.isalpha() and code.isupper()
