"""The rule by which a lead waits for a team: of two rules the newer one says who sees it."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision: str | None = "0002"
branch_labels: str | None = None
depends_on: str | None = None


def upgrade() -> None:
    op.add_column("owner", sa.Column("rule_version", sa.Integer(), server_default="0", nullable=False))


def downgrade() -> None:
    op.drop_column("owner", "rule_version")
