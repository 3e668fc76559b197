"""Teams, sellers, their absences, and the rules that bring them work."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from contracts import limits
from contracts.distribution import SELLER_CHANGED, SellerChanged
from contracts.errors import INVALID, NOT_ALLOWED, NOT_FOUND, OVERLAP, REQUIRED, TOO_LONG
from runtime.clock import iso, parse_iso, utc_now
from runtime.errors import Conflict, NotFound, invalid
from runtime.ids import new_id
from runtime.transaction import Transaction
from services.distribution import store
from services.distribution.checks import SELLER_DEFAULTS, TEAM_DEFAULTS, check_seller, check_team, known_id
from services.distribution.handlers.distribute import distribute
from services.distribution.handlers.pool import open_pools
from services.distribution.handlers.views import get_seller, get_team

_CHANGED = "somebody changed it meanwhile; look at it again"

STRATEGY = "rotation"


def create_team(tx: Transaction, team: Mapping[str, Any], now: datetime | None = None) -> dict[str, Any]:
    """A new team, as `get_team` shows it.

    team: name (unique), supervisor, time_zone.

    Raises:
        Invalid: naming the fields.
    """
    now = now or utc_now()
    values = {**TEAM_DEFAULTS, **check_team({"name": "", **team})}
    _refuse_taken_name(tx, values["name"])
    row = {"id": new_id(), **values, "version": 1, "created_at": now, "updated_at": now}
    store.staff.add_team(tx, row)
    return get_team(tx.connection, row["id"])


def update_team(
    tx: Transaction, team_id: str, changes: Mapping[str, Any], version: int, now: datetime | None = None
) -> dict[str, Any]:
    """Changes fields of a team.

    version: the version the caller saw.

    Raises:
        NotFound, Invalid, Conflict.
    """
    current = get_team(tx.connection, team_id)
    values = check_team(changes)
    if values.get("name", current["name"]) != current["name"]:
        _refuse_taken_name(tx, values["name"])
    if not store.staff.change_team(tx, current["team_id"], version, updated_at=now or utc_now(), **values):
        raise Conflict(_CHANGED)
    return get_team(tx.connection, team_id)


def _refuse_taken_name(tx: Transaction, name: str) -> None:
    if store.staff.team_named(tx.connection, name):
        raise invalid("name", NOT_ALLOWED, f"there is a team {name!r} already")


def create_seller(tx: Transaction, seller: Mapping[str, Any], now: datetime | None = None) -> dict[str, Any]:
    """A new seller, as `get_seller` shows them; work that waits in their teams may be theirs at once.

    Raises:
        Invalid: naming the fields.
    """
    now = now or utc_now()
    values = {**SELLER_DEFAULTS, **check_seller({"name": "", **seller})}
    teams = values.pop("teams")
    _refuse_unknown_teams(tx, teams)
    row = {"id": new_id(), **values, "version": 1, "created_at": now, "updated_at": now}
    store.pools.of_teams(tx.connection, teams, lock=True)
    store.staff.add_seller(tx, row, teams)
    return _after_change(tx, row["id"], teams, now)


def update_seller(
    tx: Transaction, seller_id: str, changes: Mapping[str, Any], version: int, now: datetime | None = None
) -> dict[str, Any]:
    """Changes fields of a seller; who becomes able to take work gets what waits.

    version: the version the caller saw.

    Raises:
        NotFound, Invalid, Conflict.
    """
    now = now or utc_now()
    current = get_seller(tx.connection, seller_id)
    values = check_seller(changes)
    teams: list[str] = values.pop("teams", current["teams"])
    _refuse_unknown_teams(tx, teams)
    around = {*teams, *current["teams"]}
    _hold(tx, current["seller_id"], around, now)
    if not store.staff.change_seller(tx, current["seller_id"], version, updated_at=now, **values):
        raise Conflict(_CHANGED)
    if teams != current["teams"]:
        store.staff.join_teams(tx, current["seller_id"], teams)
    return _after_change(tx, current["seller_id"], around, now)


def _refuse_unknown_teams(tx: Transaction, teams: list[str]) -> None:
    unknown = set(teams) - store.staff.known_teams(tx.connection, teams)
    if unknown:
        raise invalid("teams", NOT_FOUND, f"there is no team {min(unknown)}")


def _after_change(tx: Transaction, seller_id: str, teams: Iterable[str], now: datetime) -> dict[str, Any]:
    """Tells everybody of the seller as they are now, and distributes again where it may matter."""
    seller = get_seller(tx.connection, seller_id)
    names = ("seller_id", "name", "email", "phone", "locale", "time_zone", "active")
    told = SellerChanged(
        id=new_id(),
        subject=seller_id,
        subject_version=seller["version"],
        correlation_id=new_id(),
        channels=tuple(seller["channels"]),
        **{name: seller[name] for name in names},
    )
    tx.emit(SELLER_CHANGED, told)
    _distribute_again(tx, teams, now)
    return seller


def _hold(tx: Transaction, seller_id: str, teams: Iterable[str], now: datetime) -> None:
    """Holds these pools, then everybody in them and this seller, who may be in none, before one of them is changed: who
    held the seller first and then wanted the others would wait in a circle with whoever takes them in id order."""
    open_pools(tx.connection, set(teams), now, also=[seller_id])


def _distribute_again(tx: Transaction, teams: Iterable[str], now: datetime) -> None:
    opened = open_pools(tx.connection, set(teams), now)
    opened.look_again()
    distribute(tx, opened)


def add_time_off(
    tx: Transaction, seller_id: str, starts_at: str, ends_at: str, reason: str = "", now: datetime | None = None
) -> dict[str, Any]:
    """Keeps that a seller is away from one instant until just before another, both ISO 8601 with an offset.

    Raises:
        NotFound: no such seller. Invalid: naming the fields; also when it overlaps a time off that is there already.
    """
    seller = get_seller(tx.connection, seller_id)
    begins, ends = _instant("starts_at", starts_at), _instant("ends_at", ends_at)
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
    now = now or utc_now()
    _hold(tx, seller["seller_id"], seller["teams"], now)
    _refuse_overlap(tx, row)
    store.staff.add_time_off(tx, row)
    _distribute_again(tx, seller["teams"], now)
    return get_seller(tx.connection, seller_id)


def _refuse_overlap(tx: Transaction, row: Mapping[str, Any]) -> None:
    for off in store.pools.time_off_of(tx.connection, [row["seller_id"]], row["starts_at"]):
        if off["starts_at"] < row["ends_at"]:
            there = f"{iso(off['starts_at'])} to {iso(off['ends_at'])}"
            raise invalid("starts_at", OVERLAP, f"overlaps the time off from {there} (id {off['id']})")


def remove_time_off(tx: Transaction, seller_id: str, time_off_id: str, now: datetime | None = None) -> dict[str, Any]:
    """Forgets time off of a seller; the seller as they are then.

    Raises:
        NotFound: no such seller, or they have no such time off.
    """
    seller = get_seller(tx.connection, seller_id)
    row = store.staff.time_off_by_id(tx.connection, known_id("time off", time_off_id))
    if row is None or row["seller_id"] != seller["seller_id"]:
        raise NotFound("time off", time_off_id)
    store.pools.of_teams(tx.connection, seller["teams"], lock=True)
    store.staff.drop_time_off(tx, row["id"])
    _distribute_again(tx, seller["teams"], now or utc_now())
    return get_seller(tx.connection, row["seller_id"])


def _instant(name: str, text: Any) -> datetime:
    if not text:
        raise invalid(name, REQUIRED, "may not be empty")
    try:
        return parse_iso(text)
    except (ValueError, TypeError):
        raise invalid(name, INVALID, f"{text!r} is not a time such as 2026-12-24T12:00:00+00:00") from None


def set_rule(tx: Transaction, form_id: str, team_id: str, now: datetime | None = None) -> dict[str, Any]:
    """Sends the leads of a form to a team from now on; those that wait go along.

    Raises:
        Invalid: no such team, or what was given for the form is no id.
    """
    now = now or utc_now()
    try:
        form_id, team_id = known_id("form_id", form_id), known_id("team_id", team_id)
    except NotFound as error:
        raise invalid(error.what, INVALID, f"{error.identifier!r} is not an id") from None
    if not store.staff.known_teams(tx.connection, [team_id]):
        raise invalid("team_id", NOT_FOUND, f"there is no team {team_id}")
    before = store.staff.rules_of(tx.connection, [form_id]).get(form_id)
    opened = open_pools(tx.connection, {team_id, *([before["team_id"]] if before else [])}, now)
    version = store.staff.save_rule(tx, form_id, team_id, STRATEGY, now)
    store.work.follow_rule(tx, form_id, team_id)
    opened.expect([team_id])
    distribute(tx, opened)
    return {"form_id": form_id, "team_id": team_id, "strategy": STRATEGY, "version": version}
