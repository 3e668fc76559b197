"""The story of an opportunity, put together from what was kept."""

from collections.abc import Iterable, Iterator
from typing import Any

MOST = 200
"""Entries of a timeline: more than that nobody reads on a card."""

Entry = dict[str, Any]


def timeline(
    opportunity: Any,
    handovers: Iterable[Any],
    actions: Iterable[Any],
    done_tasks: Iterable[Any],
    task_events: Iterable[Any] = (),
) -> list[Entry]:
    """What happened in an opportunity, newest first and at most `MOST` entries: what is "opened", "handed_over",
    "action", "task_done", "task_added", "task_recalled", "task_dropped" or "closed". handovers: the oldest first.

    A handover without a seller took the opportunity away from the one it had. Of a task that was planned or put off,
    next_at says when it is due then and from_at when it was before; next_on and from_on are the days of a free one.
    """
    entries = [*_entries(opportunity, list(handovers), actions, done_tasks), *map(_of_task, task_events)]
    oldest_first = sorted(entries, key=lambda entry: entry["at"])
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
        yield _entry(task.done_at, "task_done", task.seller_id, kind=task.kind, subject=task.subject)
    if opportunity.closed_at:
        named = {"outcome": opportunity.outcome, "note": opportunity.reason}
        yield _entry(opportunity.closed_at, "closed", opportunity.seller_id, **named)


def _of_task(event: Any) -> Entry:
    named = {
        "kind": event.kind,
        "subject": event.subject,
        "note": event.reason,
        "by_name": event.by_name,
        "from_at": event.from_at,
        "from_on": event.from_on or "",
        "next_at": event.to_at,
        "next_on": event.to_on or "",
    }
    return _entry(event.at, f"task_{event.what}", event.seller_id, **named)


def _entry(at: Any, what: str, seller_id: str | None, **more: Any) -> Entry:
    plain = {
        **dict.fromkeys(("kind", "outcome", "note", "subject", "by_name", "from_on", "next_on"), ""),
        **dict.fromkeys(("from_at", "next_at")),
    }
    return {"at": at, "what": what, "seller_id": seller_id or "", **plain, **more}
