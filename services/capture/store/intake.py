"""What a batch of submissions reads and writes, in a number of statements that does not depend on its size."""

from collections.abc import Iterable, Sequence
from functools import cache
from operator import itemgetter
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from runtime.bulk import insert_rows, look_up
from runtime.transaction import dialect_insert
from services.capture.store import words
from services.capture.tables import contact, contact_key, lead


def digests(connection: Connection, lead_ids: Iterable[str]) -> dict[str, str]:
    """Digest by id of those leads that are stored."""
    return look_up(connection, lead, "id", "digest", lead_ids)


def contacts_by_key(connection: Connection, keys: Iterable[str]) -> dict[str, str]:
    """Contact id by key, of those keys that are known."""
    return {
        key: str(contact_id) for key, contact_id in look_up(connection, contact_key, "key", "contact_id", keys).items()
    }


_DETAILS = ("name", "email", "phone", "company", "city", "country", "sector", "product", "code", "document")
_SEARCHED = ("name", "email", "company", "phone", "code", "document")


@cache
def _complete_contacts(dialect: str) -> Any:
    statement = dialect_insert(dialect, contact)
    new = statement.excluded
    gaps = {detail: sa.case((contact.c[detail] == "", new[detail]), else_=contact.c[detail]) for detail in _DETAILS}
    for detail, wrong in (("email", "wrong_email"), ("phone", "wrong_phone")):
        said = sa.case((contact.c[wrong] == "", new[wrong]), else_=contact.c[wrong])
        gaps[wrong] = sa.case((sa.or_(contact.c[detail] != "", new[detail] != ""), ""), else_=said)
    filled = sa.or_(*(sa.and_(contact.c[detail] == "", new[detail] != "") for detail in _SEARCHED))
    found_by = sa.case((filled, contact.c.search + new.search), else_=contact.c.search)
    better = sa.case((contact.c.quality < new.quality, new.quality), else_=contact.c.quality)
    changes = {
        **gaps,
        "attributes": _both(dialect, new.attributes, contact.c.attributes),
        "search": found_by,
        "quality": better,
        "version": contact.c.version + 1,
        "updated_at": new.updated_at,
    }
    # Only because it returns something does SQLAlchemy send all rows together and not one by one.
    return statement.on_conflict_do_update(index_elements=[contact.c.id], set_=changes).returning(
        contact.c.id, contact.c.search
    )


def _both(dialect: str, added: Any, kept: Any) -> Any:
    """Two objects of JSON as one; where both name something, what was kept stays."""
    return added.op("||")(kept) if dialect == "postgresql" else sa.func.json_patch(added, kept)


def complete_contacts(connection: Connection, contacts: Sequence[dict[str, Any]]) -> None:
    """Fills what the cards of returning contacts lacked; what they had stays. Rows: whole, one for each contact.

    An INSERT where each row is known to be there: the one statement that takes a value for each row, and locks them in
    the order in which they are given, here that of their ids, so that two batches cannot wait for each other.
    """
    if contacts:
        rows = connection.execute(_complete_contacts(connection.dialect.name), sorted(contacts, key=itemgetter("id")))
        words.replace(connection, {row.id: row.search for row in rows})


def hold_contacts(connection: Connection, contact_ids: Iterable[str]) -> dict[str, str]:
    """Locks contacts in the order of their ids until the transaction ends. Returns: those of them that were merged into
    others meanwhile, with the others. SQLite has one writer at a time: there is no meanwhile."""
    wanted = sorted(contact_ids)
    if not wanted or connection.dialect.name == "sqlite":
        return {}
    rows = connection.execute(_hold_contacts, {"ids": wanted})
    return {str(row.id): str(row.merged_into) for row in rows if row.merged_into}


_hold_contacts = sa.text(
    "SELECT id, merged_into FROM contact WHERE id = ANY(CAST(:ids AS uuid[])) ORDER BY id FOR NO KEY UPDATE"
)


def add_contacts(connection: Connection, contacts: Sequence[dict[str, Any]], keys: dict[str, str]) -> None:
    """Stores new contacts, and keys (key -> contact id) of new and known ones."""
    if contacts:
        insert_rows(connection, contact, contacts)
        words.add(connection, {row["id"]: row["search"] for row in contacts})
    if keys:
        # No "do nothing" here: when another replica made the same contact meanwhile, the whole batch is done again
        # and finds it.
        rows = [{"key": key, "contact_id": contact_id} for key, contact_id in sorted(keys.items())]
        insert_rows(connection, contact_key, rows)


def add_leads(connection: Connection, leads: Sequence[dict[str, Any]]) -> None:
    """Stores leads."""
    insert_rows(connection, lead, leads)
