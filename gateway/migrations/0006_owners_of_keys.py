"""Keys of the API end with the rights of who made them."""

import sqlalchemy as sa
from alembic import op

import runtime.columns

revision = "0006"
down_revision: str | None = "0005"
branch_labels: str | None = None
depends_on: str | None = None


def upgrade() -> None:
    with op.batch_alter_table("api_key") as batch_op:
        batch_op.add_column(sa.Column("account_id", runtime.columns.Id, nullable=True))
        batch_op.create_index("ix_api_key_account_id", ["account_id"])


def downgrade() -> None:
    with op.batch_alter_table("api_key") as batch_op:
        batch_op.drop_index("ix_api_key_account_id")
        batch_op.drop_column("account_id")
