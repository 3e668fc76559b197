"""Who settled a message whose fate was unknown, and how."""

import sqlalchemy as sa
from alembic import op

import runtime.columns

revision = "0002"
down_revision: str | None = "0001"
branch_labels: str | None = None
depends_on: str | None = None


def upgrade() -> None:
    op.add_column("messages", sa.Column("settled_as", sa.String(length=8), server_default="", nullable=False))
    op.add_column("messages", sa.Column("settled_by", sa.Text(), server_default="", nullable=False))
    op.add_column("messages", sa.Column("settled_at", runtime.columns.Utc, nullable=True))


def downgrade() -> None:
    with op.batch_alter_table("messages") as batch_op:
        for column in ("settled_as", "settled_by", "settled_at"):
            batch_op.drop_column(column)
