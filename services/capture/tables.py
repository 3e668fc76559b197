"""Tables of capture."""

import sqlalchemy as sa

from contracts import limits
from runtime.columns import Id, Json, Utc
from runtime.tables import add_bus_tables

metadata = sa.MetaData()
add_bus_tables(metadata)

form = sa.Table(
    "form",
    metadata,
    sa.Column("id", Id, primary_key=True),
    sa.Column("key", sa.String(limits.FORM_KEY), nullable=False, unique=True),
    sa.Column("version", sa.Integer, nullable=False),
    sa.Column("name", sa.String(limits.FORM_NAME), nullable=False),
    sa.Column("source", sa.String(limits.SOURCE), nullable=False),
    sa.Column("channel", sa.String(20), nullable=False),
    sa.Column("active", sa.Boolean, nullable=False),
    sa.Column("fields", Json, nullable=False),
    sa.Column("one_of", Json, nullable=False),
    sa.Column("allowed_origins", Json, nullable=False),
    sa.Column("region", sa.String(2), nullable=False),
    sa.Column("locale", sa.String(5), nullable=False),
    sa.Column("title", sa.String(limits.FORM_TITLE), nullable=False),
    sa.Column("thanks", sa.String(limits.FORM_THANKS), nullable=False),
    sa.Column("created_at", Utc, nullable=False),
)

contact = sa.Table(
    "contact",
    metadata,
    sa.Column("id", Id, primary_key=True),
    sa.Column("name", sa.String(200), nullable=False),
    sa.Column("email", sa.String(320), nullable=False),
    sa.Column("phone", sa.String(20), nullable=False),
    sa.Column("company", sa.String(200), nullable=False),
    sa.Column("city", sa.String(200), nullable=False),
    sa.Column("country", sa.String(200), nullable=False),
    sa.Column("sector", sa.String(200), nullable=False),
    sa.Column("product", sa.String(200), nullable=False),
    sa.Column("quality", sa.Integer, nullable=False),
    sa.Column("search", sa.Text, nullable=False),
    sa.Column("created_at", Utc, nullable=False),
    sa.Column("updated_at", Utc, nullable=False),
)
"""search: the words a person may look for, see `domain.search`."""

contact_key = sa.Table(
    "contact_key",
    metadata,
    sa.Column("key", sa.String(330), primary_key=True),
    sa.Column("contact_id", Id, sa.ForeignKey("contact.id"), nullable=False, index=True),
)
"""What identifies a contact exactly: `email:…`, `phone:…`."""

lead = sa.Table(
    "lead",
    metadata,
    sa.Column("id", Id, primary_key=True),
    sa.Column("form_id", Id, nullable=False),
    sa.Column("contact_id", Id, sa.ForeignKey("contact.id"), nullable=False, index=True),
    sa.Column("source", sa.String(limits.SOURCE), nullable=False),
    sa.Column("channel", sa.String(20), nullable=False),
    sa.Column("fields", Json, nullable=False),
    sa.Column("context", Json, nullable=False),
    sa.Column("digest", sa.String(64), nullable=False),
    sa.Column("import_id", sa.String(36), nullable=False),
    sa.Column("score", sa.Integer, nullable=False),
    sa.Column("is_test", sa.Boolean, nullable=False),
    sa.Column("correlation_id", sa.String(36), nullable=False),
    sa.Column("received_at", Utc, nullable=False),
    sa.Column("captured_at", Utc, nullable=False),
    # With the source, so that a search for a rare one reads the index alone.
    sa.Index("ix_lead_captured", "captured_at", "id", "source"),
    sa.Index("ix_lead_form", "form_id", "captured_at", "id"),
    sa.Index("ix_lead_import", "import_id", "captured_at", "id"),
)

owner = sa.Table(
    "owner",
    metadata,
    sa.Column("lead_id", Id, primary_key=True),
    sa.Column("seller_id", Id),
    sa.Column("team_id", Id),
    sa.Column("version", sa.Integer, nullable=False),
    sa.Column("rule_version", sa.Integer, nullable=False),
    sa.Column("captured_at", Utc),
    sa.Index("ix_owner_seller", "seller_id", "captured_at", "lead_id"),
    sa.Index("ix_owner_team", "team_id", "captured_at", "lead_id"),
    sqlite_with_rowid=False,
)
"""Whose a lead is, or for which team it waits, as distribution tells: who may see it. version is the assignment's, and
rule_version that of the rule that moved it since; captured_at is the lead's, null until it was heard: with it the leads
of a seller or a team stand in an index in the order in which they are listed."""

quarantine = sa.Table(
    "quarantine",
    metadata,
    sa.Column("id", Id, primary_key=True),
    sa.Column("lead_id", Id, nullable=False),
    sa.Column("form_id", Id, nullable=False),
    sa.Column("reason", sa.String(40), nullable=False),
    sa.Column("fields", Json, nullable=False),
    sa.Column("context", Json, nullable=False),
    sa.Column("digest", sa.String(64), nullable=False),
    sa.Column("import_id", sa.String(36), nullable=False),
    sa.Column("is_test", sa.Boolean, nullable=False),
    sa.Column("correlation_id", sa.String(36), nullable=False),
    sa.Column("received_at", Utc, nullable=False),
    sa.Column("created_at", Utc, nullable=False),
    sa.UniqueConstraint("lead_id", "digest"),
    sa.Index("ix_quarantine_created", "created_at", "id"),
)
"""Submissions kept aside for a person: the same id came again with another body, or something is suspected."""
