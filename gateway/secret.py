"""The installation's secret: what cookies and links are signed with."""

import secrets

import sqlalchemy as sa

from gateway import store
from runtime.clock import utc_now
from runtime.database import Database
from runtime.transaction import Transaction

BYTES = 32


def secret(database: Database) -> bytes:
    """The secret, the same for every process that shares the gateway's database; made at the first call."""
    with database.read() as connection:
        known = connection.execute(sa.select(store.secret.c.value)).scalar()
    return bytes(known) if known is not None else bytes(database.transact(_make))


def _make(transaction: Transaction) -> bytes:
    # Whoever comes second finds the row of the first: there is one id only.
    row = {"id": 1, "value": secrets.token_bytes(BYTES), "created_at": utc_now()}
    transaction.connection.execute(transaction.insert(store.secret).on_conflict_do_nothing(), row)
    return bytes(transaction.connection.execute(sa.select(store.secret.c.value)).scalar_one())
