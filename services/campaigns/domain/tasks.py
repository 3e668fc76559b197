"""Tasks: planned ones, due at a time, and free ones, which begin on a day and may be done any time from then on.

What ends a task:
- an action that was taken from it; other tasks stay, but for the first contact, which has been made then;
- an action on its own, when somebody tried to reach the contact: the first contact, the next step that an earlier
  action left, and what somebody planned by hand for a way of reaching them (`kind`) and that had begun by then;
- an action on its own that says when to go on, such as a note "on Monday": it takes the place of the first contact and
  of the next step that was left before;
- the end of the opportunity, or somebody who drops it and says why.
"""

from collections.abc import Iterator, Mapping
from datetime import date, datetime, timedelta
from typing import Any, Final, Literal

from contracts import limits
from contracts.errors import INVALID, NOT_ALLOWED, REQUIRED, TOO_LONG
from contracts.wall_clock import local_day, local_instant, zone_named
from services.campaigns.domain.actions import TASK_KINDS, Action, Problem
from services.campaigns.domain.texts import is_id

HAND_KINDS: Final = (*TASK_KINDS, "other")
"""What somebody may plan by hand; "other" says in its subject what it is."""

RECALLS: Final = ("2h", "1d", "1w")
_DAYS: Final = {"1d": 1, "1w": 7}

UNKNOWN_ZONE: Final = "UTC"
"""Where a seller is of whom nothing is known yet."""

_LATE_PAGE: Final = timedelta(minutes=15)
"""A form takes a while to fill in: what was a minute ago is no mistake."""
_FURTHEST: Final = timedelta(days=5 * 366)
"""Nobody plans further ahead; a year with a digit too many is a slip."""

When = tuple[datetime, str | None]
"""When a task is due; of a free one that its day begins, and the day, such as "2026-12-24"."""


def problems_of(task: Mapping[str, Any]) -> Iterator[Problem]:
    """What keeps a task from being planned by hand, but for its time."""
    subject = task.get("subject", "")
    if task.get("kind") not in HAND_KINDS:
        yield "kind", INVALID, f"one of {', '.join(HAND_KINDS)}"
    if not isinstance(subject, str):
        yield "subject", INVALID, "a text"
    elif len(subject) > limits.TASK_SUBJECT:
        yield "subject", TOO_LONG, f"at most {limits.TASK_SUBJECT} characters"
    elif task.get("kind") == "other" and not subject.strip():
        yield "subject", REQUIRED, "say what is to be done"
    if task.get("id") is not None and not is_id(task["id"]):
        yield "id", INVALID, "a UUID in its canonical text"


def problems_of_time(due_at: datetime | None, start_on: Any, zone: str, now: datetime) -> Iterator[Problem]:
    """What keeps a task from being due then. One of both is said."""
    if due_at is None and not start_on:
        yield "due_at", REQUIRED, "say when: due_at for a time, start_on for a day"
    elif due_at is not None and start_on:
        yield "start_on", NOT_ALLOWED, "a task has a time or a day to start on, not both"
    elif due_at is not None and not now - _LATE_PAGE <= due_at <= now + _FURTHEST:
        yield "due_at", INVALID, "a time from now on"
    elif start_on:
        day, today = read_day(start_on), local_day(zone, now)
        if day is None or not today <= day <= today + _FURTHEST:
            yield "start_on", INVALID, "a day from today on, such as 2026-12-24"


def read_day(text: Any) -> date | None:
    """The day that a text names; None where it names none."""
    try:
        day = date.fromisoformat(text)
    except (ValueError, TypeError):
        return None
    return day if day.isoformat() == text and 1900 < day.year < 9999 else None


def when_of(due_at: datetime | None, start_on: str | None, zone: str) -> When:
    """When a task is due of which `problems_of_time` finds nothing."""
    if due_at is not None:
        return due_at, None
    return local_instant(zone, date.fromisoformat(str(start_on)), 0), str(start_on)


def recalled(by: str, now: datetime, zone: str, *, is_free: bool) -> When:
    """When a task is due that is put off. by: one of RECALLS, counted from now, not from when it was due: two hours are
    two hours, tomorrow and next week are at this time of day on the seller's wall, whatever the clocks do meanwhile.
    A free task begins on the day on which that is."""
    if by in _DAYS:
        wall = now.astimezone(zone_named(zone))
        later = local_instant(zone, wall.date() + timedelta(days=_DAYS[by]), wall.hour * 60 + wall.minute)
    else:
        later = now + timedelta(hours=2)
    return when_of(None, local_day(zone, later).isoformat(), zone) if is_free else (later, None)


def end_of(task: Any, action: Action, task_id: str | None, at: datetime) -> Literal["done", "dropped"] | None:
    """What becomes of an open task of an opportunity when an action is recorded; None: it stays.

    task_id: the task from which it was taken. at: when it was.
    """
    if task_id is not None:
        return "done" if task.id == task_id or (task.kind == "first_contact" and action.is_contact) else None
    if task.by_hand:
        return "done" if action.is_contact and task.kind == action.kind and task.due_at <= at else None
    if action.is_contact:
        return "done"
    return "dropped" if action.next_at else None
