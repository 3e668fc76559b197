"""Work in the order in which to deal with it: what nobody has looked at, then the highest score, then the oldest."""

import base64
import binascii
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson
import sqlalchemy as sa
from sqlalchemy.engine import Connection, RowMapping

from contracts.errors import INVALID
from runtime.clock import iso, parse_iso
from runtime.errors import invalid
from runtime.paging import MOST
from services.distribution.store.reading import all_of
from services.distribution.tables import work

Place = tuple[int, int, datetime, str]

_is_opened = sa.case((work.c.opened_at.is_(None), 0), else_=1)
# Every part grows, so that places can be compared as one.
_place = (_is_opened, -work.c.score, work.c.captured_at, work.c.work_id)


def page_by_priority(
    connection: Connection, select: sa.Select[Any], cursor: str | None, limit: int
) -> tuple[list[RowMapping], str | None]:
    """One page of `select`, which is of work, and the cursor of the next page or None.

    cursor: None, or what an earlier page gave as next. limit: rows wanted, 1 to `runtime.paging.MOST`.

    Raises:
        Invalid: the cursor is not one of ours, or the limit is out of range.
    """
    if not 1 <= limit <= MOST:
        raise invalid("limit", INVALID, f"between 1 and {MOST}, not {limit}")
    if cursor:
        after = (sa.literal(part, column.type) for part, column in zip(_read(cursor), _place, strict=True))
        select = select.where(sa.tuple_(*_place) > sa.tuple_(*after))
    rows = list(all_of(connection, select.order_by(*_place).limit(limit + 1)))
    return rows[:limit], _write(rows[limit - 1]) if len(rows) > limit else None


def _write(row: RowMapping) -> str:
    place = [int(row["opened_at"] is not None), -row["score"], iso(row["captured_at"]), row["work_id"]]
    return base64.urlsafe_b64encode(orjson.dumps(place)).decode().rstrip("=")


def _read(cursor: str) -> Place:
    try:
        opened, score, captured_at, work_id = orjson.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
        return int(opened), int(score), parse_iso(captured_at), str(UUID(work_id))
    except (ValueError, TypeError, AttributeError, binascii.Error):
        raise invalid("cursor", INVALID, "not a cursor of this list; leave it out to start at the beginning") from None
