"""Who may define what of teams and sellers, field by field."""

from typing import Any

import pytest
from distribution_cases import Company

from contracts.access import Actor
from runtime.errors import Invalid, NotFound
from services.distribution import checks, tables
from services.distribution.handlers import people, staff

pytestmark = pytest.mark.feature("R14", "GTW-1")

REACHED = {"email", "phone", "locale", "channels"}
WORKS = {"working_hours", "holidays"}
FIELDS: dict[str, Any] = {
    "name": "Eva",
    "email": "eva@example.com",
    "phone": "+351912000333",
    "locale": "es",
    "time_zone": "Europe/Madrid",
    "channels": ["sms"],
    "weight": 3,
    "daily_cap": 7,
    "open_cap": 7,
    "working_hours": [{"days": [0], "start": "09:00", "end": "18:00"}],
    "holidays": ["2026-12-25"],
    "active": False,
    "teams": [],
}
MAY = {"admin": FIELDS.keys(), "manager": FIELDS.keys(), "supervisor": WORKS, "seller": REACHED}


@pytest.mark.parametrize("role", MAY)
@pytest.mark.parametrize("name", FIELDS)
def test_who_may_change_which_field_of_a_seller(company: Company, role: Any, name: str) -> None:
    team = company.team()
    ana = company.seller(team)
    actor = Actor(role=role, seller_id=ana if role == "seller" else "", team_ids=(team,))
    before = company.ask(people.get_seller, ana)
    asked = (staff.update_seller, ana, {name: FIELDS[name]}, before["version"])
    if name in MAY[role]:
        assert company.act(*asked, actor=actor)[name] == FIELDS[name]
        assert company.ask(people.get_seller, ana)[name] == FIELDS[name]
    else:
        with pytest.raises(Invalid) as refused:
            company.act(*asked, actor=actor)
        (error,) = refused.value.errors
        who = "supervisor" if name in WORKS else "manager"
        assert (error["field"], error["code"]) == (name, "not_allowed")
        assert error["message"] == f"{name} is for a {who} to change"
        assert company.ask(people.get_seller, ana) == before


def test_every_field_is_tried() -> None:
    assert FIELDS.keys() == checks.SELLER_DEFAULTS.keys() | {"name"}


def test_a_field_that_may_be_changed_does_not_carry_one_that_may_not(company: Company) -> None:
    team = company.team()
    ana = company.seller(team)
    changes = {"holidays": ["2026-12-25"], "weight": 3, "teams": []}
    with pytest.raises(Invalid) as refused:
        company.act(staff.update_seller, ana, changes, 1, actor=Actor(role="supervisor", team_ids=(team,)))
    assert [error["field"] for error in refused.value.errors] == ["weight", "teams"]
    assert company.ask(people.get_seller, ana)["holidays"] == []


@pytest.mark.parametrize("role", MAY)
def test_managers_alone_define_teams_and_add_sellers(company: Company, role: Any) -> None:
    team = company.team()
    ana = company.seller(team)
    actor = Actor(role=role, seller_id=ana if role == "seller" else "", team_ids=(team,))
    kept = company.rows(tables.teams), company.rows(tables.sellers)
    if actor.sees_all:
        assert company.act(staff.create_seller, {"name": "Eva", "teams": [team]}, actor=actor)["teams"] == [team]
        assert company.act(staff.update_team, team, {"supervisor": "Rui"}, 1, actor=actor)["supervisor"] == "Rui"
        return
    with pytest.raises(NotFound):
        company.act(staff.create_seller, {"name": "Eva", "teams": [team]}, actor=actor)
    for name, value in (("name", "Norte"), ("supervisor", "Rui"), ("time_zone", "Europe/Madrid")):
        with pytest.raises((Invalid, NotFound)) as refused:
            company.act(staff.update_team, team, {name: value}, 1, actor=actor)
        if role == "supervisor":
            assert [error["field"] for error in refused.value.errors] == [name]
    assert (company.rows(tables.teams), company.rows(tables.sellers)) == kept
