"""Filters of lists that people keep under a name."""

import sqlalchemy as sa
from alembic import op

import runtime.columns

revision = "0004"
down_revision: str | None = "0003"
branch_labels: str | None = None
depends_on: str | None = None


def upgrade() -> None:
    op.create_table(
        "saved_view",
        sa.Column("id", runtime.columns.Id, nullable=False),
        sa.Column("account_id", runtime.columns.Id, nullable=False),
        sa.Column("name", sa.String(length=60), nullable=False),
        sa.Column("filters", runtime.columns.Json, nullable=False),
        sa.Column("is_default", sa.Boolean(), nullable=False),
        sa.Column("created_at", runtime.columns.Utc, nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"]),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("account_id", "name", name="saved_view_name"),
    )


def downgrade() -> None:
    op.drop_table("saved_view")
