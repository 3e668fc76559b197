"""Journeys of leads, and numbers in the log, from which all can be built again. What was heard before has none until
`rodizio replay reporting`."""

import sqlalchemy as sa
from alembic import op

import runtime.columns

revision = "0003"
down_revision: str | None = "0002"
branch_labels: str | None = None
depends_on: str | None = None


def upgrade() -> None:
    if op.get_bind().dialect.name == "postgresql":  # in place, for services may be at it
        op.add_column("fact_log", sa.Column("number", sa.BigInteger(), sa.Identity(), nullable=False))
        op.drop_constraint("fact_log_pkey", "fact_log")
        op.create_primary_key("fact_log_pkey", "fact_log", ["number"])
        op.drop_index("ix_fact_log_type", "fact_log")
    else:
        _number_in_sqlite()
    op.create_index("ix_fact_log_id", "fact_log", ["id"], unique=True)
    op.create_table(
        "journey",
        sa.Column("id", runtime.columns.Id, nullable=False),
        sa.Column("captured_at", sa.BigInteger(), nullable=True),
        sa.Column("source", sa.String(length=80), server_default="", nullable=False),
        sa.Column("form_id", sa.String(length=36), server_default="", nullable=False),
        sa.Column("channel", sa.String(length=20), server_default="", nullable=False),
        sa.Column("is_test", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("version", sa.Integer(), server_default="0", nullable=False),
        sa.Column("seller_id", sa.String(length=36), server_default="", nullable=False),
        sa.Column("team_id", sa.String(length=36), server_default="", nullable=False),
        sa.Column("assigned_at", sa.BigInteger(), nullable=True),
        sa.Column("contacted_at", sa.BigInteger(), nullable=True),
        sa.Column("contacted_by", sa.String(length=36), server_default="", nullable=False),
        sa.Column("reached_at", sa.BigInteger(), nullable=True),
        sa.Column("actions", sa.Integer(), server_default="0", nullable=False),
        sa.Column("calls", sa.Integer(), server_default="0", nullable=False),
        sa.Column("outcome", sa.String(length=20), server_default="", nullable=False),
        sa.Column("closed_at", sa.BigInteger(), nullable=True),
        sa.Column("amount", sa.BigInteger(), nullable=True),
        sa.Column("currency", sa.String(length=3), server_default="", nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    # All that a report looks at, in the order of time: it need not go to the rows.
    covered = ["captured_at", "id", "is_test", "source", "form_id", "channel", "seller_id", "team_id", "assigned_at"]
    covered += ["contacted_at", "reached_at", "outcome", "closed_at", "amount", "currency"]
    op.create_index("ix_journey_captured", "journey", covered)
    op.create_index("ix_journey_team", "journey", ["team_id", "captured_at"])
    op.create_index("ix_journey_seller", "journey", ["seller_id", "captured_at"])


def _number_in_sqlite() -> None:
    numbered = op.create_table("fact_log_next", sa.Column("number", sa.Integer(), primary_key=True), *_logged())
    before = sa.table("fact_log", *(sa.column(name) for name in _LOGGED))
    select = sa.select(*before.c).order_by(before.c.received_at, before.c.id)
    op.execute(sa.insert(numbered).from_select(_LOGGED, select))
    op.drop_table("fact_log")
    op.rename_table("fact_log_next", "fact_log")


_LOGGED = ["id", "type", "subject", "subject_version", "fact", "received_at"]


def _logged() -> list[sa.Column]:  # type: ignore[type-arg]
    return [
        sa.Column("id", runtime.columns.Id, nullable=False),
        sa.Column("type", sa.String(length=40), nullable=False),
        sa.Column("subject", runtime.columns.Id, nullable=False),
        sa.Column("subject_version", sa.Integer(), nullable=False),
        sa.Column("fact", runtime.columns.Json, nullable=False),
        sa.Column("received_at", runtime.columns.Utc, nullable=False),
    ]


def downgrade() -> None:
    op.drop_table("journey")
    op.drop_index("ix_fact_log_id", "fact_log")
    if op.get_bind().dialect.name == "postgresql":
        op.drop_constraint("fact_log_pkey", "fact_log")
        op.drop_column("fact_log", "number")
        op.create_primary_key("fact_log_pkey", "fact_log", ["id"])
    else:
        plain = op.create_table("fact_log_before", *_logged(), sa.PrimaryKeyConstraint("id"))
        op.execute(
            sa.insert(plain).from_select(
                _LOGGED, sa.select(*(sa.column(name) for name in _LOGGED)).select_from(sa.table("fact_log"))
            )
        )
        op.drop_table("fact_log")
        op.rename_table("fact_log_before", "fact_log")
    op.create_index("ix_fact_log_type", "fact_log", ["type", "received_at"])
