"""Accounts, sessions, the trail of changes, the secret; keys of the API get a role and scopes."""

import sqlalchemy as sa
from alembic import op

import runtime.columns

revision = "0002"
down_revision: str | None = "0001"
branch_labels: str | None = None
depends_on: str | None = None


def upgrade() -> None:

    op.create_table(
        "account",
        sa.Column("id", runtime.columns.Id, nullable=False),
        sa.Column("login", sa.String(length=254), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("password_hash", sa.String(length=200), nullable=False),
        sa.Column("role", sa.String(length=12), nullable=False),
        sa.Column("seller_id", runtime.columns.Id, nullable=True),
        sa.Column("team_ids", runtime.columns.Json, nullable=False),
        sa.Column("locale", sa.String(length=20), nullable=False),
        sa.Column("time_zone", sa.String(length=64), nullable=False),
        sa.Column("theme", sa.String(length=5), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", runtime.columns.Utc, nullable=False),
        sa.Column("signed_in_at", runtime.columns.Utc, nullable=True),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("login"),
    )
    with op.batch_alter_table("account", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_account_seller_id"), ["seller_id"], unique=False)

    op.create_table(
        "audit",
        sa.Column("id", runtime.columns.Id, nullable=False),
        sa.Column("at", runtime.columns.Utc, nullable=False),
        sa.Column("account_id", runtime.columns.Id, nullable=True),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("what", sa.String(length=60), nullable=False),
        sa.Column("subject", sa.String(length=100), nullable=False),
        sa.Column("detail", runtime.columns.Json, nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    with op.batch_alter_table("audit", schema=None) as batch_op:
        batch_op.create_index("audit_newest", ["at", "id"], unique=False)

    op.create_table(
        "secret",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("value", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", runtime.columns.Utc, nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_table(
        "session",
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("id", runtime.columns.Id, nullable=False),
        sa.Column("account_id", runtime.columns.Id, nullable=False),
        sa.Column("created_at", runtime.columns.Utc, nullable=False),
        sa.Column("seen_at", runtime.columns.Utc, nullable=False),
        sa.Column("expires_at", runtime.columns.Utc, nullable=False),
        sa.Column("revoked_at", runtime.columns.Utc, nullable=True),
        sa.Column("address", sa.String(length=64), nullable=False),
        sa.Column("device", sa.String(length=200), nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id"],
            ["account.id"],
        ),
        sa.PrimaryKeyConstraint("digest"),
        sa.UniqueConstraint("id"),
    )
    with op.batch_alter_table("session", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_session_account_id"), ["account_id"], unique=False)

    with op.batch_alter_table("api_key", schema=None) as batch_op:
        batch_op.add_column(sa.Column("role", sa.String(length=12), server_default="admin", nullable=False))
        batch_op.add_column(
            sa.Column("scopes", runtime.columns.Json, server_default='["read", "write", "admin"]', nullable=False)
        )
        batch_op.add_column(sa.Column("used_at", runtime.columns.Utc, nullable=True))


def downgrade() -> None:

    with op.batch_alter_table("api_key", schema=None) as batch_op:
        batch_op.drop_column("used_at")
        batch_op.drop_column("scopes")
        batch_op.drop_column("role")

    with op.batch_alter_table("session", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_session_account_id"))

    op.drop_table("session")
    op.drop_table("secret")
    with op.batch_alter_table("audit", schema=None) as batch_op:
        batch_op.drop_index("audit_newest")

    op.drop_table("audit")
    with op.batch_alter_table("account", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_account_seller_id"))

    op.drop_table("account")
