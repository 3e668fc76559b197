"""The story of an opportunity, put together from what was kept."""

from collections.abc import Iterable, Iterator
from typing import Any

MOST = 200
"""Entries of a timeline: more than that nobody reads on a card."""

Entry = dict[str, Any]


def timeline(
    opportunity: Any, handovers: Iterable[Any], actions: Iterable[Any], done_tasks: Iterable[Any]
) -> list[Entry]:
    """What happened in an opportunity, newest first and at most `MOST` entries: what is "opened", "handed_over",
    "action", "task_done" or "closed". handovers: the oldest first.

    A handover without a seller took the opportunity away from the one it had.
    """
    oldest_first = sorted(_entries(opportunity, list(handovers), actions, done_tasks), key=lambda entry: entry["at"])
    return oldest_first[::-1][:MOST]


def _entries(
    opportunity: Any, handovers: list[Any], actions: Iterable[Any], done_tasks: Iterable[Any]
) -> Iterator[Entry]:
    """Of what happened at one instant the cause comes first."""
    first_seller = handovers[0].from_seller_id if handovers else opportunity.seller_id
    yield _entry(opportunity.opened_at, "opened", first_seller)
    for handover in handovers:
        yield _entry(handover.at, "handed_over", handover.seller_id)
    for action in actions:
        named = {"kind": action.kind, "outcome": action.outcome, "note": action.note, "next_at": action.next_at}
        yield _entry(action.at, "action", action.seller_id, **named)
    for task in done_tasks:
        yield _entry(task.done_at, "task_done", task.seller_id, kind=task.kind)
    if opportunity.closed_at:
        named = {"outcome": opportunity.outcome, "note": opportunity.reason}
        yield _entry(opportunity.closed_at, "closed", opportunity.seller_id, **named)


def _entry(at: Any, what: str, seller_id: str | None, **more: Any) -> Entry:
    plain = {"kind": "", "outcome": "", "note": "", "next_at": None}
    return {"at": at, "what": what, "seller_id": seller_id or "", **plain, **more}
