"""What may be recorded of an action, and what it does to the tasks of its opportunity."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from contracts import limits
from contracts.campaigns import ACTION_KINDS, ACTION_OUTCOMES, ActionKind, ActionOutcome
from contracts.errors import INVALID, NOT_ALLOWED, REQUIRED, TOO_LONG
from services.campaigns.domain.texts import is_id

TASK_KINDS: Final = tuple(kind for kind in ACTION_KINDS if kind != "note")

_IN_PERSON: Final = ("call", "visit", "interview")
"""Somebody was there or was not; of a message that was sent nobody knows yet."""

Problem = tuple[str, str, str]
"""Field, code of `contracts.errors`, and what to do about it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Action:
    """What somebody did, as it will be kept. at: when, by their own clock; None for now."""

    id: str | None
    kind: ActionKind
    outcome: ActionOutcome
    note: str
    at: datetime | None
    next_at: datetime | None
    next_kind: str

    @property
    def is_contact(self) -> bool:
        """Whether somebody tried to reach the contact: what was to be done is done then. A note does nothing."""
        return self.kind != "note"


def problems_of(action: Mapping[str, Any], next_at: datetime | None) -> Iterator[Problem]:
    """What keeps `action` from being recorded. next_at: as read."""
    kind, outcome, note = action.get("kind", ""), action.get("outcome", ""), action.get("note", "")
    if kind not in ACTION_KINDS:
        yield "kind", INVALID, f"one of {', '.join(ACTION_KINDS)}"
    if outcome not in ACTION_OUTCOMES:
        yield "outcome", INVALID, f"one of {', '.join(filter(None, ACTION_OUTCOMES))}"
    elif kind in _IN_PERSON and not outcome:
        yield "outcome", REQUIRED, "say how it went"
    elif kind == "note" and outcome:
        yield "outcome", NOT_ALLOWED, "a note has no outcome"
    if not isinstance(note, str):
        yield "note", INVALID, "a text"
    elif len(note) > limits.NOTE:
        yield "note", TOO_LONG, f"at most {limits.NOTE} characters"
    elif kind == "note" and not note.strip():
        yield "note", REQUIRED, "write something"
    if outcome == "callback" and next_at is None:
        yield "next_at", REQUIRED, "say when to call back"
    if action.get("next_kind", "call") not in TASK_KINDS:
        yield "next_kind", INVALID, f"one of {', '.join(TASK_KINDS)}"
    if action.get("id") is not None and not is_id(action["id"]):
        yield "id", INVALID, "a UUID in its canonical text"


def happened_at(told: datetime | None, opened_at: datetime, now: datetime) -> datetime:
    """When an action took place: the clock of a phone may be wrong, but nothing happens before there is an opportunity
    or later than now."""
    return now if told is None else min(max(told, opened_at), now)
