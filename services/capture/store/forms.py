"""Definitions of forms."""

from collections.abc import Iterable, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from runtime.paging import page
from services.capture.tables import form

Row = dict[str, Any]


def find(connection: Connection, form_id: str) -> Row | None:
    """One form; None when there is none."""
    row = connection.execute(sa.select(form).where(form.c.id == form_id)).first()
    return None if row is None else dict(row._mapping)


def find_all(connection: Connection, form_ids: Iterable[str]) -> dict[str, Row]:
    """Those of these forms that are there, by id."""
    rows = connection.execute(sa.select(form).where(form.c.id.in_(sorted(form_ids))))
    return {row.id: dict(row._mapping) for row in rows}


def is_taken(connection: Connection, key: str) -> bool:
    """Whether a form answers to `key`."""
    return connection.execute(sa.select(form.c.id).where(form.c.key == key)).first() is not None


def add(connection: Connection, row: Row) -> None:
    """Stores a new form."""
    connection.execute(sa.insert(form), row)


def change(connection: Connection, row: Row) -> bool:
    """Stores a form as it shall be, unless somebody changed it since; tells whether it did."""
    before = sa.and_(form.c.id == row["id"], form.c.version == row["version"] - 1)
    return connection.execute(sa.update(form).where(before).values(row)).rowcount == 1


def page_of(connection: Connection, cursor: str | None, limit: int, sought: str = "") -> tuple[list[Row], str | None]:
    """Forms, newest first; those with `sought` in their name, key or source when it is given."""
    select = sa.select(form)
    if sought:
        select = select.where(
            sa.or_(*(column.icontains(sought, autoescape=True) for column in (form.c.name, form.c.key, form.c.source)))
        )
    rows, following = page(connection, select, form.c.created_at, form.c.id, cursor, limit)
    return [dict(row._mapping) for row in rows], following


def sources(connection: Connection) -> Sequence[str]:
    """The sources of all forms, each once, in order."""
    return connection.execute(sa.select(form.c.source).distinct().order_by(form.c.source)).scalars().all()
