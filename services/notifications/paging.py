"""Pages of messages. Their ids grow with time: a page needs no other order, and no index for one."""

from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from contracts.errors import INVALID
from runtime.errors import invalid
from runtime.paging import MOST
from services.notifications.tables import messages


def newest_first(
    connection: Connection, select: sa.Select[Any], cursor: str | None, limit: int
) -> tuple[list[Any], str | None]:
    """One page of a selection of messages, newest first, and the cursor of the next page or None.

    Args:
        cursor: None, or what an earlier page gave as next.
        limit: rows wanted, 1 to `runtime.paging.MOST`.

    Raises:
        Invalid: the cursor is not one of ours, or the limit is out of range.
    """
    if not 1 <= limit <= MOST:
        raise invalid("limit", INVALID, f"between 1 and {MOST}, not {limit}")
    select = select.where(after(cursor))
    rows = connection.execute(select.order_by(messages.c.message_id.desc()).limit(limit + 1)).all()
    return list(rows[:limit]), str(rows[limit - 1].message_id) if len(rows) > limit else None


def after(cursor: str | None) -> sa.ColumnElement[bool]:
    """The condition that a message comes after a page; `newest_first` says what is raised."""
    if not cursor:
        return sa.true()
    try:
        return messages.c.message_id < str(UUID(cursor))
    except ValueError:
        raise invalid("cursor", INVALID, "not a cursor of this list; leave it out to start at the beginning") from None
