"""The named queries of what comes in from the bus and of a seller's inbox. `outbound.py` has those of sending."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from functools import cache
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from runtime.paging import page
from runtime.transaction import Transaction, dialect_insert
from services.notifications.tables import IN_INBOX, UNKNOWN, UNREAD, messages, metadata, sellers, tellings, works

__all__ = ("messages", "metadata", "sellers", "works")

_BLANK_SELLER: dict[str, Any] = {
    "version": 0, "name": "", "email": "", "phone": "", "locale": "pt", "time_zone": "",
    "channels": [], "active": True,
}  # fmt: skip


# What every batch asks is built once: building a statement costs more than running it.
_ids: sa.BindParameter[Any] = sa.bindparam("ids", expanding=True)
_held = (
    sa.select(messages.c.message_id, messages.c.work_id, messages.c.assignment_version)
    .where(messages.c.work_id.in_(_ids), messages.c.withdrawn_at.is_(None))
    .order_by(messages.c.message_id)
)
_sellers = sa.select(sellers).where(sellers.c.seller_id.in_(_ids)).order_by(sellers.c.seller_id)
_sellers_held = _sellers.with_for_update()


@cache
def _advance_works(dialect: str) -> Any:
    insert = dialect_insert(dialect, works)
    newer = works.c.version < insert.excluded.version
    insert = insert.on_conflict_do_update(
        index_elements=[works.c.work_id], set_={"version": insert.excluded.version}, where=newer
    )
    return insert.returning(works.c.work_id)


@cache
def _add_messages(dialect: str) -> Any:
    intent = [messages.c.work_id, messages.c.assignment_version, messages.c.channel]
    insert = dialect_insert(dialect, messages).on_conflict_do_nothing(index_elements=intent)
    return insert.returning(messages.c.message_id)


def advance_works(tx: Transaction, versions: Mapping[str, int]) -> set[str]:
    """Notes newer versions of works, in the order given; returns the works for which it was news.

    A row another transaction holds is waited for. Callers give works in id order, so that nobody waits in a circle.
    """
    if not versions:
        return set()
    rows = [{"work_id": work_id, "version": version} for work_id, version in versions.items()]
    return set(tx.connection.execute(_advance_works(tx.connection.dialect.name), rows).scalars())


def withdraw(tx: Transaction, versions: Mapping[str, int], now: datetime) -> None:
    """Withdraws the messages of older assignments of these works; one that is still queued is never sent."""
    if not versions:
        return
    held = tx.connection.execute(_held, {"ids": list(versions)}).all()
    overtaken = [row.message_id for row in held if row.assignment_version < versions[row.work_id]]
    if overtaken:
        tx.connection.execute(sa.update(messages).where(messages.c.message_id.in_(overtaken)).values(withdrawn_at=now))
        tx.connection.execute(
            sa.update(messages)
            .where(messages.c.message_id.in_(overtaken), messages.c.state == "queued")
            .values(state="withdrawn", due_at=None)
        )


def add_messages(tx: Transaction, rows: Sequence[Mapping[str, Any]]) -> set[str]:
    """Inserts intents, leaves out those that exist already, and returns the ids of those that are new."""
    if not rows:
        return set()
    return set(tx.connection.execute(_add_messages(tx.connection.dialect.name), list(rows)).scalars())


def sellers_with_stubs(tx: Transaction, seller_ids: Collection[str]) -> dict[str, Any]:
    """The sellers named. One not known yet becomes a stub, whose row is held until the transaction ends: whoever tells
    who the seller is then finds the messages that wait for it."""
    wanted = sorted(seller_ids)
    known = {row.seller_id: row for row in tx.connection.execute(_sellers, {"ids": wanted})}
    if missing := [seller_id for seller_id in wanted if seller_id not in known]:
        stubs = [{**_BLANK_SELLER, "seller_id": seller_id} for seller_id in missing]
        # Only because it returns something does SQLAlchemy send all rows together and not one by one.
        insert = tx.insert(sellers).on_conflict_do_nothing().returning(sellers.c.seller_id)
        tx.connection.execute(insert, stubs)
    if missing or any(row.version == 0 for row in known.values()):
        known = {row.seller_id: row for row in tx.connection.execute(_sellers_held, {"ids": wanted})}
    return known


def save_sellers(tx: Transaction, rows: Sequence[Mapping[str, Any]]) -> None:
    """Writes sellers' states where they are newer than what is known, in the order given: callers give them by id."""
    insert = tx.insert(sellers)
    replaced = {name: insert.excluded[name] for name in _BLANK_SELLER}
    upsert = insert.on_conflict_do_update(
        index_elements=[sellers.c.seller_id], set_=replaced, where=sellers.c.version < insert.excluded.version
    )
    # Only because it returns something does SQLAlchemy send all rows together and not one by one.
    tx.connection.execute(upsert.returning(sellers.c.seller_id), list(rows))


def take_awaiting(tx: Transaction, seller_ids: Sequence[str]) -> list[Any]:
    """The in-app messages of these sellers that still wait to learn the seller's channels; they wait no longer."""
    update = (
        sa.update(messages)
        .where(IN_INBOX, messages.c.seller_id.in_(seller_ids), messages.c.awaits_seller)
        .values(awaits_seller=False)
        .returning(messages)
    )
    return list(tx.connection.execute(update).all())


def inbox_page(connection: Connection, seller_id: str, cursor: str | None, limit: int) -> tuple[list[Any], str | None]:
    """A seller's in-app messages, newest first."""
    select = sa.select(messages).where(IN_INBOX, messages.c.seller_id == seller_id)
    return page(connection, select, messages.c.created_at, messages.c.message_id, cursor, limit)


def unread_count(connection: Connection, seller_id: str) -> int:
    """How many in-app messages a seller has not read."""
    count = sa.select(sa.func.count()).select_from(messages).where(UNREAD, messages.c.seller_id == seller_id)
    return int(connection.execute(count).scalar_one())


def mark_read(tx: Transaction, seller_id: str, message_ids: Sequence[str], now: datetime) -> int:
    """Marks a seller's own unread messages as read; returns how many that were."""
    update = (
        sa.update(messages)
        .where(UNREAD, messages.c.seller_id == seller_id, messages.c.message_id.in_(message_ids))
        .values(read_at=now)
    )
    return tx.connection.execute(update).rowcount


def message(connection: Connection, message_id: str) -> Any | None:
    """One message, or None."""
    return connection.execute(sa.select(messages).where(messages.c.message_id == message_id)).one_or_none()


def messages_of_work(connection: Connection, work_id: str) -> list[Any]:
    """Every message ever made about a work, oldest first."""
    select = sa.select(messages).where(messages.c.work_id == work_id)
    return list(connection.execute(select.order_by(messages.c.created_at, messages.c.message_id)).all())


def unknown_page(
    connection: Connection, until: datetime, cursor: str | None, limit: int
) -> tuple[list[Any], str | None]:
    """Messages whose fate has been unknown since `until` or longer, the latest first."""
    select = sa.select(messages).where(UNKNOWN, messages.c.unknown_at <= until)
    return page(connection, select, messages.c.unknown_at, messages.c.message_id, cursor, limit)
