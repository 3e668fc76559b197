"""Keys of the API that see what a seller or a supervisor sees."""

import sqlalchemy as sa
from alembic import op

import runtime.columns

revision = "0005"
down_revision: str | None = "0004"
branch_labels: str | None = None
depends_on: str | None = None


def upgrade() -> None:
    op.add_column("api_key", sa.Column("seller_id", runtime.columns.Id, nullable=True))
    op.add_column("api_key", sa.Column("team_ids", runtime.columns.Json, nullable=False, server_default="[]"))


def downgrade() -> None:
    op.drop_column("api_key", "team_ids")
    op.drop_column("api_key", "seller_id")
