"""The trail of who changed what."""

from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from gateway.store import audit
from runtime.clock import utc_now
from runtime.ids import new_id
from runtime.paging import page
from runtime.transaction import Transaction


def note(
    transaction: Transaction,
    account_id: str,
    name: str,
    what: str,
    subject: str = "",
    detail: dict[str, Any] | None = None,
) -> None:
    """Keeps that somebody did something. what: in a few English words; subject: the id of what it was done to; detail:
    never a password, key or text about a person."""
    row = {
        "id": new_id(),
        "at": utc_now(),
        "account_id": account_id or None,
        "name": name,
        "what": what,
        "subject": subject,
        "detail": detail or {},
    }
    transaction.connection.execute(sa.insert(audit), row)


def trail(connection: Connection, cursor: str | None = None, limit: int = 50) -> dict[str, Any]:
    """What was done, newest first."""
    rows, following = page(connection, sa.select(audit), audit.c.at, audit.c.id, cursor, limit)
    return {"items": [dict(row._mapping) for row in rows], "next": following}
