"""Tables of capture."""

import sqlalchemy as sa

from contracts import limits
from runtime.columns import Id, Json, Utc
from runtime.tables import add_bus_tables

WORDS = "contact_words"
"""SQLite's table of full text, see `store.words`."""

metadata = sa.MetaData(info={"by_hand": [WORDS]})
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

# Only literal conditions let a database see that a query asks for what a partial index holds.
NO_EMAIL = sa.text("email = '' AND wrong_email = ''")
BAD_EMAIL = sa.text("wrong_email <> ''")
NO_PHONE = sa.text("phone = '' AND wrong_phone = ''")
BAD_PHONE = sa.text("wrong_phone <> ''")
LIKELY = sa.text("likely <> 0")
IS_MERGED = sa.text("merged_into IS NOT NULL")

WORDS_OF = sa.text("array_to_tsvector(string_to_array(ltrim(search), ' '))")
"""The words as they are: PostgreSQL's own parser would take numbers, dots and signs in them for something else."""

_CONTACT_LISTS: tuple[tuple[str, tuple[str, ...], sa.TextClause | None], ...] = (
    ("created", (), None),
    ("no_email", (), NO_EMAIL),
    ("bad_email", (), BAD_EMAIL),
    ("no_phone", (), NO_PHONE),
    ("bad_phone", (), BAD_PHONE),
    ("likely", (), LIKELY),
    *((name, (name,), sa.text(f"{name} <> ''")) for name in ("city", "country", "sector", "product", "import_id")),
    *((name, (name,), None) for name in ("source", "status")),
)
"""Indexes in which contacts stand as they are listed: name, columns before the time, which contacts."""

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
    sa.Column("code", sa.String(limits.CODE), nullable=False),
    sa.Column("document", sa.String(limits.CODE), nullable=False),
    sa.Column("wrong_email", sa.String(limits.WRONG_DETAIL), nullable=False),
    sa.Column("wrong_phone", sa.String(limits.WRONG_DETAIL), nullable=False),
    sa.Column("attributes", Json, nullable=False),
    sa.Column("status", sa.String(10), nullable=False),
    sa.Column("source", sa.String(limits.SOURCE), nullable=False),
    sa.Column("import_id", sa.String(36), nullable=False),
    sa.Column("quality", sa.Integer, nullable=False),
    sa.Column("search", sa.Text, nullable=False),
    sa.Column("likely", sa.Integer, nullable=False),
    sa.Column("merged_into", Id),
    sa.Column("version", sa.Integer, nullable=False),
    sa.Column("created_at", Utc, nullable=False),
    sa.Column("updated_at", Utc, nullable=False),
    *(
        sa.Index(f"ix_contact_{name}", *columns, "created_at", "id", sqlite_where=where, postgresql_where=where)
        for name, columns, where in _CONTACT_LISTS
    ),
    # SQLite has a table of words instead, see `store.words`.
    sa.Index("ix_contact_merged", "merged_into", sqlite_where=IS_MERGED, postgresql_where=IS_MERGED),
    sa.Index("ix_contact_words", WORDS_OF, postgresql_using="gin").ddl_if(dialect="postgresql"),
)
"""search: the words a person may look for, see `domain.search`. wrong_email, wrong_phone: what was given and is none;
empty when there is one or nothing was given. code: the company's own number of a client. attributes: columns of files
that no field takes, by name. likely: 1 while it may be the same as another, see `likeness`. status: "potential" or
"client". source, import_id: where the contact was first heard of. merged_into: the contact it turned out to be; it is
listed no more."""

contact_key = sa.Table(
    "contact_key",
    metadata,
    sa.Column("key", sa.String(330), primary_key=True),
    sa.Column("contact_id", Id, sa.ForeignKey("contact.id"), nullable=False, index=True),
)
"""What identifies a contact exactly: `email:…`, `phone:…`, `document:…`, `code:…`."""

