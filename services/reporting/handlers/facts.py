"""What is heard, counted."""

from collections.abc import Sequence
from typing import Any

import msgspec
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from contracts.distribution import SellerChanged
from contracts.message import Message
from runtime.clock import utc_now
from runtime.transaction import Transaction
from services.reporting import store
from services.reporting.domain.journeys import part_of
from services.reporting.domain.measures import tally


def count_facts(transaction: Transaction, message: Message, facts: Sequence[Any]) -> None:
    """Appends facts to the log, counts them by hour, source, seller and team, and adds them to journeys of leads."""
    now = utc_now()
    store.add_to_log(
        transaction.connection,
        [
            {
                "id": fact.id,
                "type": message.name,
                "subject": fact.subject,
                "subject_version": fact.subject_version,
                "fact": msgspec.to_builtins(fact),
                "received_at": now,
            }
            for fact in facts
        ],
    )
    store.add_up(transaction.connection, tally(facts))
    add_journeys(transaction.connection, facts)


def add_journeys(connection: Connection, facts: Sequence[Any], into: sa.Table = store.journey) -> None:
    """Adds what facts tell to their leads' journeys, those in the table `into`."""
    parts = [part for part in map(part_of, facts) if part is not None]
    if parts:
        store.journeys.add(connection, parts, into)


def keep_sellers(transaction: Transaction, changes: Sequence[SellerChanged]) -> None:
    """Keeps the newest name of each seller, for reports to show."""
    newest: dict[str, SellerChanged] = {}
    for change in sorted(changes, key=lambda change: change.subject_version):
        newest[change.seller_id] = change
    store.keep_sellers(
        transaction,
        [
            {"id": change.seller_id, "name": change.name, "version": change.subject_version}
            for change in newest.values()
        ],
    )
