"""Contacts with all that a file says of them, lists to clean them by, files on their way in."""

import sqlalchemy as sa
from alembic import op

import runtime.columns
from runtime.transaction import dialect_insert
from services.capture.domain.likeness import twin_keys
from services.capture.domain.search import search_text
from services.capture.store.words import number_of

revision = "0004"
down_revision: str | None = "0003"
branch_labels: str | None = None
depends_on: str | None = None

AT_ONCE = 1000

_TEXTS = {
    "code": 64,
    "document": 64,
    "wrong_email": 254,
    "wrong_phone": 254,
    "source": 80,
    "import_id": 36,
}
_LISTS = {
    "created": ((), None),
    "no_email": ((), "email = '' AND wrong_email = ''"),
    "bad_email": ((), "wrong_email <> ''"),
    "no_phone": ((), "phone = '' AND wrong_phone = ''"),
    "bad_phone": ((), "wrong_phone <> ''"),
    "likely": ((), "likely <> 0"),
    "city": (("city",), "city <> ''"),
    "country": (("country",), "country <> ''"),
    "sector": (("sector",), "sector <> ''"),
    "product": (("product",), "product <> ''"),
    "import_id": (("import_id",), "import_id <> ''"),
    "source": (("source",), None),
    "status": (("status",), None),
}
_WORDS_OF = "array_to_tsvector(string_to_array(ltrim(search), ' '))"


_twins = sa.Table(
    "contact_twin", sa.MetaData(), sa.Column("key", sa.BigInteger), sa.Column("contact_id", runtime.columns.Id)
)


