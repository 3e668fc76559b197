"""The gateway's own database: what it must know to take a lead while every service is away."""

from datetime import datetime
from typing import Any

import msgspec
import sqlalchemy as sa
from sqlalchemy.engine import Connection, RowMapping

from contracts.capture import FormChanged
from gateway.accounts.tables import add_account_tables
from runtime.clock import utc_now
from runtime.columns import Id, Json, Utc
from runtime.database import Database
from runtime.tables import add_bus_tables, outbox
from runtime.transaction import Transaction
from runtime.wire import Outgoing

metadata = sa.MetaData()
add_bus_tables(metadata)

form = sa.Table(
    "form",
    metadata,
    sa.Column("id", Id, primary_key=True),
    # Not unique: a key may move from one form to another, and the two changes may arrive in either order.
    sa.Column("key", sa.String(100), nullable=False, index=True),
    sa.Column("active", sa.Boolean, nullable=False),
    sa.Column("version", sa.Integer, nullable=False),
    sa.Column("state", Json, nullable=False),
    sa.Column("changed_at", Utc, nullable=False),
)
"""Copies of capture's forms; `state` is the whole FormChanged."""

api_key = sa.Table(
    "api_key",
    metadata,
    sa.Column("id", Id, primary_key=True),
    sa.Column("name", sa.String(100), nullable=False),
    sa.Column("digest", sa.String(64), nullable=False, unique=True),
    sa.Column("created_at", Utc, nullable=False),
    sa.Column("revoked_at", Utc),
    sa.Column("role", sa.String(12), nullable=False, server_default="admin"),
    sa.Column("scopes", Json, nullable=False, server_default='["read", "write", "admin"]'),
    sa.Column("used_at", Utc),
    sa.Column("seller_id", Id),
    sa.Column("team_ids", Json, nullable=False, server_default="[]"),
    sa.Column("account_id", Id, index=True),
)
"""Keys of the API; the key itself is not kept, `digest` is its SHA-256 in hexadecimal. account_id: whose key it is, who
made it; null: made on the command line."""

secret = sa.Table(
    "secret",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("value", sa.LargeBinary, nullable=False),
    sa.Column("created_at", Utc, nullable=False),
)
"""One row: see `gateway.secret`."""

REPEAT_LOCATION = 300
"""Longest address that is kept of an answer."""

REPEAT_UNKNOWN = 1
"""In place of a status: it may have been done, and there is no answer to give."""

idempotency = sa.Table(
    "idempotency",
    metadata,
    sa.Column("digest", sa.String(64), primary_key=True),
    sa.Column("body", sa.String(64), nullable=False),
    sa.Column("status", sa.Integer, nullable=False),
    sa.Column("answer", sa.LargeBinary, nullable=False),
    sa.Column("location", sa.String(REPEAT_LOCATION), nullable=False),
    sa.Column("created_at", Utc, nullable=False, index=True),
)
"""Requests that came with a key of their own, and their answers: see `gateway.repeats`. Status 0 while one is under
way."""

account, session, audit = add_account_tables(metadata)

VIEW_NAME = 60
"""Longest name of a view, in characters."""

saved_view = sa.Table(
    "saved_view",
    metadata,
    sa.Column("id", Id, primary_key=True),
    sa.Column("account_id", Id, sa.ForeignKey("account.id"), nullable=False),
    sa.Column("name", sa.String(VIEW_NAME), nullable=False),
    sa.Column("filters", Json, nullable=False),
    sa.Column("is_default", sa.Boolean, nullable=False),
    sa.Column("created_at", Utc, nullable=False),
    sa.Column("of_list", sa.String(20), nullable=False, server_default="leads"),
    sa.UniqueConstraint("account_id", "of_list", "name", name="saved_view_name"),
)
"""Filters of the list of leads or of contacts that somebody gave a name: see `gateway.saved_views`."""


def apply_forms(transaction: Transaction, states: list[FormChanged]) -> None:
    """Takes over the states of forms; an older version than the one known changes nothing."""
    newest: dict[str, FormChanged] = {}
    for state in states:
        known = newest.get(state.form_id)
        if known is None or known.subject_version < state.subject_version:
            newest[state.form_id] = state
    if not newest:
        return
    insert = transaction.insert(form)
    fresh = insert.excluded
    upsert = insert.on_conflict_do_update(
        index_elements=[form.c.id],
        set_={name: fresh[name] for name in ("key", "active", "version", "state", "changed_at")},
        where=fresh.version > form.c.version,
    )
    # In the order of their ids, so that two writers cannot wait for each other; and only because it returns something
    # does SQLAlchemy send all rows together and not one by one.
    rows = [_form_row(state) for _, state in sorted(newest.items())]
    transaction.connection.execute(upsert.returning(form.c.id), rows)


