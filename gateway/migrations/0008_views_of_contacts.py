"""Views of the list of contacts too."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision: str | None = "0007"
branch_labels: str | None = None
depends_on: str | None = None


def upgrade() -> None:
    with op.batch_alter_table("saved_view") as batch_op:
        batch_op.add_column(sa.Column("of_list", sa.String(length=20), nullable=False, server_default="leads"))
        batch_op.drop_constraint("saved_view_name", type_="unique")
        batch_op.create_unique_constraint("saved_view_name", ["account_id", "of_list", "name"])


def downgrade() -> None:
    op.execute("DELETE FROM saved_view WHERE of_list <> 'leads'")
    with op.batch_alter_table("saved_view") as batch_op:
        batch_op.drop_constraint("saved_view_name", type_="unique")
        batch_op.create_unique_constraint("saved_view_name", ["account_id", "name"])
        batch_op.drop_column("of_list")