def upgrade() -> None:
    op.create_table(
        "contact_twin",
        sa.Column("key", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("contact_id", runtime.columns.Id, nullable=False),
        sa.PrimaryKeyConstraint("key"),
        sqlite_with_rowid=False,
    )
    _extend_contacts()
    _add_cleaning()
    _add_imports()


def _extend_contacts() -> None:
    for name, length in _TEXTS.items():
        op.add_column("contact", sa.Column(name, sa.String(length), server_default="", nullable=False))
    op.add_column("contact", sa.Column("attributes", runtime.columns.Json, server_default="{}", nullable=False))
    op.add_column("contact", sa.Column("status", sa.String(10), server_default="potential", nullable=False))
    op.add_column("contact", sa.Column("likely", sa.Integer(), server_default="0", nullable=False))
    op.add_column("contact", sa.Column("merged_into", runtime.columns.Id, nullable=True))
    op.add_column("contact", sa.Column("version", sa.Integer(), server_default="1", nullable=False))
    # A contact comes from where its first lead came from.
    op.execute(
        "UPDATE contact SET source = coalesce((SELECT lead.source FROM lead WHERE lead.contact_id = contact.id"
        " ORDER BY lead.captured_at LIMIT 1), '')"
    )
    on_sqlite = op.get_bind().dialect.name == "sqlite"
    if on_sqlite:
        op.execute(
            "CREATE VIRTUAL TABLE contact_words USING fts5(id UNINDEXED, words, tokenize='unicode61', detail=none,"
            " columnsize=0)"
        )
    _fill_search(on_sqlite)
    if not on_sqlite:
        op.execute(f"CREATE INDEX ix_contact_words ON contact USING gin ({_WORDS_OF})")
    merged = sa.text("merged_into IS NOT NULL")
    op.create_index("ix_contact_merged", "contact", ["merged_into"], sqlite_where=merged, postgresql_where=merged)
    for name, (columns, where) in _LISTS.items():
        condition = sa.text(where) if where else None
        op.create_index(
            f"ix_contact_{name}",
            "contact",
            [*columns, "created_at", "id"],
            sqlite_where=condition,
            postgresql_where=condition,
        )


def _fill_search(on_sqlite: bool) -> None:
    """The words of the contacts there are, a few at a time: there may be millions."""
    names = ("name", "email", "company", "city", "phone", "search")
    contact = sa.table("contact", *(sa.column(name) for name in names))
    contact.append_column(sa.column("id", runtime.columns.Id))
    change = sa.update(contact).where(contact.c.id == sa.bindparam("this")).values(search=sa.bindparam("words"))
    keep = sa.text("INSERT INTO contact_words (rowid, id, words) VALUES (:number, :this, :words)")
    twin = dialect_insert(op.get_bind().dialect.name, _twins).on_conflict_do_nothing()
    connection, last = op.get_bind(), ""
    while True:
        few = sa.select(contact).order_by(contact.c.id).limit(AT_ONCE)
        rows = connection.execute(few.where(contact.c.id > last) if last else few).all()
        if not rows:
            return
        found = [
            {
                "this": row.id,
                "number": number_of(row.id),
                "words": search_text(row.name, row.email, row.company, phone=row.phone),
            }
            for row in rows
        ]
        connection.execute(change, found)
        # Who comes later is compared with the first of the same name in the same place.
        twins = [{"key": key, "contact_id": row.id} for row in rows for key in twin_keys(dict(row._mapping))]
        if twins:
            connection.execute(twin, twins)
        if on_sqlite:
            connection.execute(keep, sorted(found, key=lambda row: row["number"]))
        last = rows[-1].id


def _add_cleaning() -> None:
    op.create_table(
        "likeness",
        sa.Column("id", runtime.columns.Id, nullable=False),
        sa.Column("contact_id", runtime.columns.Id, nullable=False),
        sa.Column("other_id", runtime.columns.Id, nullable=False),
        sa.Column("why", sa.String(20), nullable=False),
        sa.Column("state", sa.String(10), nullable=False),
        sa.Column("created_at", runtime.columns.Utc, nullable=False),
        sa.ForeignKeyConstraint(["contact_id"], ["contact.id"]),
        sa.ForeignKeyConstraint(["other_id"], ["contact.id"]),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("contact_id", "other_id"),
    )
    op.create_index("ix_likeness_other_id", "likeness", ["other_id"])
    op.create_index("ix_likeness_state", "likeness", ["state", "created_at", "id"])
    op.create_table(
        "contact_note",
        sa.Column("id", runtime.columns.Id, nullable=False),
        sa.Column("contact_id", runtime.columns.Id, nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("by_name", sa.String(200), nullable=False),
        sa.Column("created_at", runtime.columns.Utc, nullable=False),
        sa.ForeignKeyConstraint(["contact_id"], ["contact.id"]),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_contact_note", "contact_note", ["contact_id", "created_at", "id"])
    op.create_table(
        "contact_change",
        sa.Column("id", runtime.columns.Id, nullable=False),
        sa.Column("what", sa.String(30), nullable=False),
        sa.Column("arguments", runtime.columns.Json, nullable=False),
        sa.Column("contacts", sa.Integer(), nullable=False),
        sa.Column("more", sa.Boolean(), nullable=False),
        sa.Column("by_name", sa.String(200), nullable=False),
        sa.Column("created_at", runtime.columns.Utc, nullable=False),
        sa.Column("undone_at", runtime.columns.Utc, nullable=True),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_contact_change_created", "contact_change", ["created_at", "id"])
    op.create_table(
        "contact_changed",
        sa.Column("change_id", runtime.columns.Id, nullable=False),
        sa.Column("contact_id", runtime.columns.Id, nullable=False),
        sa.Column("before", runtime.columns.Json, nullable=False),
        sa.Column("after", runtime.columns.Json, nullable=False),
        sa.ForeignKeyConstraint(["change_id"], ["contact_change.id"]),
        sa.PrimaryKeyConstraint("change_id", "contact_id"),
    )


def _add_imports() -> None:
    counts = (
        "next_row",
        "accepted",
        "rejected",
        "repeated",
        "created",
        "known",
        "wrong_emails",
        "wrong_phones",
        "rate",
    )
    op.create_table(
        "import_file",
        sa.Column("id", runtime.columns.Id, nullable=False),
        sa.Column("name", sa.String(255), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("state", sa.String(12), nullable=False),
        sa.Column("form_id", runtime.columns.Id, nullable=True),
        sa.Column("source", sa.String(80), nullable=False),
        sa.Column("region", sa.String(2), nullable=False),
        sa.Column("plan", runtime.columns.Json, nullable=False),
        sa.Column("found", runtime.columns.Json, nullable=False),
        sa.Column("problem", runtime.columns.Json, nullable=True),
        sa.Column("total", sa.Integer(), nullable=True),
        sa.Column("place", sa.String(100), nullable=False),
        *(sa.Column(name, sa.Integer(), nullable=False) for name in counts),
        sa.Column("by_name", sa.String(200), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("holder", sa.String(36), nullable=False),
        sa.Column("held_until", runtime.columns.Utc, nullable=True),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("created_at", runtime.columns.Utc, nullable=False),
        sa.Column("started_at", runtime.columns.Utc, nullable=True),
        sa.Column("finished_at", runtime.columns.Utc, nullable=True),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_import_file_created", "import_file", ["created_at", "id"])
    op.create_index("ix_import_file_digest", "import_file", ["digest"])
    op.create_table(
        "import_part",
        sa.Column("import_id", runtime.columns.Id, nullable=False),
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("data", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["import_id"], ["import_file.id"]),
        sa.PrimaryKeyConstraint("import_id", "number"),
    )
    op.create_table(
        "import_rejected",
        sa.Column("import_id", runtime.columns.Id, nullable=False),
        sa.Column("row", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("cells", runtime.columns.Json, nullable=False),
        sa.Column("reasons", runtime.columns.Json, nullable=False),
        sa.ForeignKeyConstraint(["import_id"], ["import_file.id"]),
        sa.PrimaryKeyConstraint("import_id", "row"),
    )
    op.create_table(
        "import_mapping",
        sa.Column("id", runtime.columns.Id, nullable=False),
        sa.Column("name", sa.String(120), nullable=False),
        sa.Column("header", runtime.columns.Json, nullable=False),
        sa.Column("plan", runtime.columns.Json, nullable=False),
        sa.Column("created_at", runtime.columns.Utc, nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("name"),
    )


def downgrade() -> None:
    for table in (
        "import_mapping", "import_rejected", "import_part", "import_file",
        "contact_changed", "contact_change", "contact_note", "likeness", "contact_twin",
    ):  # fmt: skip
        op.drop_table(table)
    for name in (*_LISTS, "merged"):
        op.drop_index(f"ix_contact_{name}", "contact")
    if op.get_bind().dialect.name == "sqlite":
        op.execute("DROP TABLE contact_words")
    else:
        op.drop_index("ix_contact_words", "contact")
    with op.batch_alter_table("contact") as batch_op:
        for column in (*_TEXTS, "attributes", "status", "likely", "merged_into", "version"):
            batch_op.drop_column(column)
