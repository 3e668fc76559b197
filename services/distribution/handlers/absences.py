"""When sellers are away: time off, and the switch by which they say themselves whether they take work.

actor: who does it; what they may not see is not there.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from contracts import limits
from contracts.access import Actor
from contracts.errors import INVALID, OVERLAP, TOO_LONG
from runtime.clock import iso, utc_now
from runtime.errors import Conflict, NotFound, invalid
from runtime.ids import new_id
from runtime.transaction import Transaction
from services.distribution import store
from services.distribution.checks import known_id
from services.distribution.handlers.distribute import distribute
from services.distribution.handlers.people import describe, get_seller, instant
from services.distribution.handlers.pool import open_pools
from services.distribution.handlers.telling import tell_sellers


def hold(tx: Transaction, seller_id: str, teams: Iterable[str], now: datetime) -> None:
    """Holds these pools, then everybody in them and this seller, who may be in none, before one of them is changed: who
    held the seller first and then wanted the others would wait in a circle with whoever takes them in id order."""
    open_pools(tx.connection, set(teams), now, also=[seller_id])


def distribute_again(tx: Transaction, teams: Iterable[str], now: datetime) -> None:
    """Gives out what waits in these teams, in which somebody has changed."""
    opened = open_pools(tx.connection, set(teams), now)
    opened.look_again()
    distribute(tx, opened)


def _hold_all_around(tx: Transaction, seller_id: str, now: datetime) -> set[str]:
    """Holds a seller and all their pools.

    Returns: their teams.

    Raises:
        Conflict: they have joined or left a team meanwhile, so that the wrong pools are held.
    """
    teams = {row["team_id"] for row in store.staff.teams_of(tx.connection, [seller_id])}
    hold(tx, seller_id, teams, now)
    if {row["team_id"] for row in store.staff.teams_of(tx.connection, [seller_id])} != teams:
        raise Conflict("somebody changed the teams of this seller meanwhile; try again")
    return teams


def set_available(
    tx: Transaction,
    actor: Actor,
    seller_id: str,
    available: bool,
    until: str | None = None,
    now: datetime | None = None,
) -> dict[str, Any]:
    """Turns the seller's own switch; who turns it on gets what waits.

    until: when it turns round by itself, ISO 8601 with an offset; None for one that stays as it is.

    Returns: the seller as they are then.

    Raises:
        NotFound: no such seller. Invalid: naming the field. Conflict: try again.
    """
    now = now or utc_now()
    seller_id = get_seller(tx.connection, actor, seller_id)["seller_id"]
    if not isinstance(available, bool):
        raise invalid("available", INVALID, "true or false is expected")
    turns_at = None if until is None else instant("until", until)
    if turns_at and turns_at <= now:
        raise invalid("until", INVALID, "must be later than now")
    teams = _hold_all_around(tx, seller_id, now)
    store.staff.switch_seller(tx, seller_id, available=available, until=turns_at)
    distribute_again(tx, teams, now)
    return get_seller(tx.connection, actor, seller_id, now=now)


def add_time_off(
    tx: Transaction,
    actor: Actor,
    seller_id: str,
    starts_at: str,
    ends_at: str,
    reason: str = "",
    now: datetime | None = None,
) -> dict[str, Any]:
    """Keeps that a seller is away from one instant until just before another, both ISO 8601 with an offset.

    Raises:
        NotFound: no such seller. Invalid: naming the fields; also when it overlaps a time off that is there already.
        Conflict: try again.
    """
    now = now or utc_now()
    seller = _led(tx, actor, seller_id)
    begins, ends = instant("starts_at", starts_at), instant("ends_at", ends_at)
    if ends <= begins:
        raise invalid("ends_at", INVALID, "must be later than starts_at")
    if len(reason) > limits.REASON:
        raise invalid("reason", TOO_LONG, f"at most {limits.REASON} characters")
    row = {
        "id": new_id(),
        "seller_id": seller["seller_id"],
        "starts_at": begins,
        "ends_at": ends,
        "reason": reason,
    }
    teams = _hold_all_around(tx, row["seller_id"], now)
    _refuse_overlap(tx, row)
    store.staff.add_time_off(tx, row)
    return _told(tx, actor, row["seller_id"], teams, now)


def _refuse_overlap(tx: Transaction, row: Mapping[str, Any]) -> None:
    for off in store.pools.time_off_of(tx.connection, [row["seller_id"]], row["starts_at"]):
        if off["starts_at"] < row["ends_at"]:
            there = f"{iso(off['starts_at'])} to {iso(off['ends_at'])}"
            raise invalid("starts_at", OVERLAP, f"overlaps the time off from {there} (id {off['id']})")


def remove_time_off(
    tx: Transaction, actor: Actor, seller_id: str, time_off_id: str, now: datetime | None = None
) -> dict[str, Any]:
    """Forgets time off of a seller; the seller as they are then.

    Raises:
        NotFound: no such seller, or they have no such time off. Conflict: try again.
    """
    now = now or utc_now()
    seller = _led(tx, actor, seller_id)
    row = store.staff.time_off_by_id(tx.connection, known_id("time off", time_off_id))
    if row is None or row["seller_id"] != seller["seller_id"]:
        raise NotFound("time off", time_off_id)
    teams = _hold_all_around(tx, row["seller_id"], now)
    store.staff.drop_time_off(tx, row["id"])
    return _told(tx, actor, row["seller_id"], teams, now)


def _told(tx: Transaction, actor: Actor, seller_id: str, teams: Iterable[str], now: datetime) -> dict[str, Any]:
    """Tells everybody of a seller whose time off has changed, and distributes again; the seller as they are then."""
    store.staff.grow_version(tx, seller_id, now)
    tell_sellers(tx, describe(tx.connection, actor, store.staff.sellers_by_id(tx.connection, [seller_id]), now), now)
    distribute_again(tx, teams, now)
    return get_seller(tx.connection, actor, seller_id, now=now)


def _led(tx: Transaction, actor: Actor, seller_id: str) -> dict[str, Any]:
    """A seller the actor leads."""
    seller = get_seller(tx.connection, actor, seller_id)
    if not store.sight.leads(actor):
        raise NotFound("seller", seller_id)
    return seller
