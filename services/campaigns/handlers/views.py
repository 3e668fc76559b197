"""What people see of opportunities and tasks, each within their sight."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from contracts.access import Actor
from contracts.errors import INVALID
from runtime.clock import parse_iso
from runtime.errors import NotFound, invalid, plain
from runtime.paging import page
from services.campaigns import store
from services.campaigns.domain.timeline import MOST, timeline

Answer = dict[str, Any]


def opportunities(
    connection: Connection,
    actor: Actor,
    seller_id: str | None,
    work_id: str | None,
    state: str | None,
    cursor: str | None,
    limit: int,
) -> Answer:
    """Opportunities, newest first; of one seller, of one work, in one state ("open" or "closed") when given."""
    table = store.opportunity
    if state not in (None, "open", "closed"):
        raise invalid("state", INVALID, "open or closed")
    select = sa.select(table).where(store.visible_to(actor))
    if seller_id:
        select = select.where(store.has_id(table.c.seller_id, seller_id))
    if work_id:
        select = select.where(store.has_id(table.c.work_id, work_id))
    if state:
        select = select.where(table.c.state == state)
    rows, following = page(connection, select, table.c.opened_at, table.c.id, cursor, limit)
    return {"items": [shown(row._mapping) for row in rows], "next": following}


def opportunity_of(connection: Connection, actor: Actor, work_id: str) -> Answer:
    """The card of a work's opportunity.

    Raises:
        NotFound: there is none yet, or not for this actor.
    """
    table = store.opportunity
    select = sa.select(table).where(store.has_id(table.c.work_id, work_id), store.visible_to(actor))
    row = connection.execute(select).first()
    if row is None:
        raise NotFound("opportunity of work", work_id)
    return card(connection, row)


def card(connection: Connection, opportunity: Any) -> Answer:
    """An opportunity with its open tasks and its timeline, see `domain.timeline`."""
    tasks = store.tasks_of(connection, opportunity.id, MOST)
    story = timeline(
        opportunity,
        store.handovers_of(connection, opportunity.id),
        store.actions_of(connection, opportunity.id, MOST),
        [task for task in tasks if task.state == "done"],
    )
    open_tasks = [_task(task._mapping) for task in tasks if task.state == "open"]
    return {**shown(opportunity._mapping), "tasks": open_tasks, "timeline": plain(story)}


def agenda(
    connection: Connection, actor: Actor, seller_id: str, until: str | None, cursor: str | None, limit: int
) -> Answer:
    """A seller's open tasks that are due before `until`, the longest overdue first, each with its work and the version
    of its opportunity.

    Raises:
        Invalid: a time that cannot be read, a cursor that is not one of this list.
    """
    table = store.task
    select = store.agenda(actor, seller_id)
    before = instant("until", until)
    if before:
        select = select.where(table.c.due_at < before)
    rows, following = page(connection, select, table.c.due_at, table.c.id, cursor, limit, oldest_first=True)
    return {"items": [_task(row._mapping) for row in rows], "next": following}


def agenda_counts(connection: Connection, actor: Actor, seller_id: str, now: str, day_end: str) -> dict[str, int]:
    """How many open tasks of a seller are due: {"overdue": before now, "today": then before the end of the day,
    "later": after it}.

    Raises:
        Invalid: a time that cannot be read.
    """
    at, end = instant("now", now), instant("day_end", day_end)
    if at is None or end is None:
        raise invalid("now" if at is None else "day_end", INVALID, "say when")
    return store.agenda_counts(connection, actor, seller_id, at, end)


def instant(field: str, text: str | None) -> datetime | None:
    """The instant that `field` names; None where it is left out.

    Raises:
        Invalid: not ISO 8601, or without an offset.
    """
    if not text:
        return None
    try:
        return parse_iso(text)
    except (ValueError, TypeError):
        raise invalid(field, INVALID, "a time in ISO 8601 with its offset, such as 2026-11-22T09:00:00+00:00") from None


def shown(row: Mapping[Any, Any]) -> Answer:
    """An opportunity as callers see it."""
    answer: Answer = plain({**row, "opportunity_id": row["id"]})
    return answer


def _task(row: Mapping[Any, Any]) -> Answer:
    answer: Answer = plain({**row, "task_id": row["id"]})
    return answer
