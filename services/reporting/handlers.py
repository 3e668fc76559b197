"""Use cases of reporting."""

from collections.abc import Sequence
from typing import Any

import msgspec
from sqlalchemy.engine import Connection

from contracts.distribution import SellerChanged
from contracts.errors import INVALID
from contracts.message import Message
from runtime.clock import parse_iso, utc_now
from runtime.errors import invalid, plain
from runtime.transaction import Transaction
from services.reporting import store
from services.reporting.domain.measures import tally


def count_facts(transaction: Transaction, message: Message, facts: Sequence[Any]) -> None:
    """Appends facts to the log and counts them by hour, source and seller."""
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
    store.add_to_rollup(transaction, tally(facts))


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


def counts(connection: Connection, by: str, since: str | None, until: str | None) -> dict[str, Any]:
    """Every measure summed by one dimension ("source", "seller" or "hour"), over the hours from since to before until.

    Raises:
        Invalid: an unknown dimension, or a time that is not ISO 8601 with its offset.
    """
    if by not in store.DIMENSIONS:
        raise invalid("by", INVALID, f"one of {', '.join(store.DIMENSIONS)}")
    rows = store.counts(connection, by, _instant("since", since), _instant("until", until))
    names = store.seller_names(connection) if by == "seller" else {}
    return {
        "items": [
            {
                "measure": row.measure,
                by: plain(row.value),
                "name": names.get(row.value, ""),
                "count": row.count,
            }
            for row in rows
        ],
        "next": None,
    }


def _instant(field: str, text: str | None) -> Any:
    if not text:
        return None
    try:
        return parse_iso(text)
    except ValueError:
        raise invalid(field, INVALID, "a time in ISO 8601 with its offset, such as 2026-11-22T09:00:00+00:00") from None
