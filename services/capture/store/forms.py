"""Definitions of forms."""

from collections.abc import Sequence
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


def page_of(connection: Connection, cursor: str | None, limit: int) -> tuple[list[Row], str | None]:
    """Forms, newest first."""
    rows, following = page(connection, sa.select(form), form.c.created_at, form.c.id, cursor, limit)
    return [dict(row._mapping) for row in rows], following


def sources(connection: Connection) -> Sequence[str]:
    """The sources of all forms, each once, in order."""
    return connection.execute(sa.select(form.c.source).distinct().order_by(form.c.source)).scalars().all()
