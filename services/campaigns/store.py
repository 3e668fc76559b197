"""Tables and queries of campaigns."""

from collections.abc import Iterable, Sequence
from functools import cache
from operator import itemgetter
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from contracts import limits
from contracts.access import Actor
from runtime.columns import Id, Json, Utc
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
    sa.Column("start_on", sa.String(10)),
    sa.Column("subject", sa.String(limits.TASK_SUBJECT), nullable=False, server_default=""),
    sa.Column("by_hand", sa.Boolean, nullable=False, server_default=sa.false()),
    sa.Column("task_version", sa.Integer, nullable=False, server_default="1"),
    sa.Index("ix_task_agenda", "seller_id", "state", "due_at"),
)
"""state: "open", "done" or "dropped". start_on: the day on which a free task begins, on the seller's wall; null for a
planned one. due_at: when it is due; of a free one, when its day begins. by_hand: whether somebody planned it, and not a
rule or the next step of an action. task_version: grows when it is put off or ends, but not when it changes hands.
subject: what is to be done, in the words of whoever planned it."""

task_event = sa.Table(
    "task_event",
    metadata,
    sa.Column("id", Id, primary_key=True),
    sa.Column("opportunity_id", Id, sa.ForeignKey("opportunity.id"), nullable=False),
    sa.Column("task_id", Id, sa.ForeignKey("task.id"), nullable=False),
    sa.Column("what", sa.String(10), nullable=False),
    sa.Column("seller_id", Id),
    sa.Column("by_name", sa.String(200), nullable=False),
    sa.Column("at", Utc, nullable=False),
    sa.Column("from_at", Utc),
    sa.Column("from_on", sa.String(10)),
    sa.Column("to_at", Utc),
    sa.Column("to_on", sa.String(10)),
    sa.Column("reason", sa.String(limits.REASON), nullable=False),
    sa.Index("ix_task_event_opportunity", "opportunity_id", "at"),
)
"""What somebody did to a task without doing it: "added", "recalled" or "dropped" it. id: the page makes it, so that a
repeat is known; of "added" it is the task's own. seller_id: who it was, by_name: their name where that is no seller.
from, to: when it was due before, and is since."""

seller = sa.Table(
    "seller",
    metadata,
    sa.Column("id", Id, primary_key=True),
    sa.Column("version", sa.Integer, nullable=False),
    sa.Column("time_zone", sa.String(limits.TIME_ZONE), nullable=False),
    sa.Column("hours", Json, nullable=False),
)
"""When sellers work, as distribution told last. hours: "working_hours", "holidays", "time_off" of `SellerChanged`."""

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
