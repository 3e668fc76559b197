"""Queries for the stories of many opportunities at once: as many as for one."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from contracts.access import Actor
from services.campaigns.domain.texts import is_id
from services.campaigns.store import action, handover, opportunity, task, task_event, visible_to

ByOpportunity = Mapping[str, list[Any]]
"""Rows by the opportunity they belong to."""


def opportunities_of(connection: Connection, actor: Actor, work_ids: Iterable[str]) -> Sequence[Any]:
    """The opportunities of these works that `actor` sees."""
    of_works = opportunity.c.work_id.in_(filter(is_id, work_ids))
    select = sa.select(opportunity).where(of_works, visible_to(actor)).order_by(opportunity.c.id)
    return connection.execute(select).all()


def handovers_of(connection: Connection, opportunity_ids: Collection[str]) -> ByOpportunity:
    """Changes of their sellers, the oldest first."""
    theirs = handover.c.opportunity_id.in_(opportunity_ids)
    return _grouped(connection.execute(sa.select(handover).where(theirs).order_by(handover.c.assignment_version)))


def actions_of(connection: Connection, opportunity_ids: Collection[str], most: int) -> ByOpportunity:
    """The newest of their actions, the oldest of these first."""
    theirs = action.c.opportunity_id.in_(opportunity_ids)
    select = sa.select(action).where(theirs).order_by(action.c.at.desc(), action.c.id.desc()).limit(most)
    return _grouped(connection.execute(select).all()[::-1])


def tasks_of(connection: Connection, opportunity_ids: Collection[str], most: int) -> ByOpportunity:
    """The newest of their tasks that are done, the oldest of these first."""
    done = sa.and_(task.c.opportunity_id.in_(opportunity_ids), task.c.state == "done")
    select = sa.select(task).where(done).order_by(task.c.done_at.desc(), task.c.id.desc()).limit(most)
    return _grouped(connection.execute(select).all()[::-1])


def events_of(connection: Connection, opportunity_ids: Collection[str], most: int) -> ByOpportunity:
    """The newest events of their tasks with what the tasks are, the oldest of these first."""
    select = (
        sa.select(task_event, task.c.kind, task.c.subject)
        .join(task, task.c.id == task_event.c.task_id)
        .where(task_event.c.opportunity_id.in_(opportunity_ids))
        .order_by(task_event.c.at.desc(), task_event.c.id.desc())
        .limit(most)
    )
    return _grouped(connection.execute(select).all()[::-1])


def _grouped(rows: Iterable[Any]) -> ByOpportunity:
    found = defaultdict(list)
    for row in rows:
        found[row.opportunity_id].append(row)
    return found
