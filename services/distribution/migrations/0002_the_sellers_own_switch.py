"""The seller's own switch; when work was opened, came back, ended; work that a person put into its team."""

import sqlalchemy as sa
from alembic import op

import runtime.columns

revision = "0002"
down_revision: str | None = "0001"
branch_labels: str | None = None
depends_on: str | None = None


def index_in(state: str, name: str, columns: list[str]) -> None:
    """An index of the work in one state."""
    where = sa.text(f"state = '{state}'")
    op.create_index(name, "work", columns, postgresql_where=where, sqlite_where=where)


def upgrade() -> None:
    op.add_column("sellers", sa.Column("available", sa.Boolean(), server_default=sa.true(), nullable=False))
    op.add_column("sellers", sa.Column("available_until", runtime.columns.Utc, nullable=True))
    op.add_column("work", sa.Column("waiting_since", runtime.columns.Utc, nullable=True))
    op.add_column("work", sa.Column("opened_at", runtime.columns.Utc, nullable=True))
    op.add_column("work", sa.Column("closed_at", runtime.columns.Utc, nullable=True))
    op.add_column("work", sa.Column("team_by_hand", sa.Boolean(), server_default=sa.false(), nullable=False))
    for index in ("work_of_seller", "work_waiting", "work_waiting_by_form"):
        op.drop_index(index, "work")
    index_in("waiting", "work_waiting", ["team_id", "score", "captured_at", "waiting_reason", "state"])
    index_in("waiting", "work_waiting_by_form", ["form_id", "team_id", "team_by_hand", "state"])
    index_in("closed", "work_closed", ["seller_id", "closed_at"])
    op.create_index("work_of_seller", "work", ["seller_id", "state", "assigned_at"])
    op.create_index("work_by_arrival", "work", ["arrived_at", "work_id"])
    op.create_index("work_of_team", "work", ["team_id", "arrived_at", "work_id"])


def downgrade() -> None:
    for index in ("work_of_team", "work_by_arrival", "work_of_seller", "work_closed"):
        op.drop_index(index, "work")
    op.drop_index("work_waiting_by_form", "work")
    op.drop_index("work_waiting", "work")
    with op.batch_alter_table("work") as batch_op:
        for column in ("waiting_since", "opened_at", "closed_at", "team_by_hand"):
            batch_op.drop_column(column)
    with op.batch_alter_table("sellers") as batch_op:
        for column in ("available", "available_until"):
            batch_op.drop_column(column)
    index_in("waiting", "work_waiting", ["team_id", "score", "captured_at"])
    index_in("waiting", "work_waiting_by_form", ["form_id", "team_id"])
    op.create_index("work_of_seller", "work", ["seller_id", "assigned_at"])
