"""Sessions: a random token in a cookie, its SHA-256 in the database, so that each can be ended at once."""

import hashlib
import secrets
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from gateway.accounts.people import Account, from_row
from gateway.store import account, session
from runtime.clock import utc_now
from runtime.ids import new_id
from runtime.transaction import Transaction

COOKIE = "rodizio_session"
"""Where a browser keeps the token."""

LASTS = timedelta(days=30)
"""A session ends then, however much it is used."""

IDLE = timedelta(days=7)
"""A session that nobody used for this long has ended."""

KEPT = timedelta(days=30)
"""So long a session that ran out can still be looked up: from where, with which device, until when."""

NOTICE_EVERY = timedelta(minutes=5)
"""How exactly it is known when a session was last used: a write for every page would be too much."""


def begin(transaction: Transaction, account_id: str, address: str, device: str) -> str:
    """Begins a session and returns its token, which is not kept. Drops those that ran out long ago."""
    token = secrets.token_urlsafe(32)
    now = utc_now()
    transaction.connection.execute(sa.delete(session).where(session.c.expires_at < now - KEPT))
    row = {
        "digest": _digest(token),
        "id": new_id(),
        "account_id": account_id,
        "created_at": now,
        "seen_at": now,
        "expires_at": now + LASTS,
        "address": address[:64],
        "device": device[:200],
    }
    transaction.connection.execute(sa.insert(session), row)
    transaction.connection.execute(sa.update(account).where(account.c.id == account_id).values(signed_in_at=now))
    return token


def find(connection: Connection, token: str, now: datetime) -> tuple[str, Account, bool] | None:
    """The session of a token: its id, whose it is, and whether `notice` is due. None when it never was or has ended."""
    row = (
        connection.execute(
            sa.select(account, session.c.id.label("session_id"), session.c.seen_at)
            .join(account, account.c.id == session.c.account_id)
            .where(
                session.c.digest == _digest(token),
                session.c.revoked_at.is_(None),
                session.c.expires_at > now,
                session.c.seen_at > now - IDLE,
                account.c.active.is_(True),
            )
        )
        .mappings()
        .first()
    )
    if row is None:
        return None
    # A time in the future comes from a clock that was wrong: it is set right.
    return row["session_id"], from_row(row), abs(now - row["seen_at"]) > NOTICE_EVERY


def notice(transaction: Transaction, session_id: str) -> None:
    """Keeps that a session is in use."""
    transaction.connection.execute(sa.update(session).where(session.c.id == session_id).values(seen_at=utc_now()))


def end(transaction: Transaction, session_id: str, account_id: str) -> None:
    """Ends one session of an account."""
    transaction.connection.execute(
        sa.update(session)
        .where(session.c.id == session_id, session.c.account_id == account_id, session.c.revoked_at.is_(None))
        .values(revoked_at=utc_now())
    )


def end_all(transaction: Transaction, account_id: str, but: str = "") -> None:
    """Ends every session of an account but one."""
    others = sa.true() if not but else session.c.id != but
    transaction.connection.execute(
        sa.update(session)
        .where(session.c.account_id == account_id, others, session.c.revoked_at.is_(None))
        .values(revoked_at=utc_now())
    )


def of_account(connection: Connection, account_id: str) -> list[dict[str, Any]]:
    """Sessions that have not ended, the last used first."""
    now = utc_now()
    rows = connection.execute(
        sa.select(session.c.id, session.c.created_at, session.c.seen_at, session.c.address, session.c.device)
        .where(
            session.c.account_id == account_id,
            session.c.revoked_at.is_(None),
            session.c.expires_at > now,
            session.c.seen_at > now - IDLE,
        )
        .order_by(session.c.seen_at.desc())
        .limit(50)
    )
    return [dict(row._mapping) for row in rows]


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
