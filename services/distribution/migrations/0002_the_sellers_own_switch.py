"""The seller's own switch; when work was opened, came back, ended; work that a person put into its team."""

import sqlalchemy as sa
from alembic import op

import runtime.columns

revision = "0002"
down_revision: str | None = "0001"
branch_labels: str | None = None
depends_on: str | None = None


def upgrade() -> None:
    op.add_column("sellers", sa.Column("available", sa.Boolean(), server_default=sa.true(), nullable=False))
    op.add_column("sellers", sa.Column("available_until", runtime.columns.Utc, nullable=True))
    op.add_column("work", sa.Column("waiting_since", runtime.columns.Utc, nullable=True))
    op.add_column("work", sa.Column("opened_at", runtime.columns.Utc, nullable=True))
    op.add_column("work", sa.Column("closed_at", runtime.columns.Utc, nullable=True))
    op.add_column("work", sa.Column("team_by_hand", sa.Boolean(), server_default=sa.false(), nullable=False))
    op.drop_index("work_of_seller", "work")
    op.create_index("work_of_seller", "work", ["seller_id", "state", "assigned_at"])
    op.create_index("work_by_arrival", "work", ["arrived_at", "work_id"])
    closed = sa.text("state = 'closed'")
    op.create_index(
        "work_closed", "work", ["seller_id", "closed_at"], postgresql_where=closed, sqlite_where=closed
    )


def downgrade() -> None:
    op.drop_index("work_closed", "work")
    op.drop_index("work_by_arrival", "work")
    op.drop_index("work_of_seller", "work")
    op.create_index("work_of_seller", "work", ["seller_id", "assigned_at"])
    with op.batch_alter_table("work") as batch_op:
        for column in ("waiting_since", "opened_at", "closed_at", "team_by_hand"):
            batch_op.drop_column(column)
    with op.batch_alter_table("sellers") as batch_op:
        for column in ("available", "available_until"):
            batch_op.drop_column(column)
