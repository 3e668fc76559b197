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
        "decisions",
        sa.Column("id", runtime.columns.Id, nullable=False),
        sa.Column("work_id", runtime.columns.Id, nullable=False),
        sa.Column("assignment_version", sa.Integer(), nullable=False),
        sa.Column("seller_id", runtime.columns.Id, nullable=False),
        sa.Column("team_id", runtime.columns.Id, nullable=True),
        sa.Column("reason", sa.String(length=10), nullable=False),
        sa.Column("rule_version", sa.Integer(), nullable=True),
        sa.Column("score", sa.Integer(), nullable=False),
        sa.Column("captured_at", runtime.columns.Utc, nullable=False),
        sa.Column("returned_by", runtime.columns.Json, nullable=False),
        sa.Column("snapshot_id", runtime.columns.Id, nullable=True),
        sa.Column("decided_at", runtime.columns.Utc, nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("work_id", "assignment_version", name="one_decision_per_version"),
    )
    with op.batch_alter_table("decisions", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_decisions_snapshot_id"), ["snapshot_id"], unique=False)

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
        "sellers",
        sa.Column("id", runtime.columns.Id, nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("email", sa.String(length=320), nullable=False),
        sa.Column("phone", sa.String(length=40), nullable=False),
        sa.Column("locale", sa.String(length=20), nullable=False),
        sa.Column("time_zone", sa.String(length=64), nullable=False),
        sa.Column("channels", runtime.columns.Json, nullable=False),
        sa.Column("weight", sa.Integer(), nullable=False),
        sa.Column("daily_cap", sa.Integer(), nullable=True),
        sa.Column("open_cap", sa.Integer(), nullable=True),
        sa.Column("working_hours", runtime.columns.Json, nullable=False),
        sa.Column("holidays", runtime.columns.Json, nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", runtime.columns.Utc, nullable=False),
        sa.Column("updated_at", runtime.columns.Utc, nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_table(
        "snapshots",
        sa.Column("id", runtime.columns.Id, nullable=False),
        sa.Column("team_id", runtime.columns.Id, nullable=False),
        sa.Column("taken_at", runtime.columns.Utc, nullable=False),
        sa.Column("sellers", runtime.columns.Json, nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_table(
        "suspect",
        sa.Column("queue", sa.String(length=100), nullable=False),
        sa.Column("message_id", runtime.columns.Id, nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("queue", "message_id"),
    )
    op.create_table(
        "teams",
        sa.Column("id", runtime.columns.Id, nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("supervisor", sa.String(length=200), nullable=False),
        sa.Column("time_zone", sa.String(length=64), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", runtime.columns.Utc, nullable=False),
        sa.Column("updated_at", runtime.columns.Utc, nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("name"),
    )
    op.create_table(
        "loads",
        sa.Column("seller_id", runtime.columns.Id, nullable=False),
        sa.Column("open_work", sa.Integer(), nullable=False),
        sa.Column("day", sa.String(length=10), nullable=False),
        sa.Column("given", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["seller_id"],
            ["sellers.id"],
        ),
        sa.PrimaryKeyConstraint("seller_id"),
    )
    op.create_table(
        "members",
        sa.Column("team_id", runtime.columns.Id, nullable=False),
        sa.Column("seller_id", runtime.columns.Id, nullable=False),
        sa.ForeignKeyConstraint(
            ["seller_id"],
            ["sellers.id"],
        ),
        sa.ForeignKeyConstraint(
            ["team_id"],
            ["teams.id"],
        ),
        sa.PrimaryKeyConstraint("team_id", "seller_id"),
    )
    with op.batch_alter_table("members", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_members_seller_id"), ["seller_id"], unique=False)

    op.create_table(
        "pools",
        sa.Column("team_id", runtime.columns.Id, nullable=False),
        sa.Column("ledger", runtime.columns.Json, nullable=False),
        sa.Column("wake_at", runtime.columns.Utc, nullable=True),
        sa.ForeignKeyConstraint(
            ["team_id"],
            ["teams.id"],
        ),
        sa.PrimaryKeyConstraint("team_id"),
    )
    with op.batch_alter_table("pools", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_pools_wake_at"), ["wake_at"], unique=False)

    op.create_table(
        "rules",
        sa.Column("form_id", runtime.columns.Id, nullable=False),
        sa.Column("team_id", runtime.columns.Id, nullable=False),
        sa.Column("strategy", sa.String(length=40), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", runtime.columns.Utc, nullable=False),
        sa.Column("updated_at", runtime.columns.Utc, nullable=False),
        sa.ForeignKeyConstraint(
            ["team_id"],
            ["teams.id"],
        ),
        sa.PrimaryKeyConstraint("form_id"),
    )
    op.create_table(
        "time_off",
        sa.Column("id", runtime.columns.Id, nullable=False),
        sa.Column("seller_id", runtime.columns.Id, nullable=False),
        sa.Column("starts_at", runtime.columns.Utc, nullable=False),
        sa.Column("ends_at", runtime.columns.Utc, nullable=False),
        sa.Column("reason", sa.String(length=500), nullable=False),
        sa.ForeignKeyConstraint(
            ["seller_id"],
            ["sellers.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
    )
    with op.batch_alter_table("time_off", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_time_off_seller_id"), ["seller_id"], unique=False)

    op.create_table(
        "work",
        sa.Column("work_id", runtime.columns.Id, nullable=False),
        sa.Column("lead_id", runtime.columns.Id, nullable=False),
        sa.Column("contact_id", runtime.columns.Id, nullable=False),
        sa.Column("form_id", runtime.columns.Id, nullable=False),
        sa.Column("source", sa.String(length=200), nullable=False),
        sa.Column("score", sa.Integer(), nullable=False),
        sa.Column("captured_at", runtime.columns.Utc, nullable=False),
        sa.Column("correlation_id", sa.String(length=64), nullable=False),
        sa.Column("lane", sa.String(length=4), nullable=False),
        sa.Column("arrived_at", runtime.columns.Utc, nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("team_id", runtime.columns.Id, nullable=True),
        sa.Column("seller_id", runtime.columns.Id, nullable=True),
        sa.Column("assignment_version", sa.Integer(), nullable=False),
        sa.Column("assigned_at", runtime.columns.Utc, nullable=True),
        sa.Column("reason", sa.String(length=10), nullable=False),
        sa.Column("waiting_reason", sa.String(length=20), nullable=False),
        sa.Column("returned_by", runtime.columns.Json, nullable=False),
        sa.CheckConstraint(
            "(state = 'waiting' AND seller_id IS NULL) OR (state = 'assigned' AND seller_id IS NOT NULL)"
            " OR state = 'closed'",
            name="work_state",
        ),
        sa.ForeignKeyConstraint(
            ["seller_id"],
            ["sellers.id"],
        ),
        sa.ForeignKeyConstraint(
            ["team_id"],
            ["teams.id"],
        ),
        sa.PrimaryKeyConstraint("work_id"),
    )
    with op.batch_alter_table("work", schema=None) as batch_op:
        batch_op.create_index("work_of_seller", ["seller_id", "assigned_at"], unique=False)
        batch_op.create_index(
            "work_waiting",
            ["team_id", "score", "captured_at"],
            unique=False,
            postgresql_where=sa.text("state = 'waiting'"),
            sqlite_where=sa.text("state = 'waiting'"),
        )
        batch_op.create_index(
            "work_waiting_by_form",
            ["form_id", "team_id"],
            unique=False,
            postgresql_where=sa.text("state = 'waiting'"),
            sqlite_where=sa.text("state = 'waiting'"),
        )


def downgrade() -> None:
    with op.batch_alter_table("work", schema=None) as batch_op:
        batch_op.drop_index(
            "work_waiting_by_form",
            postgresql_where=sa.text("state = 'waiting'"),
            sqlite_where=sa.text("state = 'waiting'"),
        )
        batch_op.drop_index(
            "work_waiting", postgresql_where=sa.text("state = 'waiting'"), sqlite_where=sa.text("state = 'waiting'")
        )
        batch_op.drop_index("work_of_seller")

    op.drop_table("work")
    with op.batch_alter_table("time_off", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_time_off_seller_id"))

    op.drop_table("time_off")
    op.drop_table("rules")
    with op.batch_alter_table("pools", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_pools_wake_at"))

    op.drop_table("pools")
    with op.batch_alter_table("members", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_members_seller_id"))

    op.drop_table("members")
    op.drop_table("loads")
    op.drop_table("teams")
    op.drop_table("suspect")
    op.drop_table("snapshots")
    op.drop_table("sellers")
    with op.batch_alter_table("outbox", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_outbox_due_at"))

    op.drop_table("outbox")
    with op.batch_alter_table("inbox", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_inbox_received_at"))

    op.drop_table("inbox")
    with op.batch_alter_table("failed", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_failed_due_at"))

    op.drop_table("failed")
    with op.batch_alter_table("decisions", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_decisions_snapshot_id"))

    op.drop_table("decisions")
