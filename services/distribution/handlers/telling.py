"""What others are told of sellers, whole, whenever something of it changes."""

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any

from contracts.access import Actor
from contracts.distribution import SELLER_CHANGED, Away, SellerChanged, Shift
from contracts.message import Lane
from runtime.clock import iso, parse_iso, utc_now
from runtime.errors import NotFound
from runtime.ids import new_id
from runtime.transaction import Transaction
from services.distribution import store
from services.distribution.handlers.people import describe

_TOLD = ("seller_id", "name", "email", "phone", "locale", "time_zone", "active")


def tell_sellers(tx: Transaction, sellers: Iterable[dict[str, Any]], now: datetime, lane: Lane | None = None) -> int:
    """Tells everybody of these sellers as they are; how many. sellers: as `people.describe` has them."""
    told = [_as_told(seller, now) for seller in sellers]
    tx.emit(SELLER_CHANGED, *told, lane=lane)
    return len(told)


def republish_sellers(tx: Transaction, actor: Actor, now: datetime | None = None) -> int:
    """Tells of every seller again, at the version they have: for whoever began to listen, or to keep more of it, later.
    Who knows it already changes nothing, however often it is told.

    Returns: how many.

    Raises:
        NotFound: the actor does not see everybody.
    """
    if not actor.sees_all:
        raise NotFound("sellers")
    now = now or utc_now()
    everybody = describe(tx.connection, actor, store.staff.every_seller(tx.connection), now)
    return tell_sellers(tx, everybody, now, "bulk")


def _as_told(seller: dict[str, Any], now: datetime) -> SellerChanged:
    return SellerChanged(
        id=new_id(),
        subject=seller["seller_id"],
        subject_version=seller["version"],
        correlation_id=new_id(),
        channels=tuple(seller["channels"]),
        working_hours=tuple(Shift(**{**shift, "days": tuple(shift["days"])}) for shift in seller["working_hours"]),
        holidays=tuple(seller["holidays"]),
        time_off=tuple(_ahead(seller["time_off"], now)),
        **{name: seller[name] for name in _TOLD},
    )


def _ahead(time_off: Iterable[dict[str, Any]], now: datetime) -> Iterator[Away]:
    for off in time_off:
        starts_at, ends_at = parse_iso(off["starts_at"]), parse_iso(off["ends_at"])
        if ends_at > now:
            yield Away(starts_at=iso(starts_at), ends_at=iso(ends_at))
