"""Teams, sellers, and the rules that bring them work.

actor: who does it; what they may not see is not there. Who does not see everything defines no teams and sellers: a
supervisor says when their sellers work, and a seller how they are reached.
"""

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from typing import Any, Final

from contracts.access import Actor
from contracts.errors import INVALID, NOT_ALLOWED, NOT_FOUND
from runtime.clock import utc_now
from runtime.errors import Conflict, FieldError, Invalid, NotFound, invalid
from runtime.ids import new_id
from runtime.transaction import Transaction
from services.distribution import store
from services.distribution.checks import SELLER_DEFAULTS, TEAM_DEFAULTS, check_seller, check_team, known_id
from services.distribution.handlers.absences import distribute_again, hold
from services.distribution.handlers.distribute import distribute, follow_rule
from services.distribution.handlers.people import describe, get_seller, get_team
from services.distribution.handlers.pool import open_pools
from services.distribution.handlers.telling import tell_sellers

_CHANGED = "somebody changed it meanwhile; look at it again"

STRATEGY = "rotation"

SELLERS_OWN: Final = ("email", "phone", "locale", "channels")
"""What a seller may change about themself."""
SUPERVISORS_OWN: Final = ("working_hours", "holidays")
"""What a supervisor may change about the sellers of their teams."""


def create_team(tx: Transaction, actor: Actor, team: Mapping[str, Any], now: datetime | None = None) -> dict[str, Any]:
    """A new team, as `get_team` shows it.

    team: name (unique), supervisor, time_zone.

    Raises:
        NotFound: the actor would not see it. Invalid: naming the fields.
    """
    if not actor.sees_all:
        raise NotFound("team")
    now = now or utc_now()
    values = {**TEAM_DEFAULTS, **check_team({"name": "", **team})}
    _refuse_taken_name(tx, values["name"])
    row = {"id": new_id(), **values, "version": 1, "created_at": now, "updated_at": now}
    store.staff.add_team(tx, row)
    return get_team(tx.connection, actor, row["id"])


def update_team(
    tx: Transaction,
    actor: Actor,
    team_id: str,
    changes: Mapping[str, Any],
    version: int,
    now: datetime | None = None,
) -> dict[str, Any]:
    """Changes fields of a team.

    version: the version the caller saw.

    Raises:
        NotFound, Invalid, Conflict.
    """
    current = get_team(tx.connection, actor, team_id)
    if not store.sight.leads(actor):
        raise NotFound("team", team_id)
    values = check_team(changes)
    if not actor.sees_all:
        _refuse_all_but((), values)
    if values.get("name", current["name"]) != current["name"]:
        _refuse_taken_name(tx, values["name"])
    if not store.staff.change_team(tx, current["team_id"], version, updated_at=now or utc_now(), **values):
        raise Conflict(_CHANGED)
    return get_team(tx.connection, actor, team_id)


def _refuse_taken_name(tx: Transaction, name: str) -> None:
    if store.staff.team_named(tx.connection, name):
        raise invalid("name", NOT_ALLOWED, f"there is a team {name!r} already")


def create_seller(
    tx: Transaction, actor: Actor, seller: Mapping[str, Any], now: datetime | None = None
) -> dict[str, Any]:
    """A new seller, as `get_seller` shows them; work that waits in their teams may be theirs at once.

    Raises:
        NotFound: the actor does not see everybody. Invalid: naming the fields.
    """
    if not actor.sees_all:
        raise NotFound("seller")
    now = now or utc_now()
    values = {**SELLER_DEFAULTS, **check_seller({"name": "", **seller})}
    teams = values.pop("teams")
    _refuse_unknown_teams(tx, actor, teams)
    row = {"id": new_id(), **values, "version": 1, "created_at": now, "updated_at": now}
    store.pools.of_teams(tx.connection, teams, lock=True)
    store.staff.add_seller(tx, row, teams)
    return _after_change(tx, actor, row["id"], teams, now)


