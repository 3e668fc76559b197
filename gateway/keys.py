"""Keys of the REST API: `python -m gateway.keys issue NAME` prints a new one, `revoke NAME` ends them.

A key is shown once; the database has its SHA-256 only. The key is random and long, so a fast digest is enough.
"""

import hashlib
import secrets
import sys
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from contracts.access import Actor, Role
from gateway import store
from runtime.clock import utc_now
from runtime.database import Database, open_database
from runtime.errors import Unavailable
from runtime.ids import new_id
from runtime.settings import Settings
from runtime.transaction import Transaction

PREFIX = "rdz_"
REMEMBER_SECONDS = 5.0
"""How long a revoked key may go on working in a process that has just seen it."""

MAX_REMEMBERED = 1000


SCOPES = ("submit", "read", "write", "admin")
"""What a key may do: hand in leads; read; change; manage accounts and keys."""


@dataclass(frozen=True, slots=True)
class Holder:
    """Whoever uses a key."""

    actor: Actor
    scopes: frozenset[str]


def issue(
    transaction: Transaction, name: str, scopes: Sequence[str] = ("read", "write", "admin"), role: Role = "admin"
) -> str:
    """Makes a key called `name` and returns it; it cannot be shown again."""
    key = PREFIX + secrets.token_urlsafe(32)
    store.add_api_key(transaction, new_id(), name, digest_of(key), role, scopes)
    return key


def revoke(transaction: Transaction, name: str) -> int:
    """Ends every key called `name`; returns how many there were."""
    return store.revoke_api_keys(transaction, name, utc_now())


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
            holder = Holder(Actor(role=row["role"], name=row["name"]), frozenset(row["scopes"]))
            self._seen[digest] = (holder, time.monotonic() + REMEMBER_SECONDS)
        return holder


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
