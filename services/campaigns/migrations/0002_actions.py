"""Actions, handovers and teams: what people do in an opportunity, and who may see it."""

import sqlalchemy as sa
from alembic import op

import runtime.columns

revision = "0002"
down_revision: str | None = "0001"
branch_labels: str | None = None
depends_on: str | None = None


def upgrade() -> None:
    op.add_column("opportunity", sa.Column("team_id", runtime.columns.Id, nullable=True))
    op.add_column("opportunity", sa.Column("amount", sa.BigInteger(), nullable=True))
    op.add_column("opportunity", sa.Column("currency", sa.String(length=3), server_default="", nullable=False))
    op.create_index("ix_opportunity_team", "opportunity", ["team_id", "opened_at"])
    op.add_column("task", sa.Column("done_at", runtime.columns.Utc, nullable=True))
    op.create_table(
        "action",
        sa.Column("id", runtime.columns.Id, nullable=False),
        sa.Column("opportunity_id", runtime.columns.Id, nullable=False),
        sa.Column("work_id", runtime.columns.Id, nullable=False),
        sa.Column("contact_id", runtime.columns.Id, nullable=True),
        sa.Column("seller_id", runtime.columns.Id, nullable=True),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("outcome", sa.String(length=20), nullable=False),
        sa.Column("note", sa.String(length=2000), nullable=False),
        sa.Column("at", runtime.columns.Utc, nullable=False),
        sa.Column("next_at", runtime.columns.Utc, nullable=True),
        sa.Column("created_at", runtime.columns.Utc, nullable=False),
        sa.ForeignKeyConstraint(["opportunity_id"], ["opportunity.id"]),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_action_opportunity", "action", ["opportunity_id", "at"])
    op.create_table(
        "handover",
        sa.Column("opportunity_id", runtime.columns.Id, nullable=False),
        sa.Column("assignment_version", sa.Integer(), nullable=False),
        sa.Column("from_seller_id", runtime.columns.Id, nullable=True),
        sa.Column("seller_id", runtime.columns.Id, nullable=True),
        sa.Column("at", runtime.columns.Utc, nullable=False),
        sa.ForeignKeyConstraint(["opportunity_id"], ["opportunity.id"]),
        sa.PrimaryKeyConstraint("opportunity_id", "assignment_version"),
    )


def downgrade() -> None:
    op.drop_table("handover")
    op.drop_index("ix_action_opportunity", "action")
    op.drop_table("action")
    op.drop_index("ix_opportunity_team", "opportunity")
    with op.batch_alter_table("task") as batch_op:
        batch_op.drop_column("done_at")
    with op.batch_alter_table("opportunity") as batch_op:
        for column in ("currency", "amount", "team_id"):
            batch_op.drop_column(column)