def update_seller(
    tx: Transaction,
    actor: Actor,
    seller_id: str,
    changes: Mapping[str, Any],
    version: int,
    now: datetime | None = None,
) -> dict[str, Any]:
    """Changes fields of a seller; who becomes able to take work gets what waits.

    changes: of a supervisor SUPERVISORS_OWN, of a seller SELLERS_OWN.
    version: the version the caller saw.

    Raises:
        NotFound, Invalid, Conflict.
    """
    now = now or utc_now()
    current = get_seller(tx.connection, actor, seller_id)
    values = check_seller(changes)
    if not actor.sees_all:
        _refuse_all_but(SUPERVISORS_OWN if store.sight.leads(actor) else SELLERS_OWN, values)
    joined = {row["team_id"] for row in store.staff.teams_of(tx.connection, [current["seller_id"]])}
    teams = joined
    if "teams" in values:
        teams = set(values.pop("teams"))
        _refuse_unknown_teams(tx, actor, teams)
    hold(tx, current["seller_id"], teams | joined, now)
    if not store.staff.change_seller(tx, current["seller_id"], version, updated_at=now, **values):
        raise Conflict(_CHANGED)
    if teams != joined:
        store.staff.join_teams(tx, current["seller_id"], teams)
    return _after_change(tx, actor, current["seller_id"], teams | joined, now)


def _refuse_all_but(names: Collection[str], values: Mapping[str, Any]) -> None:
    errors: list[FieldError] = [
        {
            "field": name,
            "code": NOT_ALLOWED,
            "message": f"{name} is for a {'supervisor' if name in SUPERVISORS_OWN else 'manager'} to change",
        }
        for name in values
        if name not in names
    ]
    if errors:
        raise Invalid(errors)


def _refuse_unknown_teams(tx: Transaction, actor: Actor, teams: Iterable[str]) -> None:
    unknown = set(teams) - store.staff.teams_run_by(tx.connection, actor, list(teams))
    if unknown:
        raise invalid("teams", NOT_FOUND, f"there is no team {min(unknown)}")


def _after_change(tx: Transaction, actor: Actor, seller_id: str, teams: Iterable[str], now: datetime) -> dict[str, Any]:
    """Tells everybody of the seller as they are now, and distributes again where it may matter."""
    rows = store.staff.sellers_by_id(tx.connection, [seller_id])
    seller = describe(tx.connection, actor, rows, now)[0]
    tell_sellers(tx, [seller], now)
    distribute_again(tx, teams, now)
    return seller


def set_rule(tx: Transaction, actor: Actor, form_id: str, team_id: str, now: datetime | None = None) -> dict[str, Any]:
    """Sends the leads of a form to a team from now on; those that wait go along.

    Raises:
        NotFound: the actor does not see every team; a rule takes leads from one to give them to another.
        Invalid: no such team, or what was given for the form is no id.
    """
    if not actor.sees_all:
        raise NotFound("rule", form_id)
    now = now or utc_now()
    try:
        form_id, team_id = known_id("form_id", form_id), known_id("team_id", team_id)
    except NotFound as error:
        raise invalid(error.what, INVALID, f"{error.identifier!r} is not an id") from None
    if not store.staff.teams_run_by(tx.connection, actor, [team_id]):
        raise invalid("team_id", NOT_FOUND, f"there is no team {team_id}")
    before = store.staff.rules_of(tx.connection, [form_id]).get(form_id)
    opened = open_pools(tx.connection, {team_id, *([before["team_id"]] if before else [])}, now)
    version = store.staff.save_rule(tx, form_id, team_id, STRATEGY, now)
    follow_rule(tx, form_id, team_id, version)
    opened.expect([team_id])
    distribute(tx, opened)
    return {"form_id": form_id, "team_id": team_id, "strategy": STRATEGY, "version": version}
