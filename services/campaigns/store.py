"""Tables and queries of campaigns."""

from collections.abc import Iterable, Sequence
from functools import cache
from operator import itemgetter
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from contracts import limits
from runtime.columns import Id, Utc
from runtime.tables import add_bus_tables
from runtime.transaction import dialect_insert

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
    sa.Column("source", sa.String(limits.SOURCE), nullable=False),
    sa.Column("state", sa.String(10), nullable=False),
    sa.Column("outcome", sa.String(10), nullable=False),
    sa.Column("reason", sa.String(limits.REASON), nullable=False),
    sa.Column("assignment_version", sa.Integer, nullable=False),
    sa.Column("version", sa.Integer, nullable=False),
    sa.Column("correlation_id", sa.String(36), nullable=False),
    sa.Column("opened_at", Utc, nullable=False),
    sa.Column("closed_at", Utc),
    sa.Index("ix_opportunity_seller", "seller_id", "opened_at"),
    sa.Index("ix_opportunity_opened", "opened_at", "id"),
)
"""state: "stub" until the assignment that opens it has arrived, then "open", then "closed"; seller_id is null while
its work has no seller."""

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
    sa.Index("ix_task_agenda", "seller_id", "state", "due_at"),
)
"""state: "open", "done" or "dropped"."""


# What every batch asks is built once: building a statement costs more than running it.
_work_ids: sa.BindParameter[Any] = sa.bindparam("work_ids", expanding=True)
_by_work = (
    sa.select(opportunity).where(opportunity.c.work_id.in_(_work_ids)).order_by(opportunity.c.id).with_for_update()
)
_add_opportunities, _add_tasks = sa.insert(opportunity), sa.insert(task)
_hand_over = (
    sa.update(task)
    .where(task.c.opportunity_id.in_(sa.bindparam("ids", expanding=True)), task.c.state == "open")
    .values(
        seller_id=sa.select(opportunity.c.seller_id).where(opportunity.c.id == task.c.opportunity_id).scalar_subquery()
    )
)
_CHANGEABLE = ("contact_id", "seller_id", "source", "state", "assignment_version", "version")


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


def change(connection: Connection, opportunities: Sequence[dict[str, Any]]) -> None:
    """Changes opportunities that `by_work` has locked, and hands their open tasks over to whoever has them now.

    Rows: whole, as they shall be. An INSERT where each row is known to be there: the one statement that takes a value
    for each row.
    """
    if opportunities:
        in_order = sorted(opportunities, key=itemgetter("id"))
        connection.execute(_change(connection.dialect.name), in_order)
        connection.execute(_hand_over, {"ids": [row["id"] for row in in_order]})
