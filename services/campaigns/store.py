"""Tables and queries of campaigns."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from functools import cache
from operator import itemgetter
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from contracts import limits
from contracts.access import Actor
from runtime.columns import Id, Utc
from runtime.tables import add_bus_tables
from runtime.transaction import dialect_insert
from services.campaigns.domain.texts import is_id

metadata = sa.MetaData()
add_bus_tables(metadata)

opportunity = sa.Table(
    "opportunity",
    metadata,
    sa.Column("id", Id, primary_key=True),
    sa.Column("work_id", Id, nullable=False, unique=True),
    sa.Column("lead_id", Id, nullable=False),
    sa.Column("contact_id", Id),
    sa.Column("seller_id", Id),
    sa.Column("team_id", Id),
    sa.Column("source", sa.String(limits.SOURCE), nullable=False),
    sa.Column("state", sa.String(10), nullable=False),
    sa.Column("outcome", sa.String(10), nullable=False),
    sa.Column("reason", sa.String(limits.REASON), nullable=False),
    sa.Column("amount", sa.BigInteger),
    sa.Column("currency", sa.String(3), nullable=False, server_default=""),
    sa.Column("assignment_version", sa.Integer, nullable=False),
    sa.Column("version", sa.Integer, nullable=False),
    sa.Column("correlation_id", sa.String(36), nullable=False),
    sa.Column("opened_at", Utc, nullable=False),
    sa.Column("closed_at", Utc),
    sa.Index("ix_opportunity_seller", "seller_id", "opened_at"),
    sa.Index("ix_opportunity_team", "team_id", "opened_at"),
    sa.Index("ix_opportunity_opened", "opened_at", "id"),
)
"""state: "stub" until the assignment that opens it has arrived, then "open", then "closed"; seller_id is null while
its work has no seller. amount: what was sold, in minor units of currency; null where nobody said."""

task = sa.Table(
    "task",
    metadata,
    sa.Column("id", Id, primary_key=True),
    sa.Column("opportunity_id", Id, sa.ForeignKey("opportunity.id"), nullable=False, index=True),
    sa.Column("seller_id", Id),
    sa.Column("kind", sa.String(20), nullable=False),
    sa.Column("state", sa.String(10), nullable=False),
    sa.Column("due_at", Utc, nullable=False),
    sa.Column("created_at", Utc, nullable=False),
    sa.Column("done_at", Utc),
    sa.Index("ix_task_agenda", "seller_id", "state", "due_at"),
)
"""state: "open", "done" or "dropped"; an opportunity has at most one that is open."""

action = sa.Table(
    "action",
    metadata,
    sa.Column("id", Id, primary_key=True),
    sa.Column("opportunity_id", Id, sa.ForeignKey("opportunity.id"), nullable=False),
    sa.Column("work_id", Id, nullable=False),
    sa.Column("contact_id", Id),
    sa.Column("seller_id", Id),
    sa.Column("kind", sa.String(20), nullable=False),
    sa.Column("outcome", sa.String(20), nullable=False),
    sa.Column("note", sa.String(limits.NOTE), nullable=False),
    sa.Column("at", Utc, nullable=False),
    sa.Column("next_at", Utc),
    sa.Column("created_at", Utc, nullable=False),
    sa.Index("ix_action_opportunity", "opportunity_id", "at"),
)
"""What somebody did. id: the page makes it, so that a repeat is known; at: when it was, created_at: when we heard."""

handover = sa.Table(
    "handover",
    metadata,
    sa.Column("opportunity_id", Id, sa.ForeignKey("opportunity.id"), primary_key=True),
    sa.Column("assignment_version", sa.Integer, primary_key=True),
    sa.Column("from_seller_id", Id),
    sa.Column("seller_id", Id),
    sa.Column("at", Utc, nullable=False),
)
"""Changes of an opportunity's seller as they took effect here; one that was overtaken before it was heard has none."""


# What every batch asks is built once: building a statement costs more than running it.
_work_ids: sa.BindParameter[Any] = sa.bindparam("work_ids", expanding=True)
_by_work = (
    sa.select(opportunity).where(opportunity.c.work_id.in_(_work_ids)).order_by(opportunity.c.id).with_for_update()
)
_add_opportunities, _add_tasks, _add_handovers = sa.insert(opportunity), sa.insert(task), sa.insert(handover)
_hand_over = (
    sa.update(task)
    .where(task.c.opportunity_id.in_(sa.bindparam("ids", expanding=True)), task.c.state == "open")
    .values(
        seller_id=sa.select(opportunity.c.seller_id).where(opportunity.c.id == task.c.opportunity_id).scalar_subquery()
    )
)
_CHANGEABLE = ("contact_id", "seller_id", "team_id", "source", "state", "assignment_version", "version")


def by_work(connection: Connection, work_ids: Iterable[str]) -> dict[str, Any]:
    """Opportunities of these works, by work id, locked in the order of their ids."""
    return {row.work_id: row for row in connection.execute(_by_work, {"work_ids": list(work_ids)})}


