"""Tables and queries of campaigns."""

from collections.abc import Iterable, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from runtime.columns import Id, Utc
from runtime.tables import add_bus_tables

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
    sa.Column("source", sa.String(80), nullable=False),
    sa.Column("state", sa.String(10), nullable=False),
    sa.Column("outcome", sa.String(10), nullable=False),
    sa.Column("reason", sa.String(500), nullable=False),
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


def by_work(connection: Connection, work_ids: Iterable[str]) -> dict[str, Any]:
    """Opportunities of these works, by work id, locked in the order of their ids."""
    return {row.work_id: row for row in connection.execute(_by_work, {"work_ids": list(work_ids)})}


def add(connection: Connection, opportunities: Sequence[dict[str, Any]], tasks: Sequence[dict[str, Any]]) -> None:
    """Stores opportunities and tasks."""
    if opportunities:
        connection.execute(_add_opportunities, opportunities)
    if tasks:
        connection.execute(_add_tasks, tasks)


_change = (
    sa.update(opportunity)
    .where(opportunity.c.id == sa.bindparam("of_id"))
    .values(
        contact_id=sa.func.coalesce(opportunity.c.contact_id, sa.bindparam("new_contact_id", type_=Id)),
        seller_id=sa.bindparam("new_seller_id", type_=Id),
        source=sa.bindparam("new_source"),
        state=sa.bindparam("new_state"),
        assignment_version=sa.bindparam("new_assignment_version"),
        version=opportunity.c.version + 1,
    )
)
_hand_over = (
    sa.update(task)
    .where(task.c.opportunity_id == sa.bindparam("of_id"), task.c.state == "open")
    .values(seller_id=sa.bindparam("new_seller_id", type_=Id))
)


def change(connection: Connection, rows: Sequence[dict[str, Any]]) -> None:
    """Applies assignments to opportunities that are there, and hands their open tasks over with them.

    Rows: of_id, new_contact_id, new_seller_id, new_source, new_state, new_assignment_version.
    """
    if rows:
        connection.execute(_change, rows)
        connection.execute(_hand_over, [{"of_id": row["of_id"], "new_seller_id": row["new_seller_id"]} for row in rows])
