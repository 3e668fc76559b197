"""The switch by which sellers say themselves whether they take work."""

from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from distribution_cases import MONDAY, OFFICE, Company

from runtime.clock import iso
from runtime.errors import Invalid
from runtime.tables import outbox
from services.distribution.handlers import absences, people, reasons, views

pytestmark = pytest.mark.feature("DIS-1", "DIS-7")


def switch(company: Company, seller_id: str, available: Any, until: str | None = None) -> dict[str, Any]:
    return company.act(absences.set_available, seller_id, available, until)


def duty(shown: dict[str, Any]) -> tuple[bool, str | None, bool, str]:
    return shown["available"], shown["available_until"], shown["on_duty"], shown["off_duty_reason"]


def test_who_is_switched_off_gets_nothing_and_what_waits_the_moment_they_are_on(company: Company) -> None:
    team = company.team()
    seller = company.seller(team)
    form = company.form(team)
    told = len(company.rows(outbox))
    shown = switch(company, seller, False)
    assert duty(shown) == (False, None, False, "switched_off")
    assert shown["version"] == 1  # it is no change of who they are, and nobody else need know
    assert len(company.rows(outbox)) == told
    lead = company.capture(form)[0]
    assert company.assignment(lead)["waiting_reason"] == "all_away"
    assert [line["reason"] for line in company.ask(reasons.why, lead)["candidates"]] == ["switched_off"]
    company.later(days=30)
    company.wake()
    assert company.holder(lead) is None
    assert duty(switch(company, seller, True)) == (True, None, True, "")
    assert company.holder(lead) == seller
    assert company.ask(people.get_seller, seller)["given_today"] == 1


@pytest.mark.parametrize("hours", [[], OFFICE])
def test_a_switch_turns_back_by_itself_when_it_was_told_to(company: Company, hours: list[Any]) -> None:
    team = company.team()
    seller = company.seller(team, working_hours=hours)
    until = MONDAY + timedelta(hours=2)
    assert duty(switch(company, seller, False, iso(until))) == (False, until.isoformat(), False, "switched_off")
    lead = company.capture(company.form(team))[0]
    company.later(hours=1, minutes=59)
    company.wake()
    assert company.holder(lead) is None
    company.later(minutes=1)
    company.wake()
    assert company.holder(lead) == seller
    assert duty(company.ask(people.get_seller, seller)) == (True, None, True, "")


def test_on_until_is_off_from_then_on(company: Company) -> None:
    team = company.team()
    seller = company.seller(team)
    form = company.form(team)
    switch(company, seller, True, iso(MONDAY + timedelta(hours=1)))
    assert company.holder(company.capture(form)[0]) == seller
    company.later(hours=1)
    lead = company.capture(form)[0]
    assert company.holder(lead) is None
    assert duty(company.ask(people.get_seller, seller)) == (False, None, False, "switched_off")
    assert company.ask(views.overview) == {
        "waiting": 1,
        "waiting_by_reason": {"all_away": 1},
        "on_duty": 0,
        "sellers": 1,
    }


def test_the_company_and_the_calendar_say_no_all_the_same(company: Company) -> None:
    team = company.team()
    inactive = company.seller(team, active=False)
    late = company.seller(team, working_hours=[{"days": [0], "start": "20:00", "end": "22:00"}])
    assert duty(switch(company, inactive, True)) == (True, None, False, "inactive")
    assert duty(switch(company, late, True)) == (True, None, False, "off_hours")


@pytest.mark.parametrize(
    ("available", "until", "field"),
    [("yes", None, "available"), (False, "tomorrow", "until"), (False, iso(MONDAY), "until"), (True, "", "until")],
)
def test_what_is_no_switch_is_refused(company: Company, available: Any, until: str | None, field: str) -> None:
    seller = company.seller(company.team())
    with pytest.raises(Invalid) as refused:
        switch(company, seller, available, until)
    assert [error["field"] for error in refused.value.errors] == [field]
    assert company.ask(people.get_seller, seller)["available"] is True


@pytest.mark.feature("R17")
def test_pools_are_held_before_the_switch_is_turned(company: Company) -> None:
    """Pools, then sellers, both in the order of their ids, and only then the change."""
    teams = [company.team("Norte"), company.team("Sul")]
    seller = company.seller(*teams)
    said: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_rest: object) -> None:
        said.append(" ".join(statement.split()))

    sa.event.listen(company.database.engine, "before_cursor_execute", note)
    switch(company, seller, False)
    sa.event.remove(company.database.engine, "before_cursor_execute", note)
    turned = next(place for place, statement in enumerate(said) if statement.startswith("UPDATE sellers"))
    pools = next(place for place, statement in enumerate(said) if "ORDER BY pools.team_id" in statement)
    people_ = next(place for place, statement in enumerate(said) if "ORDER BY sellers.id" in statement)
    assert pools < people_ < turned
    if company.database.dialect == "postgresql":
        assert all("FOR NO KEY UPDATE" in said[place] for place in (pools, people_))
