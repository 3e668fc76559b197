"""Free and planned tasks, what became of them, and when sellers work."""

import sqlalchemy as sa
from alembic import op

import runtime.columns

revision = "0003"
down_revision: str | None = "0002"
branch_labels: str | None = None
depends_on: str | None = None


def upgrade() -> None:
    op.add_column("task", sa.Column("start_on", sa.String(length=10), nullable=True))
    op.add_column("task", sa.Column("subject", sa.String(length=200), server_default="", nullable=False))
    op.add_column("task", sa.Column("by_hand", sa.Boolean(), server_default=sa.false(), nullable=False))
    op.add_column("task", sa.Column("task_version", sa.Integer(), server_default="1", nullable=False))
    op.create_table(
        "task_event",
        sa.Column("id", runtime.columns.Id, nullable=False),
        sa.Column("opportunity_id", runtime.columns.Id, nullable=False),
        sa.Column("task_id", runtime.columns.Id, nullable=False),
        sa.Column("what", sa.String(length=10), nullable=False),
        sa.Column("seller_id", runtime.columns.Id, nullable=True),
        sa.Column("by_name", sa.String(length=200), nullable=False),
        sa.Column("at", runtime.columns.Utc, nullable=False),
        sa.Column("from_at", runtime.columns.Utc, nullable=True),
        sa.Column("from_on", sa.String(length=10), nullable=True),
        sa.Column("to_at", runtime.columns.Utc, nullable=True),
        sa.Column("to_on", sa.String(length=10), nullable=True),
        sa.Column("reason", sa.String(length=500), nullable=False),
        sa.ForeignKeyConstraint(["opportunity_id"], ["opportunity.id"]),
        sa.ForeignKeyConstraint(["task_id"], ["task.id"]),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_task_event_opportunity", "task_event", ["opportunity_id", "at"])
    op.create_table(
        "seller",
        sa.Column("id", runtime.columns.Id, nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("time_zone", sa.String(length=64), nullable=False),
        sa.Column("hours", runtime.columns.Json, nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )


def downgrade() -> None:
    op.drop_table("seller")
    op.drop_index("ix_task_event_opportunity", "task_event")
    op.drop_table("task_event")
    with op.batch_alter_table("task") as batch_op:
        for column in ("task_version", "by_hand", "subject", "start_on"):
            batch_op.drop_column(column)
