"""The named queries of what providers tell of messages, and of addresses to which nothing may be sent."""

import secrets as random_bytes
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from runtime.ids import new_id
from runtime.paging import page
from runtime.transaction import Transaction
from services.notifications.tables import DIRECT, messages, provider_events, secrets, suppressions

_HOLDS = suppressions.c.lifted_by.is_(None)


def is_suppressed(connection: Connection, channel: str, address: str) -> bool:
    """Whether nothing may be sent to an address, spelled as `domain/addresses.py` does."""
    select = sa.select(suppressions.c.suppression_id).where(
        suppressions.c.channel == channel, suppressions.c.address == address, _HOLDS
    )
    return connection.execute(select).one_or_none() is not None


def decide(tx: Transaction, decisions: Iterable[Mapping[str, Any]]) -> None:
    """Suppresses or lifts addresses, one decision each; one older than what is known changes nothing.

    decisions: `{"channel", "address", "reason", "at", "lifted_by"}`, in the order of channel and address.
    """
    rows = [
        {"suppression_id": new_id(), "channel": one["channel"], "address": one["address"], "reason": one["reason"],
         "since": one["at"], "decided_at": one["at"], "lifted_by": one["lifted_by"]}
        for one in decisions
    ]  # fmt: skip
    if not rows:
        return
    insert = tx.insert(suppressions)
    upsert = insert.on_conflict_do_update(
        index_elements=[suppressions.c.channel, suppressions.c.address],
        set_={name: insert.excluded[name] for name in ("reason", "since", "decided_at", "lifted_by")},
        where=suppressions.c.decided_at < insert.excluded.decided_at,
    )
    tx.connection.execute(upsert.returning(suppressions.c.suppression_id), rows)


def suppressions_page(connection: Connection, q: str, cursor: str | None, limit: int) -> tuple[list[Any], str | None]:
    """Addresses to which nothing may be sent and that hold `q`, the latest first."""
    select = sa.select(suppressions).where(_HOLDS)
    if q:
        select = select.where(suppressions.c.address.contains(q, autoescape=True))
    return page(connection, select, suppressions.c.since, suppressions.c.suppression_id, cursor, limit)


def lift(tx: Transaction, suppression_id: str, by: str, now: datetime) -> Any | None:
    """Lets messages go to an address again; returns the row, or None when nothing was in their way."""
    update = (
        sa.update(suppressions)
        .where(suppressions.c.suppression_id == suppression_id, _HOLDS)
        .values(lifted_by=by, decided_at=now)
        .returning(suppressions)
    )
    return tx.connection.execute(update).one_or_none()


def message_ids_of(connection: Connection, provider_ids: Collection[str]) -> dict[str, str]:
    """Messages by the provider's ids of them."""
    if not provider_ids:
        return {}
    select = sa.select(messages.c.provider_id, messages.c.message_id).where(
        messages.c.provider_id.in_(provider_ids), messages.c.provider_id != sa.literal_column("''")
    )
    return {row.provider_id: row.message_id for row in connection.execute(select)}


def last_sms_to(connection: Connection, addresses: Collection[str]) -> dict[str, str]:
    """The newest SMS sent to each of these numbers: what a reply most likely answers."""
    if not addresses:
        return {}
    newest = (
        sa.select(messages.c.address, sa.func.max(sa.cast(messages.c.message_id, sa.String(36))).label("message_id"))
        .where(DIRECT, messages.c.channel == "sms", messages.c.address.in_(addresses))
        .group_by(messages.c.address)
    )
    return {row.address: row.message_id for row in connection.execute(newest)}


def hold_messages(tx: Transaction, message_ids: Collection[str]) -> dict[str, Any]:
    """Messages by id, held until the transaction ends."""
    if not message_ids:
        return {}
    select = sa.select(messages).where(messages.c.message_id.in_(message_ids)).order_by(messages.c.message_id)
    return {row.message_id: row for row in tx.connection.execute(select.with_for_update())}


def add_events(tx: Transaction, rows: Sequence[Mapping[str, Any]]) -> set[tuple[str, str]]:
    """Writes what providers told, leaves out what they told before, and returns the keys of what is new."""
    if not rows:
        return set()
    insert = tx.insert(provider_events).on_conflict_do_nothing()
    insert = insert.returning(provider_events.c.provider, provider_events.c.event_id)
    return {(row.provider, row.event_id) for row in tx.connection.execute(insert, list(rows))}


def write_states(tx: Transaction, changes: Mapping[str, Mapping[str, Any]]) -> list[Any]:
    """Writes new states of messages, all in one statement; returns their rows.

    changes: by message id, `{"state", "error", "provider_id", "sent_at", "version"}`.
    """
    if not changes:
        return []

    def each(name: str) -> Any:
        column = messages.c[name]
        values = {key: sa.literal(change[name], column.type) for key, change in changes.items()}
        return sa.case(values, value=messages.c.message_id, else_=column)

    names = ("state", "error", "provider_id", "sent_at", "version")
    update = (
        sa.update(messages)
        .where(messages.c.message_id.in_(changes))
        .values(due_at=None, unknown_at=None, **{name: each(name) for name in names})
        .returning(messages)
    )
    return list(tx.connection.execute(update).all())


def secret(tx: Transaction, name: str) -> bytes:
    """A secret of this database, made at first use."""
    select = sa.select(secrets.c.secret).where(secrets.c.name == name)
    known = tx.connection.execute(select).scalar_one_or_none()
    if known is None:
        made = {"name": name, "secret": random_bytes.token_bytes(32)}
        tx.connection.execute(tx.insert(secrets).values(made).on_conflict_do_nothing())
        known = tx.connection.execute(select).scalar_one()
    return bytes(known)
