"""What others are told of work that waits in a team's pool: whoever leads the team may see it."""

from collections import Counter
from collections.abc import Iterator
from typing import Any

import orjson
import pytest
import sqlalchemy as sa
from distribution_cases import Company, captured
from runtime_cases import trips_to

from runtime import tables as bus_tables
from runtime.ids import new_id
from services.distribution import store
from services.distribution.handlers import hand

pytestmark = pytest.mark.feature("R14", "R4")


def told(company: Company) -> Iterator[tuple[str, dict[str, Any]]]:
    """Lane and fact of each that was told to wait, since this was asked last."""
    rows = sorted(company.rows(bus_tables.outbox), key=lambda row: row["id"])
    with company.database.write() as tx:
        tx.connection.execute(sa.delete(bus_tables.outbox))
    for row in rows:
        if row["routing_key"].startswith("work_waits"):
            for fact in orjson.loads(row["body"])["items"]:
                yield row["lane"], fact


def waiting(company: Company) -> list[tuple[str, str, int, int]]:
    """Lead, team, version and version of the rule of each."""
    return [
        (fact["lead_id"], fact["team_id"], fact["subject_version"], fact["rule_version"]) for _, fact in told(company)
    ]


@pytest.mark.parametrize("lane", ["live", "bulk"])
def test_what_nobody_can_take_is_told_in_its_lane_and_what_somebody_took_is_not(company: Company, lane: Any) -> None:
    team = company.team()
    company.seller(team, open_cap=1)
    form = company.form(team)
    facts = [captured(form, score=score) for score in (90, 10)]
    company.take([*facts, captured(new_id())], lane)
    ((of_lane, fact),) = told(company)
    assert of_lane == lane
    assert fact | {"id": ""} == {
        "id": "",
        "subject": facts[1].lead_id,
        "subject_version": 0,
        "correlation_id": facts[1].correlation_id,
        "work_id": facts[1].lead_id,
        "lead_id": facts[1].lead_id,
        "team_id": team,
        "captured_at": facts[1].captured_at,
        "rule_version": 1,
    }
    company.later(minutes=10)
    company.wake()
    assert waiting(company) == [], "it is told when it begins to wait"


def test_what_a_rule_moves_is_told_with_the_version_of_the_rule(company: Company) -> None:
    north, south = company.team("Norte"), company.team("Sul")
    form = new_id()
    first, second = company.capture(form, 2)
    assert waiting(company) == [], "it waits for no team"
    company.rule(form, north)
    assert sorted(waiting(company)) == sorted([(first, north, 0, 1), (second, north, 0, 1)])
    company.rule(form, north)
    assert waiting(company) == []
    company.rule(form, south)
    assert sorted(waiting(company)) == sorted([(first, south, 0, 3), (second, south, 0, 3)])


def test_what_came_while_a_rule_was_made_is_told_when_it_follows(company: Company) -> None:
    team, form = company.team(), new_id()
    (lead,) = company.capture(form)
    with company.database.write() as tx:
        store.staff.save_rule(tx, form, team, "rotation", company.now)
    company.wake()
    assert waiting(company) == [(lead, team, 0, 1)]


def test_what_a_person_moves_while_it_waits_is_told(company: Company) -> None:
    north, south = company.team("Norte"), company.team("Sul")
    (lead,) = company.capture(company.form(north))
    assert waiting(company) == [(lead, north, 0, 1)]
    company.act(hand.reassign_many, [{"work_id": lead, "version": 0}], None, south)
    assert waiting(company) == [(lead, south, 1, 0)]


def test_what_came_back_and_follows_a_rule_is_newer_than_its_coming_back(company: Company) -> None:
    north, south = company.team("Norte"), company.team("Sul")
    company.seller(north)
    form = company.form(north)
    (lead,) = company.capture(form)
    company.give_back(lead)
    assert waiting(company) == [], "that it was taken from somebody tells it"
    company.rule(form, south)
    assert waiting(company) == [(lead, south, 2, 2)]


def test_a_rule_moves_many_in_as_many_statements_as_few(company: Company) -> None:
    north, south = company.team("Norte"), company.team("Sul")
    counted = []
    for number in (2, 60):
        form = company.form(north)
        leads = company.capture(form, number)
        trips = trips_to(company.database)
        company.rule(form, south)
        counted.append(len(trips))
        moved = Counter(lead for lead, team, *_ in waiting(company) if team == south)
        assert moved == Counter(leads)
    assert counted[0] == counted[1]
