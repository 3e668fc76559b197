"""Keyset pagination, newest first unless told otherwise: a page costs the same at any depth."""

import base64
import binascii
from datetime import datetime
from typing import Any

import orjson
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from contracts.errors import INVALID
from runtime.clock import iso, parse_iso
from runtime.errors import invalid

MOST = 500


def page(
    connection: Connection,
    select: sa.Select[Any],
    created: sa.ColumnElement[Any],
    identifier: sa.ColumnElement[Any],
    cursor: str | None,
    limit: int,
    *,
    oldest_first: bool = False,
) -> tuple[list[Any], str | None]:
    """One page of `select`, ordered by (created, identifier) descending, and the cursor of the next page or None.

    Args:
        cursor: None, or what an earlier page gave as next.
        limit: rows wanted, 1 to MOST.
        oldest_first: ascending instead.

    Raises:
        Invalid: the cursor is not one of ours, or the limit is out of range.
    """
    place = place_of(cursor, limit)
    if place:
        at, last = place
        # Compared as one, they are a range of an index.
        here = sa.tuple_(created, identifier)
        after = sa.tuple_(sa.literal(at, created.type), sa.literal(last, identifier.type))
        select = select.where(here > after if oldest_first else here < after)
    order = (created, identifier) if oldest_first else (created.desc(), identifier.desc())
    rows = connection.execute(select.order_by(*order).limit(limit + 1)).all()
    if len(rows) <= limit:
        return list(rows), None
    last_row = rows[limit - 1]._mapping
    return list(rows[:limit]), cursor_at(last_row[created], str(last_row[identifier]))


def place_of(cursor: str | None, limit: int) -> tuple[datetime, str] | None:
    """Time and id of the last row of the page that gave `cursor`; None before the first page.

    Raises:
        Invalid: the cursor is not one of ours, or the limit is out of range.
    """
    if not 1 <= limit <= MOST:
        raise invalid("limit", INVALID, f"between 1 and {MOST}, not {limit}")
    return _read(cursor) if cursor else None


def cursor_at(at: datetime, identifier: str) -> str:
    """The cursor of what follows this row."""
    return base64.urlsafe_b64encode(orjson.dumps([iso(at), identifier])).decode().rstrip("=")


def _read(cursor: str) -> tuple[datetime, str]:
    try:
        at, identifier = orjson.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
        return parse_iso(at), str(identifier)
    except (ValueError, TypeError, binascii.Error):
        raise invalid("cursor", INVALID, "not a cursor of this list; leave it out to start at the beginning") from None
