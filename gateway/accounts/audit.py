"""The trail of who changed what."""

from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from gateway.store import audit
from runtime.clock import utc_now
from runtime.ids import new_id
from runtime.paging import page
from runtime.transaction import Transaction

_FIELDS = ("id", "at", "account_id", "name", "what", "subject", "detail")


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


def trail(
    connection: Connection, cursor: str | None = None, limit: int = 50, account_id: str | None = None
) -> dict[str, Any]:
    """What was done, newest first; by one person, or with an empty `account_id` by nobody who signs in: keys of the
    API and the command line."""
    select = sa.select(audit)
    if account_id is not None:
        select = select.where(audit.c.account_id == account_id if account_id else audit.c.account_id.is_(None))
    rows, following = page(connection, select, audit.c.at, audit.c.id, cursor, limit)
    return {"items": [{name: row._mapping[name] for name in _FIELDS} for row in rows], "next": following}
