"""Tables of notifications, and the named queries of what comes in and is shown; `outbound.py` has those of sending."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from functools import cache
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from runtime.columns import Id, Json, Utc
from runtime.paging import page
from runtime.tables import add_bus_tables
from runtime.transaction import Transaction, dialect_insert

metadata = sa.MetaData()
add_bus_tables(metadata)

sellers = sa.Table(
    "sellers",
    metadata,
    sa.Column("seller_id", Id, primary_key=True),
    sa.Column("version", sa.Integer, nullable=False),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("email", sa.Text, nullable=False),
    sa.Column("phone", sa.Text, nullable=False),
    sa.Column("locale", sa.String(35), nullable=False),
    sa.Column("time_zone", sa.Text, nullable=False),
    sa.Column("channels", Json, nullable=False),
    sa.Column("active", sa.Boolean, nullable=False),
)
"""Copy of what distribution tells of sellers. Version 0 is a stub: work came before the seller did."""

works = sa.Table(
    "works",
    metadata,
    sa.Column("work_id", Id, primary_key=True),
    sa.Column("version", sa.Integer, nullable=False),
)
"""The newest assignment_version known of each work, whether it gave the work to somebody or took it away.

Its row is what two replicas with news of the same work wait for each other on.
"""

messages = sa.Table(
    "messages",
    metadata,
    sa.Column("message_id", Id, primary_key=True),
    sa.Column("work_id", Id, nullable=False),
    sa.Column("assignment_version", sa.Integer, nullable=False),
    sa.Column("channel", sa.String(8), nullable=False),
    sa.Column("seller_id", Id, nullable=False),
    sa.Column("lead_id", Id, nullable=False),
    sa.Column("contact_id", Id, nullable=False),
    sa.Column("source", sa.Text, nullable=False),
    sa.Column("correlation_id", sa.String(36), nullable=False),
    sa.Column("created_at", Utc, nullable=False),
    sa.Column("state", sa.String(10), nullable=False),
    sa.Column("version", sa.Integer, nullable=False),
    sa.Column("awaits_seller", sa.Boolean, nullable=False),
    sa.Column("read_at", Utc),
    sa.Column("withdrawn_at", Utc),
    sa.Column("due_at", Utc),
    sa.Column("attempts", sa.Integer, nullable=False, server_default="0"),
    sa.Column("claim_id", Id),
    sa.Column("claimed_at", Utc),
    sa.Column("unknown_at", Utc),
    sa.Column("address", sa.Text, nullable=False, server_default=""),
    sa.Column("provider_id", sa.Text, nullable=False, server_default=""),
    sa.Column("error", sa.Text, nullable=False, server_default=""),
    sa.Column("sent_at", Utc),
    sa.Column("settled_as", sa.String(8), nullable=False, server_default=""),
    sa.Column("settled_by", sa.Text, nullable=False, server_default=""),
    sa.Column("settled_at", Utc),
    # The intent: whatever is delivered twice, in whatever order, one assignment is told once per channel.
    sa.UniqueConstraint("work_id", "assignment_version", "channel", name="messages_intent"),
)
"""One row per intent.

state: in_app is born "sent"; sms and email go queued → sending → sent, failed or unknown, or queued again; from
    unknown a person may settle them as sent or queue them again; what lost its reason while it was queued is
    "withdrawn".
version: counts what has been told of the message in `message_sent`.
awaits_seller: told in the live lane to a stub, whose channels are not known yet.
due_at: when something must be done about the row: send it (queued), doubt it (sending), look it up (unknown).
claim_id, claimed_at: the call under way or the last one made.
address: where that call sent it.
settled_as, settled_by, settled_at: what a person last decided about a doubt, "sent" or "not_sent", who and when.
"""

_IN_INBOX = sa.and_(messages.c.channel == sa.literal_column("'in_app'"), messages.c.withdrawn_at.is_(None))
_UNREAD = sa.and_(_IN_INBOX, messages.c.read_at.is_(None))
_UNKNOWN = messages.c.state == sa.literal_column("'unknown'")

# The conditions are literals: SQLite uses a partial index only where it can read them in the query.
sa.Index(
    "messages_inbox",
    messages.c.seller_id,
    messages.c.created_at,
    messages.c.message_id,
    sqlite_where=_IN_INBOX,
    postgresql_where=_IN_INBOX,
)
sa.Index("messages_unread", messages.c.seller_id, sqlite_where=_UNREAD, postgresql_where=_UNREAD)
sa.Index(
    "messages_due",
    messages.c.state,
    messages.c.due_at,
    sqlite_where=messages.c.due_at.is_not(None),
    postgresql_where=messages.c.due_at.is_not(None),
)
sa.Index(
    "messages_unknown", messages.c.unknown_at, messages.c.message_id, sqlite_where=_UNKNOWN, postgresql_where=_UNKNOWN
)

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
        .where(_IN_INBOX, messages.c.seller_id.in_(seller_ids), messages.c.awaits_seller)
        .values(awaits_seller=False)
        .returning(messages)
    )
    return list(tx.connection.execute(update).all())


def inbox_page(connection: Connection, seller_id: str, cursor: str | None, limit: int) -> tuple[list[Any], str | None]:
    """A seller's in-app messages, newest first."""
    select = sa.select(messages).where(_IN_INBOX, messages.c.seller_id == seller_id)
    return page(connection, select, messages.c.created_at, messages.c.message_id, cursor, limit)


def unread_count(connection: Connection, seller_id: str) -> int:
    """How many in-app messages a seller has not read."""
    count = sa.select(sa.func.count()).select_from(messages).where(_UNREAD, messages.c.seller_id == seller_id)
    return int(connection.execute(count).scalar_one())


def mark_read(tx: Transaction, seller_id: str, message_ids: Sequence[str], now: datetime) -> int:
    """Marks a seller's own unread messages as read; returns how many that were."""
    update = (
        sa.update(messages)
        .where(_UNREAD, messages.c.seller_id == seller_id, messages.c.message_id.in_(message_ids))
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
    select = sa.select(messages).where(_UNKNOWN, messages.c.unknown_at <= until)
    return page(connection, select, messages.c.unknown_at, messages.c.message_id, cursor, limit)
