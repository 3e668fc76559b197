"""`Idempotency-Key`: a program that does not know whether its POST arrived sends it again, and it happens once.

The answer is kept for a day with a digest of the request. Leads have their own way: their id comes from the key, so
that a repeat is the same lead even while the gateway's database is away.
"""

import hashlib
from collections.abc import Callable
from datetime import timedelta

import sqlalchemy as sa
from flask import Response, request

from contracts import errors
from gateway.api.problem import problem
from gateway.store import idempotency
from runtime.clock import utc_now
from runtime.database import Database
from runtime.transaction import Transaction

KEPT = timedelta(days=1)
UNDER_WAY = timedelta(minutes=2)
"""A request that began longer ago has died with its process: the next one with its key may try."""

LONGEST_KEY = 200
LONGEST_ANSWER = 64 * 1024


def once(database: Database, who: str, view: Callable[[], Response]) -> Response:
    """What `view` answers, or answered when the same request came before.

    who: the holder of the API key: keys of different holders do not meet.
    """
    key = request.headers.get("Idempotency-Key", "").strip()
    if not key:
        return view()
    if len(key) > LONGEST_KEY:
        return problem(400, errors.INVALID, f"An Idempotency-Key has at most {LONGEST_KEY} characters.")
    digest = hashlib.sha256("\0".join((who, request.method, request.path, key)).encode()).hexdigest()
    body = hashlib.sha256(request.get_data()).hexdigest()
    before = database.transact(_claim, digest, body)
    if before is not None:
        return before
    try:
        response = view()
    except BaseException:
        # What it did is not known here; its own rules (versions, unique keys) decide about the repeat.
        database.transact(_forget, digest)
        raise
    if response.status_code >= 500 or response.calculate_content_length() is None:
        database.transact(_forget, digest)
    else:
        database.transact(_keep, digest, response)
    return response


def _claim(transaction: Transaction, digest: str, body: str) -> Response | None:
    now = utc_now()
    connection = transaction.connection
    begun = idempotency.c.created_at
    connection.execute(sa.delete(idempotency).where((begun < now - KEPT) | (begun > now + KEPT)))
    connection.execute(
        sa.delete(idempotency).where(
            idempotency.c.digest == digest,
            idempotency.c.status == 0,
            # One that is yet to begin comes from a clock that was wrong.
            ~begun.between(now - UNDER_WAY, now + UNDER_WAY),
        )
    )
    row = {"digest": digest, "body": body, "status": 0, "answer": b"", "location": "", "created_at": now}
    claim = transaction.insert(idempotency).on_conflict_do_nothing().returning(idempotency.c.digest)
    if connection.execute(claim, row).first() is not None:
        return None
    known = connection.execute(sa.select(idempotency).where(idempotency.c.digest == digest)).one()
    if known.body != body:
        return problem(409, errors.CONFLICT, "This Idempotency-Key came before with another body.")
    if not known.status:
        detail = "The same request is under way. Ask again in a moment."
        return problem(409, "under_way", detail, headers={"Retry-After": "1"})
    headers = {"Idempotent-Replayed": "true"} | ({"Location": known.location} if known.location else {})
    return Response(known.answer, known.status, mimetype="application/json", headers=headers)


def _keep(transaction: Transaction, digest: str, response: Response) -> None:
    answer = response.get_data()
    if len(answer) > LONGEST_ANSWER:
        return _forget(transaction, digest)
    values = {"status": response.status_code, "answer": answer, "location": response.headers.get("Location", "")}
    transaction.connection.execute(sa.update(idempotency).where(idempotency.c.digest == digest).values(values))
    return None


def _forget(transaction: Transaction, digest: str) -> None:
    transaction.connection.execute(sa.delete(idempotency).where(idempotency.c.digest == digest))
