"""What others are told of sellers: whenever they change, and again when somebody asks for it."""

from datetime import timedelta
from typing import Any

import orjson
import pytest
from distribution_cases import MONDAY, OFFICE, Company

from contracts.access import OPERATOR, Actor
from runtime.clock import iso
from runtime.errors import NotFound
from runtime.tables import outbox
from services.distribution.handlers import absences, people, telling

pytestmark = pytest.mark.feature("DIS-1", "CMP-7")


def told(company: Company) -> list[dict[str, Any]]:
    """Everything that was told of sellers, in order."""
    envelopes = [orjson.loads(row["body"]) for row in company.rows(outbox)]
    return [item for envelope in envelopes if envelope["type"] == "seller_changed" for item in envelope["items"]]


def hours(fact: dict[str, Any]) -> tuple[Any, ...]:
    return fact["subject_version"], fact["working_hours"], fact["holidays"], fact["time_off"]


def test_others_hear_when_a_seller_works_and_is_away(company: Company) -> None:
    ana = company.seller(company.team(), working_hours=OFFICE, holidays=["2026-12-25"])
    assert [hours(fact) for fact in told(company)] == [(1, OFFICE, ["2026-12-25"], [])]
    starts, ends = iso(MONDAY), iso(MONDAY + timedelta(days=2))
    shown = company.act(absences.add_time_off, ana, starts, ends, "holiday")
    assert shown["version"] == 2
    assert hours(told(company)[-1]) == (2, OFFICE, ["2026-12-25"], [{"starts_at": starts, "ends_at": ends}])
    company.act(absences.remove_time_off, ana, shown["time_off"][0]["id"])
    assert hours(told(company)[-1]) == (3, OFFICE, ["2026-12-25"], [])
    company.change(ana, working_hours=[])
    assert hours(told(company)[-1]) == (4, [], ["2026-12-25"], [])


def test_time_off_that_has_ended_is_not_told(company: Company) -> None:
    ana = company.seller(company.team())
    company.act(absences.add_time_off, ana, iso(MONDAY), iso(MONDAY + timedelta(hours=1)))
    company.later(hours=2)
    company.change(ana, name="Ana Sá")
    assert told(company)[-1]["time_off"] == []


@pytest.mark.feature("R4")
def test_all_are_told_again_as_they_are(company: Company) -> None:
    team = company.team()
    sellers = sorted(company.seller(team, working_hours=OFFICE) for _ in range(3))
    versions = {one: company.ask(people.get_seller, one)["version"] for one in sellers}
    for _ in range(2):
        assert company.database.transact(telling.republish_sellers, OPERATOR, company.now) == 3
    again = told(company)[3:]
    assert sorted(fact["subject"] for fact in again) == sorted(sellers * 2)
    assert {fact["subject"]: fact["subject_version"] for fact in again} == versions
    assert all(fact["working_hours"] == OFFICE for fact in again)


def test_who_does_not_see_everybody_cannot_have_them_told(company: Company) -> None:
    with pytest.raises(NotFound):
        company.database.transact(telling.republish_sellers, Actor(role="supervisor", team_ids=(company.team(),)))
