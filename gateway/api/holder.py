"""Who uses the API: a program with a key, or somebody with the session that they have on the pages."""

from urllib.parse import urlsplit

from flask import Response, request

from contracts.access import ADMINS
from gateway.accounts import sessions
from gateway.accounts.sessions import COOKIE
from gateway.api.problem import problem
from gateway.keys import Holder
from gateway.parts import parts
from runtime.clock import utc_now

_SAFE = ("GET", "HEAD", "OPTIONS")


def holder() -> Holder | Response:
    """Who makes the request in hand, or what they are told when that is not known.

    Raises:
        Unavailable: the database is away.
    """
    found: Holder | None
    if given := request.headers.get("Authorization", ""):
        scheme, _, key = given.partition(" ")
        found = parts().keyring.holder(key.strip()) if scheme.lower() == "bearer" else None
    else:
        found = _signed_in(request.cookies.get(COOKIE, ""))
        if found is not None and request.method not in _SAFE and not _is_from_here():
            return problem(403, "forbidden", "With a session, changes come from pages of this address only.")
    return found or problem(
        401,
        "unauthorized",
        "Send a valid key: Authorization: Bearer <key>.",
        headers={"WWW-Authenticate": 'Bearer realm="rodizio"'},
    )


def _signed_in(token: str) -> Holder | None:
    """Somebody who signed in may do what their role may, all of it."""
    if not token:
        return None
    database = parts().database
    with database.read() as connection:
        found = sessions.find(connection, token, utc_now())
    if found is None:
        return None
    session_id, account, is_due = found
    if is_due:
        database.transact(sessions.notice, session_id)
    scopes = {"read", "write"} | ({"admin"} if account.role in ADMINS else set())
    return Holder(account.id, account.actor, frozenset(scopes), account.id)


def _is_from_here() -> bool:
    """Whether no other site can have made the browser send this: browsers say whose page asks, and pages cannot."""
    if site := request.headers.get("Sec-Fetch-Site"):
        return site == "same-origin"
    return urlsplit(request.headers.get("Origin", "")).netloc == request.host
