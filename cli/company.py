"""A company to try things with: teams, sellers and forms, founded through the services' own methods."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, TypeVar

from runtime.errors import Conflict, Unavailable
from runtime.rpc_client import RpcPool

T = TypeVar("T")

PAGE = 500
PAUSE_SECONDS = 0.5


@dataclass(frozen=True)
class TeamPlan:
    """A team, its sellers and the forms whose leads it gets, as the API takes them (without ids).

    sellers: each without `teams`, which is this one.
    """

    team: dict[str, Any]
    sellers: tuple[dict[str, Any], ...]
    forms: tuple[dict[str, Any], ...] = field(default=())


LIMITS = ("channels", "daily_cap", "open_cap", "working_hours", "holidays")
"""What says when a seller gets how much, and how they hear of it."""


def found(rpc: RpcPool, plans: tuple[TeamPlan, ...], patience: float, *, bare: bool = False) -> None:
    """Founds what is not there yet: teams and forms are known by name and key, sellers by their name in the team.
    What is there stays as it is.

    patience: seconds to go on trying while services start.
    bare: new sellers come without their LIMITS.

    Raises:
        Unavailable: a service stayed away. Invalid: a plan is not acceptable.
    """
    give_up = time.monotonic() + patience
    for plan in plans:
        _until(give_up, lambda plan=plan: _found_team(rpc, plan, bare))  # type: ignore[misc]


def _until(give_up: float, attempt: Callable[[], T]) -> T:
    # Each attempt begins by looking what is there, so that one whose answer was lost does no harm.
    while True:
        try:
            return attempt()
        except (Unavailable, Conflict):
            if time.monotonic() > give_up:
                raise
            time.sleep(PAUSE_SECONDS)


def _found_team(rpc: RpcPool, plan: TeamPlan, bare: bool) -> None:
    team = next((team for team in _all(rpc, "distribution", "list_teams") if team["name"] == plan.team["name"]), None)
    if team is None:
        team = rpc.call("distribution", "create_team", team=plan.team)
    team_id = team["team_id"]
    forms = {form["key"]: form for form in _all(rpc, "capture", "list_forms")}
    rules = {rule["form_id"] for rule in rpc.call("distribution", "list_rules")["items"]}
    members = {seller["name"] for seller in _all(rpc, "distribution", "list_sellers", team_id=team_id)}
    for seller in plan.sellers:
        if bare:
            seller = {name: value for name, value in seller.items() if name not in LIMITS}
        if seller["name"] not in members:
            rpc.call("distribution", "create_seller", seller={**seller, "teams": [team_id]})
    for definition in plan.forms:
        form = forms.get(definition["key"]) or rpc.call("capture", "create_form", form=definition)
        if form["form_id"] not in rules:
            rpc.call("distribution", "set_rule", form_id=form["form_id"], team_id=team_id)


def _all(rpc: RpcPool, service: str, method: str, **arguments: Any) -> Iterator[dict[str, Any]]:
    cursor: str | None = None
    while True:
        page = rpc.call(service, method, cursor=cursor, limit=PAGE, **arguments)
        yield from page["items"]
        cursor = page["next"]
        if cursor is None:
            return
