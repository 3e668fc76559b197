"""What people do with tasks: they plan them by hand, put them off, do them and drop them.

The id of what is done comes from the page: the same id again changes nothing and has the same answer. actor: who does
it; what they may not see is not there. Each answers with the card of the opportunity, see `views.card`.
"""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from contracts import limits
from contracts.access import Actor
from contracts.errors import INVALID, REQUIRED, TOO_LONG
from runtime.clock import utc_now
from runtime.errors import Conflict, Invalid, NotFound, invalid
from runtime.ids import new_id
from runtime.transaction import Transaction
from services.campaigns import store, task_store
from services.campaigns.domain.actions import Problem
from services.campaigns.domain.tasks import RECALLS, When, problems_of, problems_of_time, recalled, when_of
from services.campaigns.domain.texts import is_id, storable
from services.campaigns.handlers.acts import check_open, locked, record_action
from services.campaigns.handlers.sellers import zone_of
from services.campaigns.handlers.views import card, instant


def add_task(transaction: Transaction, actor: Actor, opportunity_id: str, task: Mapping[str, Any]) -> dict[str, Any]:
    """Plans a task by hand in an open opportunity, for its seller.

    Args:
        task: {"id", "kind", "subject", "due_at", "start_on"}; kind: of `domain.tasks.HAND_KINDS`; subject: what is to
            be done; due_at of a planned one in ISO 8601 with its offset, or start_on, a date, of a free one.

    Raises:
        NotFound; Invalid; Conflict: closed, too many open tasks, or the id belongs to something else.
    """
    due_at, problems = instant("due_at", task.get("due_at")), list(problems_of(task))
    if problems:
        raise _invalid(problems)
    connection = transaction.connection
    opportunity = locked(transaction, actor, opportunity_id)
    known = task_store.by_id(connection, task["id"]) if task.get("id") else None
    subject, start_on, now = storable(task.get("subject", "")), task.get("start_on") or None, utc_now()
    if known is not None:
        if (known.opportunity_id, known.kind, known.subject) != (opportunity_id, task["kind"], subject):
            raise Conflict("another task has this id")
        return card(connection, opportunity)
    check_open(opportunity, None)
    if len(task_store.open_tasks(connection, opportunity_id)) >= limits.OPEN_TASKS:
        raise Conflict(f"an opportunity has at most {limits.OPEN_TASKS} open tasks: do or drop some first")
    when = _when(due_at, start_on, zone_of(connection, opportunity.seller_id), now)
    row = {
        "id": task.get("id") or new_id(),
        "opportunity_id": opportunity_id,
        "seller_id": opportunity.seller_id,
        "kind": task["kind"],
        "state": "open",
        "due_at": when[0],
        "start_on": when[1],
        "subject": subject,
        "by_hand": True,
        "created_at": now,
        "done_at": None,
    }
    store.add(connection, [], [row])
    task_store.add_event(connection, _event(row["id"], "added", opportunity_id, row["id"], actor, now, to=when))
    return _changed(transaction, actor, opportunity)


def recall_task(transaction: Transaction, actor: Actor, task_id: str, recall: Mapping[str, Any]) -> dict[str, Any]:
    """Puts a task off. By two hours, a day or a week from now, or to a time (it is planned then) or a day (it is free
    then) with the reason; what it was due before stays in the timeline.

    Args:
        recall: {"id", "by", "due_at", "start_on", "reason", "task_version"}; by: of `domain.tasks.RECALLS`, or left out
            where due_at or start_on says when; task_version: as it was seen, left out when it does not matter.

    Raises:
        NotFound; Invalid; Conflict: done or dropped, put off by somebody else since, the id belongs to something else.
    """
    due_at, reason = instant("due_at", recall.get("due_at")), _reason(recall)
    by, start_on = recall.get("by") or "", recall.get("start_on") or None
    if by and by not in RECALLS:
        raise invalid("by", INVALID, f"one of {', '.join(RECALLS)}")
    if not by and not reason:
        raise invalid("reason", REQUIRED, "say why")

    def put_off(task: Any, event: dict[str, Any]) -> dict[str, Any]:
        zone, now = zone_of(transaction.connection, task.seller_id), event["at"]
        is_free = task.start_on is not None
        when = recalled(by, now, zone, is_free=is_free) if by else _when(due_at, start_on, zone, now)
        task_store.put_off(transaction.connection, task.id, *when)
        return {"from_at": task.due_at, "from_on": task.start_on, "to_at": when[0], "to_on": when[1]}

    return _change(transaction, actor, task_id, "recalled", recall, reason, put_off)


