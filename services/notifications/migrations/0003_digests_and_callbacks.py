"""Digests, what providers tell, addresses to which nothing may be sent, and who sees a message."""

import sqlalchemy as sa
from alembic import op

import runtime.columns

revision = "0003"
down_revision: str | None = "0002"
branch_labels: str | None = None
depends_on: str | None = None

_IN_INBOX = "channel = 'in_app' AND withdrawn_at IS NULL"
_DIRECT = "channel != 'in_app'"
_INDICES = {
    "messages_digest": (["digest_id"], "digest_id IS NOT NULL"),
    "messages_channel": (["channel", "message_id"], _DIRECT),
    "messages_team_channel": (["team_id", "channel", "message_id"], _DIRECT),
    "messages_state": (["state", "message_id"], _DIRECT),
    "messages_address": (["address", "message_id"], _DIRECT),
    "messages_provider_id": (["provider_id"], "provider_id != ''"),
}


def upgrade() -> None:
    op.add_column("messages", sa.Column("team_id", runtime.columns.Id, nullable=True))
    op.add_column("messages", sa.Column("digest_id", runtime.columns.Id, nullable=True))
    op.add_column("messages", sa.Column("leads", sa.Integer(), server_default="1", nullable=False))
    op.add_column("messages", sa.Column("subject", sa.Text(), server_default="", nullable=False))
    op.add_column("messages", sa.Column("body", sa.Text(), server_default="", nullable=False))
    op.drop_index("messages_inbox", "messages")
    op.create_index("messages_seller", "messages", ["seller_id", "message_id"])
    op.create_index("messages_team", "messages", ["team_id", "message_id"])
    for name, (columns, condition) in _INDICES.items():
        _index(name, columns, condition)
    op.create_table(
        "tellings",
        sa.Column("seller_id", runtime.columns.Id, nullable=False),
        sa.Column("told_at", runtime.columns.Utc, nullable=True),
        sa.Column("digest_id", runtime.columns.Id, nullable=True),
        sa.Column("due_at", runtime.columns.Utc, nullable=True),
        sa.PrimaryKeyConstraint("seller_id"),
    )
    op.create_table(
        "provider_events",
        sa.Column("provider", sa.String(length=16), nullable=False),
        sa.Column("event_id", sa.Text(), nullable=False),
        sa.Column("message_id", runtime.columns.Id, nullable=True),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("at", runtime.columns.Utc, nullable=False),
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("provider", "event_id"),
    )
    op.create_index("provider_events_of_message", "provider_events", ["message_id", "at"])
    op.create_table(
        "suppressions",
        sa.Column("suppression_id", runtime.columns.Id, nullable=False),
        sa.Column("channel", sa.String(length=8), nullable=False),
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("reason", sa.String(length=16), nullable=False),
        sa.Column("since", runtime.columns.Utc, nullable=False),
        sa.Column("decided_at", runtime.columns.Utc, nullable=False),
        sa.Column("lifted_by", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("suppression_id"),
        sa.UniqueConstraint("channel", "address", name="suppressions_address"),
    )
    op.create_index("suppressions_since", "suppressions", ["since", "suppression_id"])
    op.create_table(
        "secrets",
        sa.Column("name", sa.String(length=32), nullable=False),
        sa.Column("secret", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("name"),
    )


def _index(name: str, columns: list[str], condition: str) -> None:
    op.create_index(name, "messages", columns, sqlite_where=sa.text(condition), postgresql_where=sa.text(condition))


def downgrade() -> None:
    for table in ("secrets", "suppressions", "provider_events", "tellings"):
        op.drop_table(table)
    for name in ("messages_seller", "messages_team", *_INDICES):
        op.drop_index(name, "messages")
    _index("messages_inbox", ["seller_id", "created_at", "message_id"], _IN_INBOX)
    with op.batch_alter_table("messages") as batch_op:
        for column in ("team_id", "digest_id", "leads", "subject", "body"):
            batch_op.drop_column(column)