def _form_row(state: FormChanged) -> dict[str, Any]:
    return {
        "id": state.form_id,
        "key": state.key,
        "active": state.active,
        "version": state.subject_version,
        "state": msgspec.to_builtins(state),
        "changed_at": utc_now(),
    }


def form_by_key(connection: Connection, key: str) -> FormChanged | None:
    """The form that answers to `key`, an active one if there is one."""
    found = connection.execute(
        sa.select(form.c.state)
        .where(form.c.key == key)
        .order_by(form.c.active.desc(), form.c.changed_at.desc())
        .limit(1)
    ).scalar()
    return None if found is None else msgspec.convert(found, FormChanged)


def forms_by_name(connection: Connection, limit: int = 500) -> list[RowMapping]:
    """Id, name and source of forms, those that were switched off too, in the order of their names."""
    name = form.c.state["name"].as_string().label("name")
    select = sa.select(form.c.id, name, form.c.state["source"].as_string().label("source"))
    return list(connection.execute(select.order_by(name, form.c.id).limit(limit)).mappings())


def hold(transaction: Transaction, messages: list[Outgoing]) -> None:
    """Keeps messages that the broker did not take: the outbox is swept by the projection's process, due at once."""
    due_at = utc_now()
    insert = transaction.insert(outbox).on_conflict_do_nothing(index_elements=[outbox.c.id])
    transaction.connection.execute(
        insert.returning(outbox.c.id),  # as above: so that they go together
        [
            {
                "id": message.id,
                "exchange": message.exchange,
                "routing_key": message.routing_key,
                "lane": message.lane,
                "body": message.body,
                "due_at": due_at,
            }
            for message in messages
        ],
    )


def held(connection: Connection) -> int:
    """How many messages wait for the broker."""
    return connection.execute(sa.select(sa.func.count()).select_from(outbox)).scalar_one()


_KEY_SHOWN = (
    *(api_key.c.id, api_key.c.name, api_key.c.role, api_key.c.seller_id, api_key.c.team_ids, api_key.c.scopes),
    *(api_key.c.created_at, api_key.c.used_at, api_key.c.account_id),
)


def add_api_key(transaction: Transaction, row: dict[str, Any]) -> None:
    """Adds a key, known by its digest."""
    transaction.connection.execute(sa.insert(api_key).values(row | {"created_at": utc_now()}))


def api_key_of(connection: Connection, digest: str) -> RowMapping | None:
    """The key with `digest`; None when there is none or it is revoked."""
    select = sa.select(*_KEY_SHOWN).where(api_key.c.digest == digest, api_key.c.revoked_at.is_(None))
    return connection.execute(select).mappings().first()


def list_api_keys(connection: Connection) -> list[dict[str, Any]]:
    """Keys that are not revoked, newest first."""
    rows = connection.execute(
        sa.select(*_KEY_SHOWN).where(api_key.c.revoked_at.is_(None)).order_by(api_key.c.created_at.desc()).limit(500)
    )
    return [dict(row._mapping) for row in rows]


def use_api_key(transaction: Transaction, identifier: str, at: datetime) -> None:
    """Keeps that a key is in use."""
    transaction.connection.execute(sa.update(api_key).where(api_key.c.id == identifier).values(used_at=at))


def revoke_api_key(transaction: Transaction, identifier: str, at: datetime) -> bool:
    """Ends one key; tells whether there was one that had not ended."""
    ended = transaction.connection.execute(
        sa.update(api_key).where(api_key.c.id == identifier, api_key.c.revoked_at.is_(None)).values(revoked_at=at)
    )
    return ended.rowcount == 1


def living_keys_of(connection: Connection, account_id: str, seller_id: str) -> list[RowMapping]:
    """Keys that an account made, and those of its seller, as far as they have not ended."""
    theirs = api_key.c.account_id == account_id
    if seller_id:
        theirs |= api_key.c.seller_id == seller_id
    return list(connection.execute(sa.select(*_KEY_SHOWN).where(theirs, api_key.c.revoked_at.is_(None))).mappings())


def revoke_api_keys(transaction: Transaction, name: str, at: datetime) -> int:
    """Ends all keys of that name; returns how many there were."""
    ended = transaction.connection.execute(
        sa.update(api_key).where(api_key.c.name == name, api_key.c.revoked_at.is_(None)).values(revoked_at=at)
    )
    return ended.rowcount


def can_read(database: Database) -> bool:
    """Whether the database answers."""
    try:
        with database.read() as connection:
            connection.execute(sa.select(sa.literal(1))).scalar()
    except sa.exc.SQLAlchemyError:
        return False
    return True
