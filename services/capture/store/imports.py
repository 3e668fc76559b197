"""Files on their way in."""

import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from runtime.bulk import insert_rows
from runtime.paging import page
from runtime.transaction import dialect_insert
from services.capture.store.cards import among
from services.capture.tables import import_file, import_mapping, import_part, import_rejected, lead

Row = dict[str, Any]

WORKED_ON = ("examining", "loading")


def add(connection: Connection, row: Row) -> None:
    """Stores a new import."""
    connection.execute(sa.insert(import_file), row)


def find(connection: Connection, import_id: str, *, locked: bool = False) -> Row | None:
    """One import; None when there is none. locked: until the transaction ends nobody else changes it."""
    select = sa.select(import_file).where(import_file.c.id == import_id)
    row = connection.execute(select.with_for_update() if locked else select).first()
    return None if row is None else dict(row._mapping)


def held(connection: Connection, import_id: str, holder: str) -> Row | None:
    """The import, locked, if rows of it are to go in and `holder` has it."""
    row = find(connection, import_id, locked=True)
    return row if row is not None and row["state"] == "loading" and row["holder"] == holder else None


def page_of(connection: Connection, cursor: str | None, limit: int) -> tuple[list[Row], str | None]:
    """Imports, newest first."""
    rows, following = page(
        connection, sa.select(import_file), import_file.c.created_at, import_file.c.id, cursor, limit
    )
    return [dict(row._mapping) for row in rows], following


def change(connection: Connection, import_id: str, **values: Any) -> None:
    """Stores what is new of an import."""
    connection.execute(sa.update(import_file).where(import_file.c.id == import_id).values(**values))


def finished_with(connection: Connection, digests: Iterable[str]) -> dict[str, list[tuple[str, datetime]]]:
    """By digest the imports that finished with just this content, each with when it was made, oldest first."""
    wanted = [digest for digest in digests if digest]
    if not wanted:
        return {}
    rows = connection.execute(
        sa.select(import_file.c.digest, import_file.c.id, import_file.c.created_at)
        .where(import_file.c.digest.in_(wanted), import_file.c.state == "done")
        .order_by(import_file.c.created_at)
    )
    found: dict[str, list[tuple[str, datetime]]] = {}
    for row in rows:
        found.setdefault(row.digest, []).append((row.id, row.created_at))
    return found


def claim(connection: Connection, holder: str, now: datetime, until: datetime) -> Row | None:
    """The oldest import that wants work and that nobody else holds, held by `holder` from now on."""
    free = sa.or_(import_file.c.held_until.is_(None), import_file.c.held_until < now, import_file.c.holder == holder)
    select = (
        sa.select(import_file)
        .where(import_file.c.state.in_(WORKED_ON), free)
        .order_by(import_file.c.created_at, import_file.c.id)
        .limit(1)
        .with_for_update(skip_locked=True)
    )
    row = connection.execute(select).first()
    if row is None:
        return None
    change(connection, row.id, holder=holder, held_until=until, tries=row.tries + 1)
    return dict(row._mapping)


def let_go(connection: Connection, holder: str) -> None:
    """What `holder` holds is free."""
    connection.execute(sa.update(import_file).where(import_file.c.holder == holder).values(holder="", held_until=None))


def add_part(connection: Connection, import_id: str, number: int, size: int, data: bytes) -> bool:
    """Stores a part of a file, compressed; the same one again changes nothing. Returns: whether it, and no other, is
    there now."""
    insert = dialect_insert(connection.dialect.name, import_part)
    row = {"import_id": import_id, "number": number, "size": size, "data": data}
    if connection.execute(insert.values(row).on_conflict_do_nothing()).rowcount == 1:
        return True
    which = sa.and_(import_part.c.import_id == import_id, import_part.c.number == number)
    stored = connection.execute(sa.select(import_part.c.data).where(which)).scalar_one()
    return stored == data or zlib.decompress(stored) == zlib.decompress(data)


