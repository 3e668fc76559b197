"""What a fact tells of its lead's journey, and how what several facts tell comes together, in whatever order they came.

Of times the first counts, numbers add up, and state follows its version: that of the assignment, until a closing, which
stays with whoever closed it.
"""

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Any, Final

from contracts.campaigns import ActionRecorded, OpportunityClosed
from contracts.capture import LeadCaptured
from contracts.distribution import WorkAssigned, WorkUnassigned

Part = dict[str, Any]
"""What one fact or several tell of a journey: columns of its row, always with "id"."""

CLOSED: Final = 1_000_000_000
"""A closing is newer than every assignment."""

SPOKEN: Final = frozenset({"reached", "interested", "not_interested", "callback"})
"""Outcomes of an action that say that the contact was reached."""

FIRST: Final = frozenset({"captured_at", "assigned_at", "reached_at"})
FIRST_WITH: Final[Mapping[str, str]] = {"contacted_at": "contacted_by"}
"""The first time, and who it was."""
GREATEST: Final = frozenset({"source", "form_id", "channel", "is_test"})
"""They do not change: what is known is greater than what is not."""
ADDED: Final = frozenset({"actions", "calls"})
STATE: Final = frozenset({"version", "seller_id", "team_id", "outcome", "closed_at", "amount", "currency"})


def part_of(fact: Any) -> Part | None:
    """What a fact tells of a journey; None when it tells nothing."""
    tell = _PARTS.get(type(fact))
    return None if tell is None else tell(fact)


def _captured(fact: LeadCaptured) -> Part:
    return {
        "id": fact.lead_id,
        "captured_at": _at(fact.captured_at),
        "source": fact.source,
        "form_id": fact.form_id,
        "channel": fact.channel,
        "is_test": fact.is_test,
    }


def _assigned(fact: WorkAssigned) -> Part:
    return {
        "id": fact.work_id,
        "captured_at": _at(fact.captured_at),
        "source": fact.source,
        "form_id": fact.form_id,
        "assigned_at": _at(fact.assigned_at),
        "version": fact.subject_version,
        "seller_id": fact.seller_id,
        "team_id": fact.team_id,
    }


def _unassigned(fact: WorkUnassigned) -> Part:
    return {"id": fact.work_id, "version": fact.subject_version, "seller_id": "", "team_id": fact.team_id}


def _closed(fact: OpportunityClosed) -> Part:
    return {
        "id": fact.work_id,
        "version": CLOSED + fact.subject_version,
        "seller_id": fact.seller_id,
        "team_id": fact.team_id,
        "source": fact.source,
        "outcome": fact.outcome,
        "closed_at": _at(fact.closed_at),
        "amount": fact.amount,
        "currency": fact.currency,
    }


def _acted(fact: ActionRecorded) -> Part:
    at = _at(fact.at)
    is_contact = fact.kind != "note"  # a note does nothing
    return {
        "id": fact.work_id,
        "source": fact.source,
        "contacted_at": at if is_contact else None,
        "contacted_by": fact.seller_id if is_contact else "",
        "reached_at": at if fact.outcome in SPOKEN else None,
        "actions": 1,
        "calls": int(fact.kind == "call"),
    }


_PARTS: Final[Mapping[type, Callable[[Any], Part]]] = {
    LeadCaptured: _captured,
    WorkAssigned: _assigned,
    WorkUnassigned: _unassigned,
    OpportunityClosed: _closed,
    ActionRecorded: _acted,
}


def _at(text: str) -> datetime:
    return datetime.fromisoformat(text)


def together(parts: Iterable[Part]) -> list[Part]:
    """One part for each journey, in the order of their ids. The parts have the same columns."""
    found: dict[str, Part] = {}
    for part in parts:
        known = found.get(part["id"])
        found[part["id"]] = part if known is None else _joined(known, part)
    return [found[key] for key in sorted(found)]


def _joined(one: Part, other: Part) -> Part:
    newer, older = (one, other) if one.get("version", 0) >= other.get("version", 0) else (other, one)
    joined = {**older, **newer}
    for name in joined.keys() & FIRST:
        joined[name] = min(filter(None, (one[name], other[name])), default=None)
    for name, who in FIRST_WITH.items():
        if name in joined:
            first = min(((part[name], part[who]) for part in (one, other) if part[name]), default=(None, ""))
            joined[name], joined[who] = first
    for name in joined.keys() & GREATEST:
        joined[name] = max(one[name], other[name])
    for name in joined.keys() & ADDED:
        joined[name] = one[name] + other[name]
    return joined
