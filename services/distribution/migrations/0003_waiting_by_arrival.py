"""Waiting work in the order it arrived: among many pieces that somebody has, the few that wait are found at once."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision: str | None = "0002"
branch_labels: str | None = None
depends_on: str | None = None


def upgrade() -> None:
    where = sa.text("state = 'waiting'")
    op.create_index(
        "work_waiting_by_arrival", "work", ["arrived_at", "work_id"], postgresql_where=where, sqlite_where=where
    )


def downgrade() -> None:
    op.drop_index("work_waiting_by_arrival", "work")
