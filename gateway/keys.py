"""Keys of the REST API: `python -m gateway.keys issue NAME` prints a new one, `revoke NAME` ends them.

A key is shown once; the database has its SHA-256 only. The key is random and long, so a fast digest is enough.
"""

import hashlib
import logging
import secrets
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

import sqlalchemy as sa
from sqlalchemy.engine import RowMapping

from contracts.access import ADMINS, ROLES, Actor, Role
from contracts.errors import INVALID, NOT_ALLOWED, REQUIRED, TOO_LONG
from gateway import store
from runtime.clock import utc_now
from runtime.database import Database, open_database
from runtime.errors import FieldError, Invalid, NotFound, Unavailable
from runtime.ids import new_id
from runtime.settings import Settings
from runtime.transaction import Transaction

log = logging.getLogger(__name__)

PREFIX = "rdz_"
NAME = 100
"""Longest name of a key."""

NOTICE_EVERY = timedelta(minutes=5)
"""How exactly it is known when a key was last used."""

REMEMBER_SECONDS = 5.0
"""How long a revoked key may go on working in a process that has just seen it."""

MAX_REMEMBERED = 1000


SCOPES = ("submit", "read", "write", "admin")
"""What a key may do: hand in leads; read; change; manage accounts and keys."""


@dataclass(frozen=True, slots=True)
class Holder:
    """Whoever uses a key. id: the key's, for what is counted or kept of it. account_id: whose key it is; empty: made on
    the command line. Who comes with a session of their own instead is their account's holder."""

    id: str
    actor: Actor
    scopes: frozenset[str]
    account_id: str = ""


def issue(
    transaction: Transaction, name: str, scopes: Sequence[str] = ("read", "write", "admin"), role: Role = "admin"
) -> str:
    """Makes a key called `name` and returns it; it cannot be shown again."""
    return make(transaction, name, scopes, role)[1]


def make(
    transaction: Transaction,
    name: str,
    scopes: Sequence[str],
    role: Role,
    seller_id: str | None = None,
    team_ids: Sequence[str] = (),
    account_id: str = "",
) -> tuple[str, str]:
    """Makes a key called `name`; returns its id, and the key, which cannot be shown again.

    seller_id: whose key it is, when its role is seller. team_ids: what a supervisor's key sees. account_id: who makes
        it; empty: the command line.

    Raises:
        Invalid: naming the fields.
    """
    if problems := [*_problems(name, scopes, role), *_problems_of_sight(role, seller_id, team_ids)]:
        raise Invalid(problems)
    identifier, key = new_id(), PREFIX + secrets.token_urlsafe(32)
    row = {
        "id": identifier,
        "name": name.strip(),
        "digest": digest_of(key),
        "role": role,
        "scopes": sorted(set(scopes), key=SCOPES.index),
        "seller_id": seller_id or None,
        "team_ids": sorted(set(team_ids)),
        "account_id": account_id or None,
    }
    store.add_api_key(transaction, row)
    return identifier, key


def _problems(name: str, scopes: Sequence[str], role: str) -> Iterator[FieldError]:
    if not name.strip():
        yield FieldError(field="name", code=REQUIRED, message="must be filled")
    elif len(name.strip()) > NAME:
        yield FieldError(field="name", code=TOO_LONG, message=f"at most {NAME} characters")
    elif not name.isprintable():
        yield FieldError(field="name", code=INVALID, message="line breaks and control characters are not allowed")
    if not scopes or set(scopes) - set(SCOPES):
        yield FieldError(field="scopes", code=INVALID, message=f"at least one of {', '.join(SCOPES)}")
    if role not in ROLES:
        yield FieldError(field="role", code=INVALID, message=f"one of {', '.join(ROLES)}")
    elif role not in ADMINS and "admin" in scopes:
        yield FieldError(field="scopes", code=NOT_ALLOWED, message="only a key of an administrator may administer")


