"""Keys of the API that see what a seller or a supervisor sees."""

import sqlalchemy as sa
from alembic import op

import runtime.columns

revision = "0005"
down_revision: str | None = "0004"
branch_labels: str | None = None
depends_on: str | None = None


def upgrade() -> None:
    with op.batch_alter_table("api_key") as batch_op:
        batch_op.add_column(sa.Column("seller_id", runtime.columns.Id, nullable=True))
        batch_op.add_column(sa.Column("team_ids", runtime.columns.Json, server_default="[]", nullable=False))


def downgrade() -> None:
    with op.batch_alter_table("api_key") as batch_op:
        batch_op.drop_column("team_ids")
        batch_op.drop_column("seller_id")
