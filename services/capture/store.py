"""Tables and queries of capture."""

from collections.abc import Iterable, Sequence
from functools import cache
from operator import itemgetter
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from contracts import limits
from runtime.columns import Id, Json, Utc
from runtime.tables import add_bus_tables
from runtime.transaction import Transaction, dialect_insert

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
    sa.Column("created_at", Utc, nullable=False),
    sa.Column("updated_at", Utc, nullable=False),
)

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
    sa.Column("correlation_id", sa.String(36), nullable=False),
    sa.Column("received_at", Utc, nullable=False),
    sa.Column("captured_at", Utc, nullable=False),
    sa.Index("ix_lead_captured", "captured_at", "id"),
    sa.Index("ix_lead_form", "form_id", "captured_at", "id"),
    sa.Index("ix_lead_import", "import_id", "captured_at", "id"),
)

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
    sa.Column("received_at", Utc, nullable=False),
    sa.Column("created_at", Utc, nullable=False),
    sa.UniqueConstraint("lead_id", "digest"),
)
"""Submissions kept aside for a person: the same id came again with another body."""


# What every batch asks is built once: building a statement costs more than running it.
_ids: sa.BindParameter[Any] = sa.bindparam("ids", expanding=True)
_digests = sa.select(lead.c.id, lead.c.digest).where(lead.c.id.in_(_ids))
_contacts_by_key = sa.select(contact_key.c.key, contact_key.c.contact_id).where(contact_key.c.key.in_(_ids))
_add_contacts, _add_keys, _add_leads = sa.insert(contact), sa.insert(contact_key), sa.insert(lead)


def digests(connection: Connection, lead_ids: Iterable[str]) -> dict[str, str]:
    """Digest by id of those leads that are stored."""
    return {row.id: row.digest for row in connection.execute(_digests, {"ids": list(lead_ids)})}


def contacts_by_key(connection: Connection, keys: Iterable[str]) -> dict[str, str]:
    """Contact id by key, of those keys that are known."""
    return {row.key: row.contact_id for row in connection.execute(_contacts_by_key, {"ids": list(keys)})}


_DETAILS = ("name", "email", "phone", "company", "city", "country", "sector", "product")


@cache
def _complete_contacts(dialect: str) -> Any:
    statement = dialect_insert(dialect, contact)
    new = statement.excluded
    gaps = {detail: sa.case((contact.c[detail] == "", new[detail]), else_=contact.c[detail]) for detail in _DETAILS}
    better = sa.case((contact.c.quality < new.quality, new.quality), else_=contact.c.quality)
    changes = {**gaps, "quality": better, "updated_at": new.updated_at}
    # Only because it returns something does SQLAlchemy send all rows together and not one by one.
    return statement.on_conflict_do_update(index_elements=[contact.c.id], set_=changes).returning(contact.c.id)


def complete_contacts(connection: Connection, contacts: Sequence[dict[str, Any]]) -> None:
    """Fills what the cards of returning contacts lacked; what they had stays. Rows: whole, one for each contact.

    An INSERT where each row is known to be there: the one statement that takes a value for each row, and locks them in
    the order in which they are given, here that of their ids, so that two batches cannot wait for each other.
    """
    if contacts:
        connection.execute(_complete_contacts(connection.dialect.name), sorted(contacts, key=itemgetter("id")))


def add_contacts(connection: Connection, contacts: Sequence[dict[str, Any]], keys: dict[str, str]) -> None:
    """Stores new contacts, and keys (key -> contact id) of new and known ones."""
    if contacts:
        connection.execute(_add_contacts, contacts)
    if keys:
        # No "do nothing" here: when another replica made the same contact meanwhile, the whole batch is done again
        # and finds it.
        rows = [{"key": key, "contact_id": contact_id} for key, contact_id in sorted(keys.items())]
        connection.execute(_add_keys, rows)


def add_leads(connection: Connection, leads: Sequence[dict[str, Any]]) -> None:
    """Stores leads."""
    if leads:
        connection.execute(_add_leads, leads)


def put_aside(transaction: Transaction, submissions: Sequence[dict[str, Any]]) -> None:
    """Stores submissions in quarantine; the same one twice is kept once."""
    if submissions:
        statement = transaction.insert(quarantine).on_conflict_do_nothing().returning(quarantine.c.id)
        transaction.connection.execute(statement, submissions)


LEAD_CARD = sa.select(
    lead.c.id.label("lead_id"),
    lead.c.id,
    lead.c.form_id,
    lead.c.contact_id,
    lead.c.source,
    lead.c.channel,
    lead.c.score,
    lead.c.fields,
    lead.c.context,
    lead.c.import_id,
    lead.c.correlation_id,
    lead.c.received_at,
    lead.c.captured_at,
    contact.c.name,
    contact.c.email,
    contact.c.phone,
    contact.c.company,
    contact.c.city,
    contact.c.country,
    contact.c.quality,
).join_from(lead, contact)
"""Everything that a lead's card shows from capture."""