def _problems_of_sight(role: str, seller_id: str | None, team_ids: Sequence[str]) -> Iterator[FieldError]:
    """A key sees one seller's leads, or those of teams, or everything: which of these, its role says."""
    for field, named, needed_by in (("seller_id", seller_id, "seller"), ("team_ids", team_ids, "supervisor")):
        if role == needed_by and not named:
            yield FieldError(field=field, code=REQUIRED, message=f"a key of a {needed_by} sees nothing without")
        elif named and role != needed_by:
            yield FieldError(field=field, code=NOT_ALLOWED, message=f"for a key of a {needed_by} only")


def revoke(transaction: Transaction, name: str) -> int:
    """Ends every key called `name`; returns how many there were."""
    return store.revoke_api_keys(transaction, name, utc_now())


def revoke_one(transaction: Transaction, key_id: str) -> None:
    """Ends one key.

    Raises:
        NotFound: there is none, or it has ended.
    """
    if not store.revoke_api_key(transaction, key_id, utc_now()):
        raise NotFound("key", key_id)


def end_what_is_beyond(
    transaction: Transaction, account_id: str, role: Role | None, seller_ids: tuple[str, str]
) -> list[str]:
    """Ends the keys that an account made and that may do more than it may itself now, and those of a seller it is no
    longer. role: what it is now; None when it was closed. seller_ids: whose it was, and is now.

    Returns: the ids of the keys that have ended.
    """
    before, now = seller_ids
    ended = []
    for key in store.living_keys_of(transaction.connection, account_id, before if before != now else ""):
        is_theirs = key["account_id"] == account_id
        if not is_theirs or key["role"] not in _GIVES[role]:
            store.revoke_api_key(transaction, key["id"], utc_now())
            ended.append(key["id"])
    return ended


_GIVES: Mapping[Role | None, tuple[Role, ...]] = {
    "admin": ROLES,
    "manager": tuple(role for role in ROLES if role not in ADMINS),
    "supervisor": (),
    "seller": (),
    None: (),
}
"""The roles of keys that stay when whoever made them has a role: only who sees everything gave away nothing more."""


def digest_of(key: str) -> str:
    """What the database knows of a key."""
    return hashlib.sha256(key.encode()).hexdigest()


class Keyring:
    """Checks keys, asking the database only now and then."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._seen: dict[str, tuple[Holder | None, float]] = {}
        self._lock = threading.Lock()

    def holder(self, key: str) -> Holder | None:
        """Who uses the key; None when it is not one of ours.

        Raises:
            Unavailable: the database is away.
        """
        digest = digest_of(key)
        known, known_until = self._seen.get(digest, (None, 0.0))
        if known_until > time.monotonic():
            return known
        try:
            with self._database.read() as connection:
                row = store.api_key_of(connection, digest)
        except sa.exc.SQLAlchemyError as error:
            raise Unavailable("the gateway's database does not answer") from error
        with self._lock:
            if row is None:
                self._seen.pop(digest, None)
                return None
            if len(self._seen) >= MAX_REMEMBERED:
                self._seen.clear()
            actor = Actor(
                role=row["role"], name=row["name"], seller_id=row["seller_id"] or "", team_ids=tuple(row["team_ids"])
            )
            holder = Holder(row["id"], actor, frozenset(row["scopes"]), row["account_id"] or "")
            self._seen[digest] = (holder, time.monotonic() + REMEMBER_SECONDS)
        self._notice(row)
        return holder

    def _notice(self, row: RowMapping) -> None:
        now = utc_now()
        if row["used_at"] is not None and abs(now - row["used_at"]) < NOTICE_EVERY:
            return
        try:
            self._database.transact(store.use_api_key, row["id"], now)
        except sa.exc.SQLAlchemyError:
            log.warning("when key %s was used could not be kept", row["id"], exc_info=True)


def main(arguments: list[str]) -> None:
    """The command line."""
    if len(arguments) != 2 or arguments[0] not in ("issue", "revoke"):
        raise SystemExit("usage: python -m gateway.keys {issue|revoke} NAME")
    action, name = arguments
    database = open_database("gateway", Settings.load())
    print(database.transact(issue if action == "issue" else revoke, name))
    database.close()


if __name__ == "__main__":
    main(sys.argv[1:])
