"""Counts know their team and money; subtotals for overviews. What was counted before has neither team nor money."""

from typing import Any

import sqlalchemy as sa
from alembic import op

import runtime.columns

revision = "0002"
down_revision: str | None = "0001"
branch_labels: str | None = None
depends_on: str | None = None

_IN_OVERVIEW = ("leads_captured", "leads_assigned", "opportunities_won", "opportunities_lost")


def upgrade() -> None:
    # SQLite cannot change a primary key: a new table takes the rows over and the name.
    rollup = op.create_table(
        "rollup_next",
        sa.Column("measure", sa.String(length=40), nullable=False),
        sa.Column("hour", runtime.columns.Utc, nullable=False),
        sa.Column("source", sa.String(length=80), nullable=False),
        sa.Column("seller_id", sa.String(length=36), nullable=False),
        sa.Column("team_id", sa.String(length=36), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("measure", "hour", "source", "seller_id", "team_id", "currency"),
        sqlite_with_rowid=False,
    )
    op.execute(
        "INSERT INTO rollup_next (measure, hour, source, seller_id, team_id, currency, count, amount) "
        "SELECT measure, hour, source, seller_id, '', '', count, 0 FROM rollup"
    )
    summary = op.create_table(
        "summary",
        sa.Column("team_id", sa.String(length=36), nullable=False),
        sa.Column("dimension", sa.String(length=10), nullable=False),
        sa.Column("measure", sa.String(length=40), nullable=False),
        sa.Column("starts_at", runtime.columns.Utc, nullable=False),
        sa.Column("value", sa.String(length=80), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("team_id", "dimension", "measure", "starts_at", "value", "currency"),
        sqlite_with_rowid=False,
    )
    subtotals: tuple[tuple[str, Any, list[Any]], ...] = (
        ("hour", rollup.c.hour, []),
        ("day", _day(rollup.c.hour), []),
        ("source", _day(rollup.c.hour), [rollup.c.source]),
        ("seller", _day(rollup.c.hour), [rollup.c.seller_id]),
    )
    for dimension, starts_at, values in subtotals:
        conditions: list[Any] = [rollup.c.measure.in_(_IN_OVERVIEW)]
        if dimension == "seller":
            conditions.append(rollup.c.seller_id != "")
        counted = (
            sa.select(
                sa.literal(""),
                sa.literal(dimension),
                rollup.c.measure,
                starts_at,
                *(values or [sa.literal("")]),
                sa.literal(""),
                sa.func.sum(rollup.c.count),
                sa.literal(0),
            )
            .where(*conditions)
            .group_by(rollup.c.measure, starts_at, *values)
        )
        op.execute(sa.insert(summary).from_select(list(summary.c), counted))
    op.drop_table("rollup")
    op.rename_table("rollup_next", "rollup")


def _day(hour: Any) -> Any:
    if op.get_bind().dialect.name == "postgresql":
        return sa.func.timezone("UTC", sa.func.date_trunc("day", sa.func.timezone("UTC", hour)))
    return sa.func.substr(hour, 1, 10, type_=sa.String) + "T00:00:00.000000+00:00"


def downgrade() -> None:
    op.drop_table("summary")
    op.create_table(
        "rollup_before",
        sa.Column("measure", sa.String(length=40), nullable=False),
        sa.Column("hour", runtime.columns.Utc, nullable=False),
        sa.Column("source", sa.String(length=80), nullable=False),
        sa.Column("seller_id", sa.String(length=36), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("measure", "hour", "source", "seller_id"),
    )
    op.execute(
        "INSERT INTO rollup_before (measure, hour, source, seller_id, count) "
        "SELECT measure, hour, source, seller_id, sum(count) FROM rollup GROUP BY measure, hour, source, seller_id"
    )
    op.drop_table("rollup")
    op.rename_table("rollup_before", "rollup")
