"""initial"""

import sqlalchemy as sa
from alembic import op

import runtime.columns

revision = "0001"
down_revision: str | None = None
branch_labels: str | None = None
depends_on: str | None = None


def upgrade() -> None:
    op.create_table(
        "fact_log",
        sa.Column("id", runtime.columns.Id, nullable=False),
        sa.Column("type", sa.String(length=40), nullable=False),
        sa.Column("subject", runtime.columns.Id, nullable=False),
        sa.Column("subject_version", sa.Integer(), nullable=False),
        sa.Column("fact", runtime.columns.Json, nullable=False),
        sa.Column("received_at", runtime.columns.Utc, nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    with op.batch_alter_table("fact_log", schema=None) as batch_op:
        batch_op.create_index("ix_fact_log_type", ["type", "received_at"], unique=False)

    op.create_table(
        "failed",
        sa.Column("id", runtime.columns.Id, nullable=False),
        sa.Column("queue", sa.String(length=100), nullable=False),
        sa.Column("subject", sa.String(length=100), nullable=False),
        sa.Column("correlation_id", sa.String(length=36), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("error", sa.Text(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("created_at", runtime.columns.Utc, nullable=False),
        sa.Column("due_at", runtime.columns.Utc, nullable=True),
        sa.Column("parked_at", runtime.columns.Utc, nullable=True),
        sa.PrimaryKeyConstraint("id"),
    )
    with op.batch_alter_table("failed", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_failed_due_at"), ["due_at"], unique=False)

    op.create_table(
        "inbox",
        sa.Column("queue", sa.String(length=100), nullable=False),
        sa.Column("message_id", runtime.columns.Id, nullable=False),
        sa.Column("received_at", runtime.columns.Utc, nullable=False),
        sa.PrimaryKeyConstraint("queue", "message_id"),
    )
    with op.batch_alter_table("inbox", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_inbox_received_at"), ["received_at"], unique=False)

    op.create_table(
        "outbox",
        sa.Column("id", runtime.columns.Id, nullable=False),
        sa.Column("exchange", sa.String(length=100), nullable=False),
        sa.Column("routing_key", sa.String(length=100), nullable=False),
        sa.Column("lane", sa.String(length=4), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("due_at", runtime.columns.Utc, nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    with op.batch_alter_table("outbox", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_outbox_due_at"), ["due_at"], unique=False)

    op.create_table(
        "rollup",
        sa.Column("measure", sa.String(length=40), nullable=False),
        sa.Column("hour", runtime.columns.Utc, nullable=False),
        sa.Column("source", sa.String(length=80), nullable=False),
        sa.Column("seller_id", sa.String(length=36), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("measure", "hour", "source", "seller_id"),
    )
    op.create_table(
        "seller",
        sa.Column("id", runtime.columns.Id, nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_table(
        "suspect",
        sa.Column("queue", sa.String(length=100), nullable=False),
        sa.Column("message_id", runtime.columns.Id, nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("queue", "message_id"),
    )


def downgrade() -> None:
    op.drop_table("suspect")
    op.drop_table("seller")
    op.drop_table("rollup")
    with op.batch_alter_table("outbox", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_outbox_due_at"))

    op.drop_table("outbox")
    with op.batch_alter_table("inbox", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_inbox_received_at"))

    op.drop_table("inbox")
    with op.batch_alter_table("failed", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_failed_due_at"))

    op.drop_table("failed")
    with op.batch_alter_table("fact_log", schema=None) as batch_op:
        batch_op.drop_index("ix_fact_log_type")

    op.drop_table("fact_log")
