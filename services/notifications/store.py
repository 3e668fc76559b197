"""The named queries of what comes in from the bus and of a seller's inbox. `outbound.py` has those of sending."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from functools import cache
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from contracts.access import Actor
from runtime.columns import Id
from runtime.paging import page
from runtime.transaction import Transaction, dialect_insert
from services.notifications.domain.digests import Telling
from services.notifications.paging import newest_first
from services.notifications.sight import visible
from services.notifications.tables import (
    DIRECT,
    IN_INBOX,
    UNKNOWN,
    UNREAD,
    messages,
    metadata,
    sellers,
    tellings,
    works,
)

__all__ = ("messages", "metadata", "sellers", "works")

_BLANK_SELLER: dict[str, Any] = {
    "version": 0, "name": "", "email": "", "phone": "", "locale": "pt", "time_zone": "",
    "channels": [], "active": True,
}  # fmt: skip


# What every batch asks is built once: building a statement costs more than running it.
_ids: sa.BindParameter[Any] = sa.bindparam("ids", expanding=True)
_is_digest = sa.and_(DIRECT, messages.c.digest_id.is_not(None))
_held = (
    sa.select(messages.c.message_id, messages.c.work_id, messages.c.assignment_version)
    .where(messages.c.work_id.in_(_ids), messages.c.withdrawn_at.is_(None), sa.not_(_is_digest))
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
    """Withdraws the messages of older assignments of these works; one that is still queued is never sent. A digest
    stays: it tells of what its other works are still good for."""
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


def hold_tellings(tx: Transaction, seller_ids: Sequence[str]) -> dict[str, Telling]:
    """What these sellers, in id order, were last told; their rows are held until the transaction ends."""
    insert = tx.insert(tellings)
    # An update that changes nothing: of all statements only it holds the row whether or not it was there.
    insert = insert.on_conflict_do_update(
        index_elements=[tellings.c.seller_id], set_={"seller_id": insert.excluded.seller_id}
    )
    rows = tx.connection.execute(insert.returning(tellings), [{"seller_id": seller_id} for seller_id in seller_ids])
    return {row.seller_id: Telling(row.told_at, row.digest_id, row.due_at) for row in rows}


def save_tellings(tx: Transaction, known: Mapping[str, Telling]) -> None:
    """Writes what sellers were last told; their rows are held already."""
    if not known:
        return
    insert = tx.insert(tellings)
    upsert = insert.on_conflict_do_update(
        index_elements=[tellings.c.seller_id],
        set_={name: insert.excluded[name] for name in ("told_at", "digest_id", "due_at")},
    )
    rows = [{"seller_id": seller_id, **asdict(one)} for seller_id, one in known.items()]
    tx.connection.execute(upsert.returning(tellings.c.seller_id), rows)


def gather(tx: Transaction, digests: Mapping[str, str]) -> None:
    """Adds in-app messages to digests. digests: by message id."""
    if not digests:
        return
    ids = {message_id: sa.literal(digest_id, Id) for message_id, digest_id in digests.items()}
    tx.connection.execute(
        sa.update(messages)
        .where(messages.c.message_id.in_(digests))
        .values(digest_id=sa.case(ids, value=messages.c.message_id))
    )


def inbox_page(
    connection: Connection, actor: Actor, seller_id: str, cursor: str | None, limit: int
) -> tuple[list[Any], str | None]:
    """What `actor` sees of a seller's in-app messages, newest first."""
    select = sa.select(messages).where(IN_INBOX, messages.c.seller_id == seller_id, visible(actor))
    return newest_first(connection, select, cursor, limit)


def unread_count(connection: Connection, actor: Actor, seller_id: str) -> int:
    """How many of them the seller has not read."""
    count = sa.select(sa.func.count()).select_from(messages)
    count = count.where(UNREAD, messages.c.seller_id == seller_id, visible(actor))
    return int(connection.execute(count).scalar_one())


def mark_read(tx: Transaction, actor: Actor, seller_id: str, message_ids: Sequence[str], now: datetime) -> int:
    """Marks unread messages of a seller as read; returns how many that were."""
    update = (
        sa.update(messages)
        .where(UNREAD, messages.c.seller_id == seller_id, messages.c.message_id.in_(message_ids), visible(actor))
        .values(read_at=now)
    )
    return tx.connection.execute(update).rowcount


def message(connection: Connection, actor: Actor, message_id: str) -> Any | None:
    """One message, or None."""
    select = sa.select(messages).where(messages.c.message_id == message_id, visible(actor))
    return connection.execute(select).one_or_none()


def messages_of_work(connection: Connection, actor: Actor, work_id: str) -> list[Any]:
    """Every message ever made about a work, digests included, oldest first."""
    select = sa.select(messages).where(about_work(work_id), visible(actor))
    return list(connection.execute(select.order_by(messages.c.created_at, messages.c.message_id)).all())


def messages_of_works(connection: Connection, actor: Actor, work_ids: Collection[str], most: int) -> list[Any]:
    """The newest messages about these works, digests included, newest first."""
    select = sa.select(messages).where(about_work(*work_ids), visible(actor))
    newest = select.order_by(messages.c.created_at.desc(), messages.c.message_id.desc())
    return list(connection.execute(newest.limit(most)).all())


def about_work(*work_ids: str) -> sa.ColumnElement[bool]:
    """The condition that a message is about one of these works, alone or among others."""
    is_theirs = messages.c.work_id.in_(work_ids)
    told = sa.select(messages.c.message_id).where(is_theirs)
    gathers = sa.select(messages.c.digest_id).where(is_theirs, messages.c.digest_id.is_not(None))
    digests = sa.select(messages.c.message_id).where(_is_digest, messages.c.digest_id.in_(gathers))
    return messages.c.message_id.in_(told.union(digests))


def unknown_page(
    connection: Connection, actor: Actor, until: datetime, cursor: str | None, limit: int
) -> tuple[list[Any], str | None]:
    """Messages whose fate has been unknown since `until` or longer, the latest first."""
    select = sa.select(messages).where(UNKNOWN, messages.c.unknown_at <= until, visible(actor))
    return page(connection, select, messages.c.unknown_at, messages.c.message_id, cursor, limit)
