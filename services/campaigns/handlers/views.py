"""What people see of opportunities and tasks, each within their sight."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from contracts.access import Actor
from contracts.errors import INVALID
from contracts.wall_clock import local_day, local_instant
from runtime.clock import parse_iso, utc_now
from runtime.errors import NotFound, invalid, plain
from runtime.paging import page
from services.campaigns import store, task_store
from services.campaigns.domain.tasks import read_day
from services.campaigns.domain.timeline import MOST, timeline

Answer = dict[str, Any]

AGENDA_SHOWN: Final = 50
"""Tasks of each list of a day: who has more has to begin somewhere."""


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
    """An opportunity with its open tasks, the next first, and its timeline, see `domain.timeline`."""
    story = timeline(
        opportunity,
        store.handovers_of(connection, opportunity.id),
        store.actions_of(connection, opportunity.id, MOST),
        task_store.tasks_of(connection, opportunity.id, MOST),
        task_store.events_of(connection, opportunity.id, MOST),
    )
    open_tasks = [_task(task._mapping) for task in task_store.open_tasks(connection, opportunity.id)]
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
    select = task_store.agenda(actor, seller_id)
    before = instant("until", until)
    if before:
        select = select.where(table.c.due_at < before)
    rows, following = page(connection, select, table.c.due_at, table.c.id, cursor, limit, oldest_first=True)
    return {"items": [_task(row._mapping) for row in rows], "next": following}


def agenda_day(connection: Connection, actor: Actor, seller_id: str, day: str | None, time_zone: str) -> Answer:
    """A seller's open tasks of one day, and how many there are on each day of its week, from Monday on.

    Args:
        day: such as "2026-12-24"; today where it is empty. time_zone: whose days they are.

    Returns:
        {"day", "today", "time_zone", "week": [{"day", "planned", "free"}]} and three lists, each {"items",
        "count"} with the first `AGENDA_SHOWN` of them: "overdue", what should have been done by now, empty but for
        today; "planned", the others of the day by their time; "free", what began on that day, for today also what began
        before. Items are those of `agenda`.

    Raises:
        Invalid: a day or a time zone that is none.
    """
    now = utc_now()
    try:
        today = local_day(time_zone, now)
    except (KeyError, ValueError, TypeError, OSError):  # what zoneinfo raises depends on how wrong the name is
        raise invalid("time_zone", INVALID, "a time zone such as Europe/Lisbon") from None
    on = read_day(day) if day else today
    if on is None:
        raise invalid("day", INVALID, "a day such as 2026-12-24")
    monday = on - timedelta(days=on.weekday())
    days = [monday + timedelta(days=shift) for shift in range(8)]
    starts = [local_instant(time_zone, one, 0) for one in days]
    begins, ends = starts[on.weekday()], starts[on.weekday() + 1]
    is_today = on == today

    def tasks(since: datetime | None, until: datetime, *, is_free: bool = False) -> Answer:
        rows, count = task_store.due_between(
            connection, actor, seller_id, since, until, is_free=is_free, limit=AGENDA_SHOWN
        )
        return {"items": [_task(row) for row in rows], "count": count}

    counts = task_store.counts_of_days(connection, actor, seller_id, starts)
    return {
        "day": on.isoformat(),
        "today": today.isoformat(),
        "time_zone": time_zone,
        "week": [{"day": one.isoformat(), **found} for one, found in zip(days, counts, strict=False)],
        "overdue": tasks(None, now) if is_today else {"items": [], "count": 0},
        "planned": tasks(now if is_today else begins, ends),
        "free": tasks(None if is_today else begins, ends, is_free=True),
    }


def agenda_counts(connection: Connection, actor: Actor, seller_id: str, now: str, day_end: str) -> dict[str, int]:
    """How many open tasks of a seller are due: {"overdue": before now, "today": then before the end of the day,
    "later": after it}.

    Raises:
        Invalid: a time that cannot be read.
    """
    at, end = instant("now", now), instant("day_end", day_end)
    if at is None or end is None:
        raise invalid("now" if at is None else "day_end", INVALID, "say when")
    return task_store.agenda_counts(connection, actor, seller_id, at, end)


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
