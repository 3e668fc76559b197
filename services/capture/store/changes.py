"""What was done to many contacts at once, and suspicions that two are one."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from runtime.bulk import insert_rows
from runtime.paging import page
from runtime.transaction import dialect_insert
from services.capture.store.cards import among
from services.capture.tables import (
    contact,
    contact_change,
    contact_changed,
    contact_key,
    contact_note,
    contact_twin,
    lead,
    likeness,
)

Row = dict[str, Any]

_HANGING = {"leads": lead, "notes": contact_note}


def add(connection: Connection, change: Row, changed: Sequence[Row]) -> None:
    """Keeps a change, and what each contact was before it and is after it."""
    connection.execute(sa.insert(contact_change), change)
    insert_rows(connection, contact_changed, changed)


def locked(connection: Connection, change_id: str) -> Row | None:
    """One change, locked until the transaction ends."""
    select = sa.select(contact_change).where(contact_change.c.id == change_id).with_for_update()
    row = connection.execute(select).mappings().one_or_none()
    return dict(row) if row is not None else None


def changed_by(connection: Connection, change_id: str) -> list[Row]:
    """What each contact was before a change, and is after it."""
    select = sa.select(contact_changed).where(contact_changed.c.change_id == change_id)
    return [dict(row) for row in connection.execute(select.order_by(contact_changed.c.contact_id)).mappings()]


def note_undone(connection: Connection, change_id: str, at: Any) -> None:
    """A change was undone."""
    connection.execute(sa.update(contact_change).where(contact_change.c.id == change_id).values(undone_at=at))


def page_of(connection: Connection, cursor: str | None, limit: int) -> tuple[list[Row], str | None]:
    """Changes, newest first."""
    select = sa.select(contact_change, contact_change.c.id.label("change_id"))
    rows, following = page(connection, select, contact_change.c.created_at, contact_change.c.id, cursor, limit)
    return [dict(row._mapping) for row in rows], following


def merged_into(connection: Connection, contact_id: str, limit: int) -> list[Row]:
    """Contacts that turned out to be this one, and the changes that said so and stand."""
    select = (
        sa.select(contact_changed.c.change_id, contact.c.id.label("contact_id"), contact.c.name)
        .add_columns(contact_change.c.created_at.label("at"))
        .select_from(
            contact.join(contact_changed, contact_changed.c.contact_id == contact.c.id).join(
                contact_change, contact_change.c.id == contact_changed.c.change_id
            )
        )
        .where(
            contact.c.merged_into == contact_id, contact_change.c.what == "merge", contact_change.c.undone_at.is_(None)
        )
        .order_by(contact_change.c.created_at.desc(), contact.c.id)
        .limit(limit)
    )
    return [dict(row) for row in connection.execute(select).mappings()]


def of_contacts(connection: Connection, contact_ids: Sequence[str]) -> dict[str, dict[str, list[str]]]:
    """What hangs on contacts, by contact: ids of leads and notes, and keys."""
    hanging: dict[str, dict[str, list[str]]] = {each: {"leads": [], "notes": [], "keys": []} for each in contact_ids}
    columns = {what: (table.c.contact_id, table.c.id) for what, table in _HANGING.items()}
    for what, (whose, which) in {**columns, "keys": (contact_key.c.contact_id, contact_key.c.key)}.items():
        for row in connection.execute(sa.select(whose, which).where(among(connection, whose, contact_ids))):
            hanging[row[0]][what].append(row[1])
    return hanging


def move(connection: Connection, contact_ids: Sequence[str]) -> None:
    """Gives what hangs on contacts to those into which they were merged."""
    for table in (*_HANGING.values(), contact_key):
        goes_to = sa.select(contact.c.merged_into).where(contact.c.id == table.c.contact_id).scalar_subquery()
        mine = among(connection, table.c.contact_id, contact_ids)
        connection.execute(sa.update(table).where(mine).values(contact_id=goes_to))


def move_back(connection: Connection, hung: Mapping[str, Mapping[str, Any]]) -> None:
    """Gives leads, notes and keys back to contacts (contact id -> what hung on it, and into what it was merged), where
    that one has them still."""
    for what, table in (*_HANGING.items(), ("keys", contact_key)):
        column = table.c.key if table is contact_key else table.c.id
        back = [
            {"_which": which, "_to": to, "_from": every["merged_into"]}
            for to, every in hung.items()
            for which in every[what]
        ]
        if back:
            update = sa.update(table).where(
                column == sa.bindparam("_which"), table.c.contact_id == sa.bindparam("_from")
            )
            connection.execute(update.values(contact_id=sa.bindparam("_to")), back)


# Suspicions


def add_likeness(connection: Connection, rows: Sequence[Row]) -> list[str]:
    """Keeps suspicions; of a pair that is known already nothing is kept. Returns the ids of those that are new."""
    if not rows:
        return []
    statement = dialect_insert(connection.dialect.name, likeness).on_conflict_do_nothing().returning(likeness.c.id)
    return list(connection.execute(statement, list(rows)).scalars())


def likeness_by_id(connection: Connection, likeness_ids: Sequence[str]) -> list[Row]:
    """Suspicions, oldest first."""
    select = sa.select(likeness).where(among(connection, likeness.c.id, likeness_ids))
    return [dict(row) for row in connection.execute(select.order_by(likeness.c.id)).mappings()]


def likeness_of(connection: Connection, contact_ids: Sequence[str]) -> list[Row]:
    """Open suspicions about any of these contacts."""
    sides = (among(connection, side, contact_ids) for side in (likeness.c.contact_id, likeness.c.other_id))
    select = sa.select(likeness).where(likeness.c.state == "open", sa.or_(*sides)).order_by(likeness.c.id)
    return [dict(row) for row in connection.execute(select).mappings()]


def set_likeness(connection: Connection, likeness_ids: Sequence[str], state: str, was: str) -> list[Row]:
    """Settles suspicions that are in the state `was`, or opens them again; returns those it was so of."""
    if not likeness_ids:
        return []
    update = sa.update(likeness).where(among(connection, likeness.c.id, likeness_ids), likeness.c.state == was)
    return [dict(row) for row in connection.execute(update.values(state=state).returning(likeness)).mappings()]


def drop_likeness(connection: Connection, likeness_ids: Sequence[str]) -> None:
    """Takes back suspicions as if nobody had had them."""
    if likeness_ids:
        connection.execute(sa.delete(likeness).where(among(connection, likeness.c.id, likeness_ids)))


def mark_likely(connection: Connection, contact_ids: Iterable[str]) -> None:
    """Notes on contacts whether a suspicion about them is open."""
    if not (wanted := sorted(set(contact_ids))):
        return
    is_open = likeness.c.state == "open"
    sides = (
        sa.exists().where(side == contact.c.id, is_open).correlate(contact)
        for side in (likeness.c.contact_id, likeness.c.other_id)
    )
    likely = sa.case((sa.or_(*sides), 1), else_=0)
    connection.execute(sa.update(contact).where(among(connection, contact.c.id, wanted)).values(likely=likely))


def likeness_page(connection: Connection, cursor: str | None, limit: int) -> tuple[list[Row], str | None]:
    """Open suspicions, newest first."""
    select = sa.select(likeness).where(likeness.c.state == "open")
    rows, following = page(connection, select, likeness.c.created_at, likeness.c.id, cursor, limit)
    return [dict(row._mapping) for row in rows], following


def twins(connection: Connection, keys: Iterable[int]) -> dict[int, Row]:
    """The first contact of each name and place, by its key, with what a suspicion goes by."""
    if not (wanted := list(keys)):
        return {}
    columns = (contact.c[name] for name in ("id", "name", "company", "city", "email", "phone", "merged_into"))
    select = sa.select(contact_twin.c.key, *columns).select_from(
        contact_twin.join(contact, contact.c.id == contact_twin.c.contact_id)
    )
    rows = connection.execute(select.where(among(connection, contact_twin.c.key, wanted))).mappings()
    return {row["key"]: dict(row) for row in rows}


def add_twins(connection: Connection, keys: Mapping[int, str]) -> None:
    """Notes the first contacts of names and places."""
    insert_rows(connection, contact_twin, [{"key": key, "contact_id": keys[key]} for key in sorted(keys)])
