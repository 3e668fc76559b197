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
        "contact",
        sa.Column("id", runtime.columns.Id, nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("email", sa.String(length=320), nullable=False),
        sa.Column("phone", sa.String(length=20), nullable=False),
        sa.Column("company", sa.String(length=200), nullable=False),
        sa.Column("city", sa.String(length=200), nullable=False),
        sa.Column("country", sa.String(length=200), nullable=False),
        sa.Column("sector", sa.String(length=200), nullable=False),
        sa.Column("product", sa.String(length=200), nullable=False),
        sa.Column("quality", sa.Integer(), nullable=False),
        sa.Column("created_at", runtime.columns.Utc, nullable=False),
        sa.Column("updated_at", runtime.columns.Utc, nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
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
        "form",
        sa.Column("id", runtime.columns.Id, nullable=False),
        sa.Column("key", sa.String(length=64), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=120), nullable=False),
        sa.Column("source", sa.String(length=80), nullable=False),
        sa.Column("channel", sa.String(length=20), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("fields", runtime.columns.Json, nullable=False),
        sa.Column("one_of", runtime.columns.Json, nullable=False),
        sa.Column("allowed_origins", runtime.columns.Json, nullable=False),
        sa.Column("region", sa.String(length=2), nullable=False),
        sa.Column("locale", sa.String(length=5), nullable=False),
        sa.Column("created_at", runtime.columns.Utc, nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("key"),
    )
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
        "quarantine",
        sa.Column("id", runtime.columns.Id, nullable=False),
        sa.Column("lead_id", runtime.columns.Id, nullable=False),
        sa.Column("form_id", runtime.columns.Id, nullable=False),
        sa.Column("reason", sa.String(length=40), nullable=False),
        sa.Column("fields", runtime.columns.Json, nullable=False),
        sa.Column("context", runtime.columns.Json, nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("received_at", runtime.columns.Utc, nullable=False),
        sa.Column("created_at", runtime.columns.Utc, nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("lead_id", "digest"),
    )
    op.create_table(
        "suspect",
        sa.Column("queue", sa.String(length=100), nullable=False),
        sa.Column("message_id", runtime.columns.Id, nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("queue", "message_id"),
    )
    op.create_table(
        "contact_key",
        sa.Column("key", sa.String(length=330), nullable=False),
        sa.Column("contact_id", runtime.columns.Id, nullable=False),
        sa.ForeignKeyConstraint(
            ["contact_id"],
            ["contact.id"],
        ),
        sa.PrimaryKeyConstraint("key"),
    )
    with op.batch_alter_table("contact_key", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_contact_key_contact_id"), ["contact_id"], unique=False)

    op.create_table(
        "lead",
        sa.Column("id", runtime.columns.Id, nullable=False),
        sa.Column("form_id", runtime.columns.Id, nullable=False),
        sa.Column("contact_id", runtime.columns.Id, nullable=False),
        sa.Column("source", sa.String(length=80), nullable=False),
        sa.Column("channel", sa.String(length=20), nullable=False),
        sa.Column("fields", runtime.columns.Json, nullable=False),
        sa.Column("context", runtime.columns.Json, nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("import_id", sa.String(length=36), nullable=False),
        sa.Column("score", sa.Integer(), nullable=False),
        sa.Column("correlation_id", sa.String(length=36), nullable=False),
        sa.Column("received_at", runtime.columns.Utc, nullable=False),
        sa.Column("captured_at", runtime.columns.Utc, nullable=False),
        sa.ForeignKeyConstraint(
            ["contact_id"],
            ["contact.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
    )
    with op.batch_alter_table("lead", schema=None) as batch_op:
        batch_op.create_index("ix_lead_captured", ["captured_at", "id"], unique=False)
        batch_op.create_index(batch_op.f("ix_lead_contact_id"), ["contact_id"], unique=False)
        batch_op.create_index("ix_lead_form", ["form_id", "captured_at", "id"], unique=False)
        batch_op.create_index("ix_lead_import", ["import_id", "captured_at", "id"], unique=False)


def downgrade() -> None:
    with op.batch_alter_table("lead", schema=None) as batch_op:
        batch_op.drop_index("ix_lead_import")
        batch_op.drop_index("ix_lead_form")
        batch_op.drop_index(batch_op.f("ix_lead_contact_id"))
        batch_op.drop_index("ix_lead_captured")

    op.drop_table("lead")
    with op.batch_alter_table("contact_key", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_contact_key_contact_id"))

    op.drop_table("contact_key")
    op.drop_table("suspect")
    op.drop_table("quarantine")
    with op.batch_alter_table("outbox", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_outbox_due_at"))

    op.drop_table("outbox")
    with op.batch_alter_table("inbox", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_inbox_received_at"))

    op.drop_table("inbox")
    op.drop_table("form")
    with op.batch_alter_table("failed", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_failed_due_at"))

    op.drop_table("failed")
    op.drop_table("contact")
