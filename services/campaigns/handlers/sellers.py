"""News of sellers: when they work."""

from collections.abc import Collection, Sequence

import msgspec
from sqlalchemy.engine import Connection

from contracts.distribution import SellerChanged
from runtime.transaction import Transaction
from services.campaigns import task_store
from services.campaigns.domain.opportunities import newest
from services.campaigns.domain.tasks import UNKNOWN_ZONE
from services.campaigns.domain.working_time import Hours, hours_of


def keep_sellers(transaction: Transaction, changes: Sequence[SellerChanged]) -> None:
    """Keeps when each seller works, as it was told last; what cannot be read is refused here, where it is one fact, and
    not with every assignment."""
    rows = []
    for change in newest(changes).values():
        told = msgspec.to_builtins(change)
        hours = {name: told[name] for name in ("working_hours", "holidays", "time_off")}
        hours_of(change.time_zone, hours)
        rows.append(
            {
                "id": change.seller_id,
                "version": change.subject_version,
                "time_zone": change.time_zone,
                "hours": hours,
            }
        )
    task_store.keep_sellers(transaction.connection, rows)


def hours_by_seller(connection: Connection, seller_ids: Collection[str]) -> dict[str, Hours]:
    """When these sellers work, as far as they are known; one question, however many."""
    if not seller_ids:
        return {}
    return {row.id: hours_of(row.time_zone, row.hours) for row in task_store.sellers(connection, seller_ids)}


def zone_of(connection: Connection, seller_id: str | None) -> str:
    """The time zone in which a seller reads the clock."""
    rows = task_store.sellers(connection, [seller_id]) if seller_id else []
    return str(rows[0].time_zone) if rows else UNKNOWN_ZONE
