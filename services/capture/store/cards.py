"""Cards of contacts: read, written many at a time, and what hangs on them."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

import orjson
import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.engine import Connection

from contracts.access import Actor
from runtime.bulk import insert_rows
from services.capture.domain.cards import CLIENT, DETAILS
from services.capture.store import words
from services.capture.store.owners import visible
from services.capture.tables import contact, contact_key, contact_note, lead, likeness, owner

Row = dict[str, Any]

_BRIEF = (
    contact.c.id.label("contact_id"),
    *(contact.c[name] for name in DETAILS if name not in ("code", "document")),
    *(contact.c[name] for name in ("wrong_email", "wrong_phone", "status", "source", "import_id", "quality")),
    contact.c.created_at,
    contact.c.updated_at,
)
_WHOLE = (contact.c.code, contact.c.document, contact.c.attributes, contact.c.version, contact.c.merged_into)


def among(connection: Connection, column: Any, values: Iterable[Any]) -> sa.ColumnElement[bool]:
    """Whether `column` is one of many values, which travel as one parameter however many they are."""
    wanted = list(values)
    if connection.dialect.name == "postgresql":
        return column == sa.any_(sa.cast(sa.literal(wanted, ARRAY(sa.String)), ARRAY(column.type)))
    each = sa.func.json_each(orjson.dumps(wanted).decode()).table_valued("value")
    return column.in_(sa.select(each.c.value))


def briefs(connection: Connection, actor: Actor, contact_ids: Sequence[str]) -> dict[str, Row]:
    """What lists show of contacts, by id, with their newest lead that `actor` sees and who has it. Two statements."""
    if not contact_ids:
        return {}
    rows = connection.execute(sa.select(*_BRIEF).where(contact.c.id.in_(contact_ids))).mappings()
    latest = _latest(connection, actor, contact_ids)
    nothing = {"seller_id": None, "team_id": None, "last_lead_id": None, "last_lead_at": None}
    return {row["contact_id"]: {**row, **latest.get(row["contact_id"], nothing)} for row in rows}


def _latest(connection: Connection, actor: Actor, contact_ids: Sequence[str]) -> dict[str, Row]:
    newest_first = lead.c.captured_at.desc(), lead.c.id.desc()
    numbered = (
        sa.select(
            lead.c.contact_id,
            lead.c.id.label("last_lead_id"),
            lead.c.captured_at.label("last_lead_at"),
            owner.c.seller_id,
            owner.c.team_id,
            sa.func.row_number().over(partition_by=lead.c.contact_id, order_by=newest_first).label("number"),
        )
        .select_from(lead.outerjoin(owner, owner.c.lead_id == lead.c.id))
        .where(lead.c.contact_id.in_(contact_ids), visible(actor, few=True))
        .subquery()
    )
    rows = connection.execute(sa.select(numbered).where(numbered.c.number == 1)).mappings()
    return {
        row["contact_id"]: {name: row[name] for name in ("seller_id", "team_id", "last_lead_id", "last_lead_at")}
        for row in rows
    }


def whole(connection: Connection, contact_id: str) -> Row | None:
    """What a card has beyond what lists show."""
    row = connection.execute(sa.select(*_WHOLE).where(contact.c.id == contact_id)).mappings().one_or_none()
    return dict(row) if row is not None else None


def sees(connection: Connection, actor: Actor, contact_id: str) -> bool:
    """Whether `actor` sees a contact: everybody sees those of whom they see a lead."""
    if actor.sees_all:
        return connection.execute(sa.select(contact.c.id).where(contact.c.id == contact_id)).first() is not None
    mine = lead.join(owner, owner.c.lead_id == lead.c.id)
    select = sa.select(lead.c.id).select_from(mine).where(lead.c.contact_id == contact_id, visible(actor, few=True))
    return connection.execute(select.limit(1)).first() is not None


def leads_of(connection: Connection, actor: Actor, contact_id: str, limit: int) -> list[str]:
    """Ids of the leads of a contact that `actor` sees, newest first."""
    mine = lead.outerjoin(owner, owner.c.lead_id == lead.c.id)
    select = sa.select(lead.c.id).select_from(mine).where(lead.c.contact_id == contact_id, visible(actor, few=True))
    newest_first = select.order_by(lead.c.captured_at.desc(), lead.c.id.desc())
    return list(connection.execute(newest_first.limit(limit)).scalars())


def many(connection: Connection, contact_ids: Sequence[str]) -> list[Row]:
    """Whole cards."""
    select = sa.select(contact).where(among(connection, contact.c.id, contact_ids)).order_by(contact.c.id)
    return [dict(row) for row in connection.execute(select).mappings()]


def worth(fix: str, arguments: Mapping[str, Any]) -> tuple[sa.ColumnElement[bool], ...]:
    """Conditions without which a fix has nothing to do, so that those it did are not looked at again."""
    if fix == "set":
        return (contact.c[arguments["field"]] != arguments["value"],)
    if fix == "tidy_names":
        name = contact.c.name
        upper, lower = sa.func.upper(name), sa.func.lower(name)
        return (sa.or_(name == upper, name == lower), upper != lower)
    return ()


def locked(connection: Connection, contact_ids: Iterable[str]) -> dict[str, Row]:
    """Whole cards by id, locked in the order of their ids until the transaction ends. Those merged away are there."""
    select = sa.select(contact).where(among(connection, contact.c.id, contact_ids)).order_by(contact.c.id)
    return {row["id"]: dict(row) for row in connection.execute(select.with_for_update()).mappings()}


def write(connection: Connection, columns: Sequence[str], rows: Sequence[Row]) -> None:
    """Changes `columns` of many contacts in one statement. Rows: {"id", **columns}; with "search" among them, they are
    found by it from now on."""
    if not rows:
        return
    if connection.dialect.name == "postgresql":
        changes = ", ".join(f'"{name}" = new."{name}"' for name in columns)
        statement = sa.text(
            f"UPDATE contact SET {changes}"  # noqa: S608, the names are our own columns'
            " FROM json_populate_recordset(NULL::contact, CAST(:rows AS json)) AS new WHERE contact.id = new.id"
        )
        connection.execute(statement, {"rows": orjson.dumps(rows).decode()})
    else:
        update = sa.update(contact).where(contact.c.id == sa.bindparam("_id"))
        values = {name: sa.bindparam(f"_{name}", type_=contact.c[name].type) for name in columns}
        connection.execute(update.values(values), [{f"_{name}": value for name, value in row.items()} for row in rows])
    if "search" in columns:
        words.replace(connection, {row["id"]: row["search"] for row in rows})


def holders(connection: Connection, keys: Iterable[str]) -> dict[str, str]:
    """Contact id by key, of those keys that are known."""
    rows = connection.execute(sa.select(contact_key).where(among(connection, contact_key.c.key, keys)))
    return {row.key: row.contact_id for row in rows}


def move_keys(connection: Connection, gone: Iterable[str], new: Mapping[str, str]) -> None:
    """Drops keys, and adds some (key -> contact id) that nobody has."""
    if dropped := list(gone):
        connection.execute(sa.delete(contact_key).where(among(connection, contact_key.c.key, dropped)))
    insert_rows(connection, contact_key, [{"key": key, "contact_id": new[key]} for key in sorted(new)])


def become_clients(connection: Connection, lead_ids: Sequence[str], at: datetime) -> None:
    """The contacts of these leads are clients."""
    if lead_ids:
        whose = sa.select(lead.c.contact_id).where(among(connection, lead.c.id, lead_ids))
        update = sa.update(contact).where(contact.c.id.in_(whose), contact.c.status != CLIENT)
        connection.execute(update.values(status=CLIENT, version=contact.c.version + 1, updated_at=at))


def notes_of(connection: Connection, contact_id: str, limit: int) -> list[Row]:
    """Notes of a contact, newest first."""
    select = sa.select(contact_note).where(contact_note.c.contact_id == contact_id)
    newest_first = select.order_by(contact_note.c.created_at.desc(), contact_note.c.id.desc())
    return [dict(row) for row in connection.execute(newest_first.limit(limit)).mappings()]


def note(connection: Connection, note_id: str) -> Row | None:
    """One note."""
    row = connection.execute(sa.select(contact_note).where(contact_note.c.id == note_id)).mappings().one_or_none()
    return dict(row) if row is not None else None


def add_note(connection: Connection, row: Row) -> None:
    """Stores a note."""
    connection.execute(sa.insert(contact_note), row)


def open_likeness_of(connection: Connection, contact_id: str, limit: int) -> list[Row]:
    """Open suspicions that a contact is the same as another."""
    here = sa.or_(likeness.c.contact_id == contact_id, likeness.c.other_id == contact_id)
    select = sa.select(likeness).where(here, likeness.c.state == "open").order_by(likeness.c.id).limit(limit)
    return [dict(row) for row in connection.execute(select).mappings()]


def values(connection: Connection, column: str, begins: str, limit: int) -> list[str]:
    """Distinct values of a column that begin so, in their order: each is one step in the column's index."""
    of = contact.c[column]
    high = begins + "\U0010ffff"
    first = sa.select(sa.func.min(of).label("value")).where(of >= begins, of <= high, sa.text(f"{column} <> ''"))
    steps = first.cte("steps", recursive=True)
    again = contact.alias("again")
    following = sa.select(sa.func.min(again.c[column])).where(
        again.c[column] > steps.c.value, again.c[column] <= high, sa.text(f"again.{column} <> ''")
    )
    steps = steps.union_all(sa.select(following.scalar_subquery()).where(steps.c.value.is_not(None)))
    found = sa.select(steps.c.value).where(steps.c.value.is_not(None)).limit(limit)
    return list(connection.execute(found).scalars())


def unmerged(connection: Connection, contact_ids: Iterable[str]) -> dict[str, Row]:
    """Whole rows of contacts by id, without those that turned out to be others."""
    select = sa.select(contact).where(among(connection, contact.c.id, contact_ids), contact.c.merged_into.is_(None))
    return {row.id: dict(row._mapping) for row in connection.execute(select)}
