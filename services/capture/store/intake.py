"""What a batch of submissions reads and writes, in a number of statements that does not depend on its size."""

from collections.abc import Iterable, Sequence
from functools import cache
from operator import itemgetter
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from runtime.transaction import dialect_insert
from services.capture.tables import contact, contact_key, lead

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
_SEARCHED = ("name", "email", "company")


@cache
def _complete_contacts(dialect: str) -> Any:
    statement = dialect_insert(dialect, contact)
    new = statement.excluded
    gaps = {detail: sa.case((contact.c[detail] == "", new[detail]), else_=contact.c[detail]) for detail in _DETAILS}
    filled = sa.or_(*(sa.and_(contact.c[detail] == "", new[detail] != "") for detail in _SEARCHED))
    words = sa.case((filled, contact.c.search + new.search), else_=contact.c.search)
    better = sa.case((contact.c.quality < new.quality, new.quality), else_=contact.c.quality)
    changes = {**gaps, "search": words, "quality": better, "updated_at": new.updated_at}
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
