"""initial"""

import sqlalchemy as sa
from alembic import op

import runtime.columns

revision = "0001"
down_revision: str | None = None
branch_labels: str | None = None
depends_on: str | None = None

_IN_INBOX = "channel = 'in_app' AND withdrawn_at IS NULL"


def upgrade() -> None:
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
        "messages",
        sa.Column("message_id", runtime.columns.Id, nullable=False),
        sa.Column("work_id", runtime.columns.Id, nullable=False),
        sa.Column("assignment_version", sa.Integer(), nullable=False),
        sa.Column("channel", sa.String(length=8), nullable=False),
        sa.Column("seller_id", runtime.columns.Id, nullable=False),
        sa.Column("lead_id", runtime.columns.Id, nullable=False),
        sa.Column("contact_id", runtime.columns.Id, nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("correlation_id", sa.String(length=36), nullable=False),
        sa.Column("created_at", runtime.columns.Utc, nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("awaits_seller", sa.Boolean(), nullable=False),
        sa.Column("read_at", runtime.columns.Utc, nullable=True),
        sa.Column("withdrawn_at", runtime.columns.Utc, nullable=True),
        sa.Column("due_at", runtime.columns.Utc, nullable=True),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False),
        sa.Column("claim_id", runtime.columns.Id, nullable=True),
        sa.Column("claimed_at", runtime.columns.Utc, nullable=True),
        sa.Column("unknown_at", runtime.columns.Utc, nullable=True),
        sa.Column("address", sa.Text(), server_default="", nullable=False),
        sa.Column("provider_id", sa.Text(), server_default="", nullable=False),
        sa.Column("error", sa.Text(), server_default="", nullable=False),
        sa.Column("sent_at", runtime.columns.Utc, nullable=True),
        sa.PrimaryKeyConstraint("message_id"),
        sa.UniqueConstraint("work_id", "assignment_version", "channel", name="messages_intent"),
    )
    _index("messages_due", ["state", "due_at"], "due_at IS NOT NULL")
    _index("messages_inbox", ["seller_id", "created_at", "message_id"], _IN_INBOX)
    _index("messages_unknown", ["unknown_at", "message_id"], "state = 'unknown'")
    _index("messages_unread", ["seller_id"], f"{_IN_INBOX} AND read_at IS NULL")

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
        "sellers",
        sa.Column("seller_id", runtime.columns.Id, nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("email", sa.Text(), nullable=False),
        sa.Column("phone", sa.Text(), nullable=False),
        sa.Column("locale", sa.String(length=35), nullable=False),
        sa.Column("time_zone", sa.Text(), nullable=False),
        sa.Column("channels", runtime.columns.Json, nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("seller_id"),
    )
    op.create_table(
        "suspect",
        sa.Column("queue", sa.String(length=100), nullable=False),
        sa.Column("message_id", runtime.columns.Id, nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("queue", "message_id"),
    )
    op.create_table(
        "works",
        sa.Column("work_id", runtime.columns.Id, nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("work_id"),
    )


def _index(name: str, columns: list[str], condition: str) -> None:
    op.create_index(name, "messages", columns, sqlite_where=sa.text(condition), postgresql_where=sa.text(condition))


def downgrade() -> None:
    for table in ("failed", "inbox", "messages", "outbox", "sellers", "suspect", "works"):
        op.drop_table(table)
