"""Whose leads are, words to find them by, tests and suspicions, texts of hosted forms."""

import sqlalchemy as sa
from alembic import op

import runtime.columns
from services.capture.domain.search import search_text

revision = "0002"
down_revision: str | None = "0001"
branch_labels: str | None = None
depends_on: str | None = None

AT_ONCE = 1000


def upgrade() -> None:
    op.create_table(
        "owner",
        sa.Column("lead_id", runtime.columns.Id, nullable=False),
        sa.Column("seller_id", runtime.columns.Id, nullable=True),
        sa.Column("team_id", runtime.columns.Id, nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("captured_at", runtime.columns.Utc, nullable=True),
        sa.PrimaryKeyConstraint("lead_id"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_owner_seller", "owner", ["seller_id", "captured_at", "lead_id"])
    op.create_index("ix_owner_team", "owner", ["team_id", "captured_at", "lead_id"])
    op.add_column("form", sa.Column("title", sa.String(length=200), server_default="", nullable=False))
    op.add_column("form", sa.Column("thanks", sa.String(length=1000), server_default="", nullable=False))
    op.add_column("lead", sa.Column("is_test", sa.Boolean(), server_default=sa.false(), nullable=False))
    op.drop_index("ix_lead_captured", "lead")
    op.create_index("ix_lead_captured", "lead", ["captured_at", "id", "source"])
    op.add_column("quarantine", sa.Column("import_id", sa.String(length=36), server_default="", nullable=False))
    op.add_column("quarantine", sa.Column("is_test", sa.Boolean(), server_default=sa.false(), nullable=False))
    op.add_column("quarantine", sa.Column("correlation_id", sa.String(length=36), server_default="", nullable=False))
    op.create_index("ix_quarantine_created", "quarantine", ["created_at", "id"])
    op.add_column("contact", sa.Column("search", sa.Text(), server_default="", nullable=False))
    _fill_search()


def _fill_search() -> None:
    """The words of the contacts there are, a few at a time: there may be millions."""
    contact = sa.table("contact", *(sa.column(name) for name in ("name", "email", "company", "search")))
    contact.append_column(sa.column("id", runtime.columns.Id))
    change = sa.update(contact).where(contact.c.id == sa.bindparam("this")).values(search=sa.bindparam("words"))
    connection, last = op.get_bind(), ""
    while True:
        few = sa.select(contact).order_by(contact.c.id).limit(AT_ONCE)
        rows = connection.execute(few.where(contact.c.id > last) if last else few).all()
        if not rows:
            return
        words = [{"this": row.id, "words": search_text(row.name, row.email, row.company)} for row in rows]
        connection.execute(change, words)
        last = rows[-1].id


def downgrade() -> None:
    with op.batch_alter_table("contact") as batch_op:
        batch_op.drop_column("search")
    op.drop_index("ix_quarantine_created", "quarantine")
    with op.batch_alter_table("quarantine") as batch_op:
        for column in ("import_id", "is_test", "correlation_id"):
            batch_op.drop_column(column)
    op.drop_index("ix_lead_captured", "lead")
    op.create_index("ix_lead_captured", "lead", ["captured_at", "id"])
    with op.batch_alter_table("lead") as batch_op:
        batch_op.drop_column("is_test")
    with op.batch_alter_table("form") as batch_op:
        for column in ("title", "thanks"):
            batch_op.drop_column(column)
    op.drop_table("owner")