def add(connection: Connection, opportunities: Sequence[dict[str, Any]], tasks: Sequence[dict[str, Any]]) -> None:
    """Stores new opportunities, and tasks."""
    if opportunities:
        connection.execute(_add_opportunities, opportunities)
    if tasks:
        connection.execute(_add_tasks, tasks)


@cache
def _change(dialect: str) -> Any:
    statement = dialect_insert(dialect, opportunity)
    changes = {name: statement.excluded[name] for name in _CHANGEABLE}
    # Only because it returns something does SQLAlchemy send all rows together and not one by one.
    return statement.on_conflict_do_update(index_elements=[opportunity.c.id], set_=changes).returning(opportunity.c.id)


def change(
    connection: Connection, opportunities: Sequence[dict[str, Any]], handovers: Sequence[dict[str, Any]]
) -> None:
    """Changes opportunities that `by_work` has locked, hands their open tasks over to whoever has them now, and keeps
    these handovers.

    opportunities: whole, as they shall be. An INSERT where each row is known to be there: the one statement that takes
    a value for each row.
    """
    if opportunities:
        in_order = sorted(opportunities, key=itemgetter("id"))
        connection.execute(_change(connection.dialect.name), in_order)
        connection.execute(_hand_over, {"ids": [row["id"] for row in in_order]})
    if handovers:
        connection.execute(_add_handovers, handovers)


def visible_to(actor: Actor) -> sa.ColumnElement[bool]:
    """Which opportunities an actor sees. A stub is none yet."""
    is_known = opportunity.c.state != "stub"
    if actor.sees_all:
        return is_known
    if actor.sees_teams:
        return sa.and_(is_known, opportunity.c.team_id.in_(filter(is_id, actor.team_ids)))
    if actor.role == "seller":
        return sa.and_(is_known, has_id(opportunity.c.seller_id, actor.seller_id))
    return sa.false()


def has_id(column: sa.Column[Any], identifier: Any) -> sa.ColumnElement[bool]:
    """Whether a column is an identifier; nothing is what is none, which PostgreSQL would refuse to look for."""
    return column == identifier if is_id(identifier) else sa.false()


def locked(connection: Connection, actor: Actor, opportunity_id: str) -> Any:
    """The opportunity, locked, or None where this actor sees none."""
    select = sa.select(opportunity).where(has_id(opportunity.c.id, opportunity_id), visible_to(actor))
    return connection.execute(select.with_for_update()).first()


def set_values(connection: Connection, opportunity_id: str, **values: Any) -> None:
    """Changes one opportunity that is locked."""
    connection.execute(sa.update(opportunity).where(opportunity.c.id == opportunity_id).values(values))


def end_tasks(connection: Connection, opportunity_id: str, state: str, done_at: datetime | None) -> None:
    """The open tasks of an opportunity are "done" or "dropped" now."""
    is_open = sa.and_(task.c.opportunity_id == opportunity_id, task.c.state == "open")
    connection.execute(sa.update(task).where(is_open).values(state=state, done_at=done_at))


def action_by_id(connection: Connection, action_id: str) -> Any:
    """An action, or None."""
    return connection.execute(sa.select(action).where(action.c.id == action_id)).first()


def add_action(connection: Connection, row: dict[str, Any]) -> None:
    """Stores an action."""
    connection.execute(sa.insert(action), row)


def handovers_of(connection: Connection, opportunity_id: str) -> Sequence[Any]:
    """Changes of an opportunity's seller, the oldest first."""
    mine = handover.c.opportunity_id == opportunity_id
    return connection.execute(sa.select(handover).where(mine).order_by(handover.c.assignment_version)).all()


def actions_of(connection: Connection, opportunity_id: str, most: int) -> Sequence[Any]:
    """The newest actions of an opportunity, the oldest of them first."""
    mine = action.c.opportunity_id == opportunity_id
    select = sa.select(action).where(mine).order_by(action.c.at.desc(), action.c.id.desc()).limit(most)
    return connection.execute(select).all()[::-1]


def tasks_of(connection: Connection, opportunity_id: str, most: int) -> Sequence[Any]:
    """The newest tasks of an opportunity, the oldest of them first."""
    mine = task.c.opportunity_id == opportunity_id
    select = sa.select(task).where(mine).order_by(task.c.created_at.desc(), task.c.id.desc()).limit(most)
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
    """How many open tasks of a seller are due before now, then before the end of the day, and after it."""
    due = agenda(actor, seller_id).with_only_columns(task.c.due_at).subquery().c.due_at
    counted = {
        "overdue": sa.func.sum(sa.case((due < now, 1), else_=0)),
        "today": sa.func.sum(sa.case((sa.and_(due >= now, due < day_end), 1), else_=0)),
        "later": sa.func.sum(sa.case((sa.and_(due >= now, due >= day_end), 1), else_=0)),
    }
    row = connection.execute(sa.select(*(column.label(name) for name, column in counted.items()))).one()
    return {name: int(count or 0) for name, count in row._mapping.items()}
