"""Queries of tasks, of agendas, and of when sellers work."""

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from functools import cache
from itertools import pairwise
from operator import itemgetter
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from contracts.access import Actor
from runtime.transaction import dialect_insert
from services.campaigns.store import has_id, opportunity, seller, task, task_event, visible_to

_sellers = sa.select(seller).where(seller.c.id.in_(sa.bindparam("ids", expanding=True)))


def sellers(connection: Connection, seller_ids: Collection[str]) -> Sequence[Any]:
    """Those of these sellers that are known."""
    return connection.execute(_sellers, {"ids": list(seller_ids)}).all()


@cache
def _keep_sellers(dialect: str) -> Any:
    statement = dialect_insert(dialect, seller)
    upsert = statement.on_conflict_do_update(
        index_elements=[seller.c.id],
        set_={name: statement.excluded[name] for name in ("version", "time_zone", "hours")},
        where=seller.c.version <= statement.excluded.version,
    )
    # Only because it returns something does SQLAlchemy send all rows together and not one by one.
    return upsert.returning(seller.c.id)


def keep_sellers(connection: Connection, rows: Iterable[dict[str, Any]]) -> None:
    """Stores sellers where they are not older than what is known; one row per seller, written in the order of ids."""
    connection.execute(_keep_sellers(connection.dialect.name), sorted(rows, key=itemgetter("id")))


def open_tasks(connection: Connection, opportunity_id: str) -> Sequence[Any]:
    """The open tasks of an opportunity, which is locked."""
    is_open = sa.and_(task.c.opportunity_id == opportunity_id, task.c.state == "open")
    return connection.execute(sa.select(task).where(is_open).order_by(task.c.due_at, task.c.id)).all()


def end_tasks(connection: Connection, task_ids: Collection[str], state: str, done_at: datetime | None) -> None:
    """These tasks are "done" or "dropped" now."""
    ended = {"state": state, "done_at": done_at, "task_version": task.c.task_version + 1}
    connection.execute(sa.update(task).where(task.c.id.in_(task_ids)).values(ended))


def put_off(connection: Connection, task_id: str, due_at: datetime, start_on: str | None) -> None:
    """A task is due at another time now."""
    moved = {"due_at": due_at, "start_on": start_on, "task_version": task.c.task_version + 1}
    connection.execute(sa.update(task).where(task.c.id == task_id).values(moved))


def opportunity_of(connection: Connection, actor: Actor, task_id: str) -> str | None:
    """The opportunity of a task, as far as this actor sees it."""
    of_task = sa.select(task.c.opportunity_id).join(opportunity, opportunity.c.id == task.c.opportunity_id)
    found: str | None = connection.execute(of_task.where(has_id(task.c.id, task_id), visible_to(actor))).scalar()
    return found


def by_id(connection: Connection, task_id: str) -> Any:
    """A task, or None."""
    return connection.execute(sa.select(task).where(task.c.id == task_id)).first()


def event(connection: Connection, event_id: str) -> Any:
    """What was done to a task, or None."""
    return connection.execute(sa.select(task_event).where(task_event.c.id == event_id)).first()


def add_event(connection: Connection, row: dict[str, Any]) -> None:
    """Keeps what was done to a task."""
    connection.execute(sa.insert(task_event), row)


def tasks_of(connection: Connection, opportunity_id: str, most: int) -> Sequence[Any]:
    """The newest tasks of an opportunity that are done, the oldest of them first."""
    done = sa.and_(task.c.opportunity_id == opportunity_id, task.c.state == "done")
    select = sa.select(task).where(done).order_by(task.c.created_at.desc(), task.c.id.desc()).limit(most)
    return connection.execute(select).all()[::-1]


def events_of(connection: Connection, opportunity_id: str, most: int) -> Sequence[Any]:
    """The newest events of an opportunity's tasks with what the tasks are, the oldest of them first."""
    select = (
        sa.select(task_event, task.c.kind, task.c.subject)
        .join(task, task.c.id == task_event.c.task_id)
        .where(task_event.c.opportunity_id == opportunity_id)
        .order_by(task_event.c.at.desc(), task_event.c.id.desc())
        .limit(most)
    )
    return connection.execute(select).all()[::-1]


def agenda(actor: Actor, seller_id: str) -> sa.Select[Any]:
    """A seller's open tasks, each with its opportunity, as far as this actor sees them."""
    shown = (
        opportunity.c.work_id,
        opportunity.c.lead_id,
        opportunity.c.contact_id,
        opportunity.c.source,
        opportunity.c.version,
    )
    return (
        sa.select(task, *shown)
        .join(opportunity, opportunity.c.id == task.c.opportunity_id)
        .where(has_id(task.c.seller_id, seller_id), task.c.state == "open", visible_to(actor))
    )


def agenda_counts(
    connection: Connection, actor: Actor, seller_id: str, now: datetime, day_end: datetime
) -> dict[str, int]:
    """How many open tasks of a seller are overdue, due before the end of the day, and after it. A free task is never
    overdue: once it has begun it is for today."""
    tasks = agenda(actor, seller_id).with_only_columns(task.c.due_at, task.c.start_on).subquery()
    due = tasks.c.due_at
    is_late = sa.and_(due < now, tasks.c.start_on.is_(None))
    counted = {
        "overdue": sa.func.sum(sa.case((is_late, 1), else_=0)),
        "today": sa.func.sum(sa.case((sa.and_(sa.not_(is_late), due < day_end), 1), else_=0)),
        "later": sa.func.sum(sa.case((sa.and_(sa.not_(is_late), due >= day_end), 1), else_=0)),
    }
    row = connection.execute(sa.select(*(column.label(name) for name, column in counted.items()))).one()
    return {name: int(count or 0) for name, count in row._mapping.items()}


def due_between(
    connection: Connection,
    actor: Actor,
    seller_id: str,
    since: datetime | None,
    until: datetime,
    *,
    is_free: bool,
    limit: int,
) -> tuple[list[Any], int]:
    """A seller's open tasks that are due from `since` to before `until`, the earliest first, and how many there are."""
    select = agenda(actor, seller_id).where(task.c.due_at < until)
    select = select.where(task.c.start_on.is_not(None) if is_free else task.c.start_on.is_(None))
    if since is not None:
        select = select.where(task.c.due_at >= since)
    rows = list(connection.execute(select.order_by(task.c.due_at, task.c.id).limit(limit + 1)).mappings())
    if len(rows) <= limit:
        return rows, len(rows)
    counted = select.with_only_columns(sa.func.count()).order_by(None)
    return rows[:limit], int(connection.execute(counted).scalar_one())


def counts_of_days(
    connection: Connection, actor: Actor, seller_id: str, starts: Sequence[datetime]
) -> list[dict[str, int]]:
    """How many open tasks of a seller are due on each of these days, {"planned", "free"}.

    starts: when each begins, and at last when the last ends.
    """
    within = agenda(actor, seller_id).where(task.c.due_at >= starts[0], task.c.due_at < starts[-1])
    tasks = within.with_only_columns(task.c.due_at, task.c.start_on).subquery()
    columns = []
    for start, end in pairwise(starts):
        on_day = sa.and_(tasks.c.due_at >= start, tasks.c.due_at < end)
        for is_kind in (tasks.c.start_on.is_(None), tasks.c.start_on.is_not(None)):
            columns.append(sa.func.sum(sa.case((sa.and_(on_day, is_kind), 1), else_=0)))
    found = [int(count or 0) for count in connection.execute(sa.select(*columns)).one()]
    return [{"planned": planned, "free": free} for planned, free in zip(found[::2], found[1::2], strict=True)]