def received(connection: Connection, import_id: str) -> tuple[int, int]:
    """How many bytes of a file have come, in how many parts."""
    size, parts = sa.func.coalesce(sa.func.sum(import_part.c.size), 0), sa.func.count()
    row = connection.execute(sa.select(size, parts).where(import_part.c.import_id == import_id)).one()
    return int(row[0]), int(row[1])


def parts(connection: Connection, import_id: str) -> Iterator[bytes]:
    """The parts of a file in order, compressed as they were stored."""
    numbers = sa.select(import_part.c.number).where(import_part.c.import_id == import_id)
    for number in connection.execute(numbers.order_by(import_part.c.number)).scalars().all():
        which = sa.and_(import_part.c.import_id == import_id, import_part.c.number == number)
        yield connection.execute(sa.select(import_part.c.data).where(which)).scalar_one()


def drop_content(connection: Connection, import_id: str) -> None:
    """Throws the file itself away, and the rows of it that were shown."""
    connection.execute(sa.delete(import_part).where(import_part.c.import_id == import_id))
    found = find(connection, import_id)
    if found is not None and found["found"].get("rows"):
        change(connection, import_id, found={**found["found"], "rows": []})


def reject(connection: Connection, rows: Sequence[Row]) -> None:
    """Keeps rows that were not taken."""
    insert_rows(connection, import_rejected, rows)


def rejected(connection: Connection, import_id: str, after: int, limit: int) -> Sequence[Mapping[Any, Any]]:
    """Rows that were not taken, in order, those behind row `after`."""
    which = sa.and_(import_rejected.c.import_id == import_id, import_rejected.c.row > after)
    select = sa.select(import_rejected).where(which).order_by(import_rejected.c.row).limit(limit)
    return connection.execute(select).mappings().all()


def contacts_with_lead(connection: Connection, contact_ids: Iterable[str], **of: str) -> set[str]:
    """Those of these contacts who have a lead already: of an import (import_id) or of a form (form_id)."""
    which = (lead.c[name] == value for name, value in of.items())
    select = sa.select(lead.c.contact_id).where(among(connection, lead.c.contact_id, contact_ids), *which)
    return set(connection.execute(select).scalars())


def forget(connection: Connection, before: datetime, limit: int) -> int:
    """Throws away rejected rows and files of imports made before `before` that nobody is to go on with; of how many
    imports."""
    kept = sa.or_(
        sa.exists().where(import_rejected.c.import_id == import_file.c.id),
        sa.exists().where(import_part.c.import_id == import_file.c.id),
    )
    old = sa.select(import_file.c.id).where(
        import_file.c.created_at < before, import_file.c.state.not_in((*WORKED_ON, "paused")), kept
    )
    found = connection.execute(old.limit(limit)).scalars().all()
    for import_id in found:
        connection.execute(sa.delete(import_rejected).where(import_rejected.c.import_id == import_id))
        drop_content(connection, import_id)
        connection.execute(
            sa.update(import_file)
            .where(import_file.c.id == import_id, import_file.c.state.in_(("uploading", "ready", "failed")))
            .values(state="cancelled", version=import_file.c.version + 1)
        )
    return len(found)


def mappings(connection: Connection) -> list[Row]:
    """What columns of files mean, by the name under which it was kept."""
    rows = connection.execute(sa.select(import_mapping).order_by(import_mapping.c.name))
    return [dict(row._mapping) for row in rows]


def keep_mapping(connection: Connection, row: Row) -> None:
    """Keeps what columns mean; another of the same name is replaced."""
    insert = dialect_insert(connection.dialect.name, import_mapping)
    changes = {name: insert.excluded[name] for name in ("header", "plan", "created_at")}
    connection.execute(insert.values(row).on_conflict_do_update(index_elements=["name"], set_=changes))


def drop_mapping(connection: Connection, mapping_id: str) -> bool:
    """Forgets what columns mean; whether it was there."""
    return connection.execute(sa.delete(import_mapping).where(import_mapping.c.id == mapping_id)).rowcount == 1