contact_twin = sa.Table(
    "contact_twin",
    metadata,
    sa.Column("key", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("contact_id", Id, nullable=False),
    sqlite_with_rowid=False,
)
"""The first contact of a name in a place, see `domain.likeness`: others of that name and place are compared with it. It
is not told when the contact's card changes: whoever finds it looks at the card as well."""

likeness = sa.Table(
    "likeness",
    metadata,
    sa.Column("id", Id, primary_key=True),
    sa.Column("contact_id", Id, sa.ForeignKey("contact.id"), nullable=False),
    sa.Column("other_id", Id, sa.ForeignKey("contact.id"), nullable=False, index=True),
    sa.Column("why", sa.String(20), nullable=False),
    sa.Column("state", sa.String(10), nullable=False),
    sa.Column("created_at", Utc, nullable=False),
    sa.UniqueConstraint("contact_id", "other_id"),
    sa.Index("ix_likeness_state", "state", "created_at", "id"),
)
"""Two contacts that may be one: contact_id is the smaller id. state: "open", "dismissed" or "merged"."""

contact_note = sa.Table(
    "contact_note",
    metadata,
    sa.Column("id", Id, primary_key=True),
    sa.Column("contact_id", Id, sa.ForeignKey("contact.id"), nullable=False),
    sa.Column("text", sa.Text, nullable=False),
    sa.Column("by_name", sa.String(200), nullable=False),
    sa.Column("created_at", Utc, nullable=False),
    sa.Index("ix_contact_note", "contact_id", "created_at", "id"),
)

contact_change = sa.Table(
    "contact_change",
    metadata,
    sa.Column("id", Id, primary_key=True),
    sa.Column("what", sa.String(30), nullable=False),
    sa.Column("arguments", Json, nullable=False),
    sa.Column("contacts", sa.Integer, nullable=False),
    sa.Column("more", sa.Boolean, nullable=False),
    sa.Column("by_name", sa.String(200), nullable=False),
    sa.Column("created_at", Utc, nullable=False),
    sa.Column("undone_at", Utc),
    sa.Index("ix_contact_change_created", "created_at", "id"),
)
"""What was done to many contacts at once, and can be undone."""

contact_changed = sa.Table(
    "contact_changed",
    metadata,
    sa.Column("change_id", Id, sa.ForeignKey("contact_change.id"), primary_key=True),
    sa.Column("contact_id", Id, primary_key=True),
    sa.Column("before", Json, nullable=False),
    sa.Column("after", Json, nullable=False),
)
"""What one contact was before a change, and is after it."""

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

import_file = sa.Table(
    "import_file",
    metadata,
    sa.Column("id", Id, primary_key=True),
    sa.Column("name", sa.String(limits.FILE_NAME), nullable=False),
    sa.Column("size", sa.BigInteger, nullable=False),
    sa.Column("digest", sa.String(64), nullable=False),
    sa.Column("state", sa.String(12), nullable=False),
    sa.Column("form_id", Id),
    sa.Column("source", sa.String(limits.SOURCE), nullable=False),
    sa.Column("region", sa.String(2), nullable=False),
    sa.Column("plan", Json, nullable=False),
    sa.Column("found", Json, nullable=False),
    sa.Column("problem", Json),
    sa.Column("total", sa.Integer),
    sa.Column("next_row", sa.Integer, nullable=False),
    sa.Column("place", sa.String(100), nullable=False),
    sa.Column("accepted", sa.Integer, nullable=False),
    sa.Column("rejected", sa.Integer, nullable=False),
    sa.Column("repeated", sa.Integer, nullable=False),
    sa.Column("created", sa.Integer, nullable=False),
    sa.Column("known", sa.Integer, nullable=False),
    sa.Column("wrong_emails", sa.Integer, nullable=False),
    sa.Column("wrong_phones", sa.Integer, nullable=False),
    sa.Column("rate", sa.Integer, nullable=False),
    sa.Column("by_name", sa.String(200), nullable=False),
    sa.Column("version", sa.Integer, nullable=False),
    sa.Column("holder", sa.String(36), nullable=False),
    sa.Column("held_until", Utc),
    sa.Column("tries", sa.Integer, nullable=False),
    sa.Column("created_at", Utc, nullable=False),
    sa.Column("started_at", Utc),
    sa.Column("finished_at", Utc),
    sa.Index("ix_import_file_created", "created_at", "id"),
    sa.Index("ix_import_file_digest", "digest"),
)
"""A file on its way in, or contacts of the base on their way to becoming leads. next_row: the first row that is not in
yet; place: where in the base the next contact stands. holder, held_until: which loader works on it, and until when it
has to say so again. tries: how often one took it up since it last got on."""

import_part = sa.Table(
    "import_part",
    metadata,
    sa.Column("import_id", Id, sa.ForeignKey("import_file.id"), primary_key=True),
    sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("size", sa.Integer, nullable=False),
    sa.Column("data", sa.LargeBinary, nullable=False),
)
"""The file itself, in parts of `limits.IMPORT_PART_BYTES`, compressed; size: before that."""

import_rejected = sa.Table(
    "import_rejected",
    metadata,
    sa.Column("import_id", Id, sa.ForeignKey("import_file.id"), primary_key=True),
    sa.Column("row", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("cells", Json, nullable=False),
    sa.Column("reasons", Json, nullable=False),
)
"""Rows that were not taken, as they came, and why."""

import_mapping = sa.Table(
    "import_mapping",
    metadata,
    sa.Column("id", Id, primary_key=True),
    sa.Column("name", sa.String(limits.FORM_NAME), nullable=False, unique=True),
    sa.Column("header", Json, nullable=False),
    sa.Column("plan", Json, nullable=False),
    sa.Column("created_at", Utc, nullable=False),
)
"""What columns of such files mean, kept for the next one."""
