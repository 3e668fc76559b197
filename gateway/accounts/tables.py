"""Tables of accounts."""

import sqlalchemy as sa

from contracts import limits
from runtime.columns import Id, Json, Utc


def add_account_tables(metadata: sa.MetaData) -> tuple[sa.Table, sa.Table, sa.Table]:
    """Adds account, session and audit to `metadata`, and returns them."""
    account = sa.Table(
        "account",
        metadata,
        sa.Column("id", Id, primary_key=True),
        sa.Column("login", sa.String(limits.EMAIL), nullable=False, unique=True),
        sa.Column("name", sa.String(limits.SELLER_NAME), nullable=False),
        sa.Column("password_hash", sa.String(200), nullable=False),
        sa.Column("role", sa.String(12), nullable=False),
        sa.Column("seller_id", Id, index=True),
        sa.Column("team_ids", Json, nullable=False),
        sa.Column("locale", sa.String(limits.LOCALE), nullable=False),
        sa.Column("time_zone", sa.String(limits.TIME_ZONE), nullable=False),
        sa.Column("theme", sa.String(5), nullable=False),
        sa.Column("active", sa.Boolean, nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("created_at", Utc, nullable=False),
        sa.Column("signed_in_at", Utc),
    )
    session = sa.Table(
        "session",
        metadata,
        sa.Column("digest", sa.String(64), primary_key=True),
        sa.Column("id", Id, nullable=False, unique=True),
        sa.Column("account_id", Id, sa.ForeignKey("account.id"), nullable=False, index=True),
        sa.Column("created_at", Utc, nullable=False),
        sa.Column("seen_at", Utc, nullable=False),
        sa.Column("expires_at", Utc, nullable=False, index=True),
        sa.Column("revoked_at", Utc),
        sa.Column("address", sa.String(64), nullable=False),
        sa.Column("device", sa.String(200), nullable=False),
    )
    audit = sa.Table(
        "audit",
        metadata,
        sa.Column("id", Id, primary_key=True),
        sa.Column("at", Utc, nullable=False),
        sa.Column("account_id", Id),
        sa.Column("name", sa.String(limits.SELLER_NAME), nullable=False),
        sa.Column("what", sa.String(60), nullable=False),
        sa.Column("subject", sa.String(100), nullable=False),
        sa.Column("detail", Json, nullable=False),
        sa.Index("audit_newest", "at", "id"),
    )
    return account, session, audit
