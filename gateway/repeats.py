"""What is sent twice happens once: who comes first claims its name in the gateway's database, and leaves its answer.

What is not known to have failed stays claimed: better a question to whoever sent it than a second seller.
"""

import hashlib
import logging
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Literal, NamedTuple

import sqlalchemy as sa
from flask import Response
from werkzeug.exceptions import HTTPException

from gateway.store import REPEAT_LOCATION, REPEAT_UNKNOWN, idempotency
from runtime.clock import utc_now
from runtime.database import Database
from runtime.errors import RuntimeRefusal, TimedOut, Unavailable
from runtime.transaction import Transaction

log = logging.getLogger(__name__)

KEPT = timedelta(days=1)
UNDER_WAY = timedelta(minutes=2)
"""A request that began longer ago has died with its process; what it did is not known."""

LONGEST_ANSWER = 64 * 1024


class Before(NamedTuple):
    """What became of the first: "answered", "under_way", "unknown" (it may have been done); or "other": what was sent
    differs."""

    state: Literal["answered", "under_way", "unknown", "other"]
    status: int = 0
    answer: bytes = b""
    location: str = ""


def once(database: Database, name: Sequence[str], body: bytes, do: Callable[[], Response]) -> Response | Before:
    """What `do` answers; or what is known of the request that came before.

    name: whose it is, what for, and the key made up by whoever sends it. body: what is sent; with the same name it must
    be the same.
    """
    digest = hashlib.sha256("\0".join(name).encode()).hexdigest()
    before = database.transact(_claim, digest, hashlib.sha256(body).hexdigest())
    if before is not None:
        return before
    try:
        response = do()
    except BaseException as error:
        _settle(database, _forget if _did_nothing(error) else _doubt, digest)
        raise
    if response.status_code >= 400:
        _settle(database, _forget if response.status_code < 500 or response.status_code == 503 else _doubt, digest)
    elif _can_be_kept(response):
        _settle(database, _keep, digest, response)
    else:
        _settle(database, _doubt, digest)
    return response


def _did_nothing(error: BaseException) -> bool:
    """Whether it surely had no effect."""
    if isinstance(error, HTTPException):
        return (error.code or 500) < 500
    return isinstance(error, RuntimeRefusal | Unavailable) and not isinstance(error, TimedOut)


def _can_be_kept(response: Response) -> bool:
    """Redirects and documents; not pages, some of which show a password."""
    if len(response.location or "") > REPEAT_LOCATION or response.calculate_content_length() is None:
        return False
    is_page = response.status_code < 300 and response.mimetype == "text/html" and bool(response.get_data())
    return not is_page and len(response.get_data()) <= LONGEST_ANSWER


def _settle(database: Database, how: Callable[..., None], *arguments: object) -> None:
    try:
        database.transact(how, *arguments)
    except sa.exc.SQLAlchemyError:
        # Whoever sent it hears what became of it all the same. A repeat is told that it may have been done.
        log.exception("what became of a request that may be repeated could not be kept")


def _claim(transaction: Transaction, digest: str, body: str) -> Before | None:
    now = utc_now()
    connection = transaction.connection
    begun = idempotency.c.created_at
    # What is yet to begin comes from a clock that was wrong.
    connection.execute(sa.delete(idempotency).where((begun < now - KEPT) | (begun > now + KEPT)))
    row = {"digest": digest, "body": body, "status": 0, "answer": b"", "location": "", "created_at": now}
    claim = transaction.insert(idempotency).on_conflict_do_nothing().returning(idempotency.c.digest)
    if connection.execute(claim, row).first() is not None:
        return None
    known = connection.execute(sa.select(idempotency).where(idempotency.c.digest == digest)).one()
    if known.body != body:
        return Before("other")
    if not known.status and abs(now - known.created_at) < UNDER_WAY:
        return Before("under_way")
    if known.status in (0, REPEAT_UNKNOWN):
        return Before("unknown")
    return Before("answered", known.status, known.answer, known.location)


def _keep(transaction: Transaction, digest: str, response: Response) -> None:
    values = {"status": response.status_code, "answer": response.get_data(), "location": response.location or ""}
    transaction.connection.execute(sa.update(idempotency).where(idempotency.c.digest == digest).values(values))


def _doubt(transaction: Transaction, digest: str) -> None:
    unknown = sa.update(idempotency).where(idempotency.c.digest == digest).values(status=REPEAT_UNKNOWN)
    transaction.connection.execute(unknown)


def _forget(transaction: Transaction, digest: str) -> None:
    transaction.connection.execute(sa.delete(idempotency).where(idempotency.c.digest == digest))