def drop_task(transaction: Transaction, actor: Actor, task_id: str, drop: Mapping[str, Any]) -> dict[str, Any]:
    """Ends a task that is not to be done any more.

    drop: {"id", "reason", "task_version"}; the reason has to be there.

    Raises:
        NotFound; Invalid; Conflict: see `recall_task`.
    """
    reason = _reason(drop)
    if not reason:
        raise invalid("reason", REQUIRED, "say why")

    def end(task: Any, event: dict[str, Any]) -> dict[str, Any]:
        task_store.end_tasks(transaction.connection, [task.id], "dropped", None)
        return {"from_at": task.due_at, "from_on": task.start_on}

    return _change(transaction, actor, task_id, "dropped", drop, reason, end)


def do_task(transaction: Transaction, actor: Actor, task_id: str, action: Mapping[str, Any]) -> dict[str, Any]:
    """Records what was done of a task, which ends it.

    action: see `acts.record_action`. Where it names no kind it is the task's own: of a first contact a call, and of
        what has a kind of its own a note, which says what was done, or else what was to be done.

    Raises:
        NotFound; Invalid; Conflict: as `acts.record_action`, or it is not open any more.
    """
    opportunity_id = task_store.opportunity_of(transaction.connection, actor, task_id)
    if opportunity_id is None:
        raise NotFound("task", task_id)
    task = task_store.by_id(transaction.connection, task_id)
    kind = action.get("kind") or {"first_contact": "call", "other": "note"}.get(task.kind, task.kind)
    note = action.get("note", "")
    if kind == "note" and isinstance(note, str) and not note.strip():
        note = task.subject
    return record_action(transaction, actor, opportunity_id, {**action, "kind": kind, "note": note, "task_id": task_id})


def _change(
    transaction: Transaction,
    actor: Actor,
    task_id: str,
    what: str,
    told: Mapping[str, Any],
    reason: str,
    act: Callable[[Any, dict[str, Any]], dict[str, Any]],
) -> dict[str, Any]:
    """Does something to an open task and keeps it. act: does it; what was and will be, of the event."""
    connection = transaction.connection
    if told.get("id") is not None and not is_id(told["id"]):
        raise invalid("id", INVALID, "a UUID in its canonical text")
    opportunity_id = task_store.opportunity_of(connection, actor, task_id)
    if opportunity_id is None:
        raise NotFound("task", task_id)
    opportunity = locked(transaction, actor, opportunity_id)
    known = task_store.event(connection, told["id"]) if told.get("id") else None
    if known is not None:
        if (known.task_id, known.what) != (task_id, what):
            raise Conflict("something else has this id")
        return card(connection, opportunity)
    task = task_store.by_id(connection, task_id)
    if task.state != "open":
        raise Conflict("the task was done already" if task.state == "done" else "the task was dropped already")
    seen = told.get("task_version")
    if seen is not None and seen != task.task_version:
        raise Conflict(f"the task was changed meanwhile: it is at version {task.task_version}, not {seen}")
    event = _event(told.get("id") or new_id(), what, opportunity_id, task_id, actor, utc_now(), reason=reason)
    task_store.add_event(connection, event | act(task, event))
    return _changed(transaction, actor, opportunity)


def _changed(transaction: Transaction, actor: Actor, opportunity: Any) -> dict[str, Any]:
    store.set_values(transaction.connection, opportunity.id, version=opportunity.version + 1)
    return card(transaction.connection, locked(transaction, actor, opportunity.id))


def _event(
    event_id: str,
    what: str,
    opportunity_id: str,
    task_id: str,
    actor: Actor,
    now: datetime,
    *,
    to: tuple[datetime | None, str | None] = (None, None),
    reason: str = "",
) -> dict[str, Any]:
    return {
        "id": event_id,
        "what": what,
        "opportunity_id": opportunity_id,
        "task_id": task_id,
        "seller_id": actor.seller_id or None,
        "by_name": "" if actor.seller_id else actor.name,
        "at": now,
        "from_at": None,
        "from_on": None,
        "to_at": to[0],
        "to_on": to[1],
        "reason": reason,
    }


def _when(due_at: datetime | None, start_on: str | None, zone: str, now: datetime) -> When:
    """Raises: Invalid: it cannot be then."""
    problems = list(problems_of_time(due_at, start_on, zone, now))
    if problems:
        raise _invalid(problems)
    return when_of(due_at, start_on, zone)


def _reason(told: Mapping[str, Any]) -> str:
    reason = told.get("reason", "")
    if not isinstance(reason, str):
        raise invalid("reason", INVALID, "a text")
    if len(reason) > limits.REASON:
        raise invalid("reason", TOO_LONG, f"at most {limits.REASON} characters")
    return storable(reason)


def _invalid(problems: list[Problem]) -> Invalid:
    return Invalid([{"field": field, "code": code, "message": message} for field, code, message in problems])
