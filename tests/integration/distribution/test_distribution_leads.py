"""Leads find sellers, wait when they must, and are explained."""

from collections import Counter
from itertools import cycle

import orjson
import pytest
import sqlalchemy as sa
from distribution_cases import MONDAY, OFFICE, Company, captured
from runtime_cases import trips_to

from contracts.access import OPERATOR
from runtime import tables as bus_tables
from runtime.clock import iso
from runtime.ids import new_id
from runtime.migrations import differences
from runtime.settings import Settings
from services.distribution import store, tables
from services.distribution.handlers import absences, reasons, views


def test_migrations_make_the_tables_the_code_declares(company: Company, settings: Settings) -> None:
    assert differences("distribution", settings) == []


@pytest.mark.feature("DIS-3")
def test_leads_are_shared_by_weight(company: Company) -> None:
    team = company.team()
    weights = {company.seller(team, weight=weight): weight for weight in (1, 2, 3)}
    form = company.form(team)
    for _ in range(10):
        company.capture(form, 6)
        company.capture(form)
        company.capture(form, 5)
    assert Counter(company.assigned().values()) == {seller: 20 * weight for seller, weight in weights.items()}
    for item in company.ask(reasons.fairness, team)["items"]:
        assert (item["got"], item["due"], item["debt"]) == (20 * weights[item["seller_id"]], item["got"], 0)


@pytest.mark.feature("DIS-17", "R5")
def test_a_lead_that_comes_again_is_assigned_once(company: Company) -> None:
    team = company.team()
    sellers = [company.seller(team) for _ in range(3)]
    form, other_form = company.form(team), new_id()
    fact, stray = captured(form), captured(other_form)
    company.take([fact, stray, fact])
    company.take([captured(form), fact, stray])
    company.take([stray, fact])
    assert sum(company.open_work()[seller] for seller in sellers) == 2
    assert company.assignment(fact.lead_id)["assignment_version"] == 1
    assert company.assignment(stray.lead_id)["waiting_reason"] == "no_rule"
    assert len(company.rows(tables.work)) == 3


@pytest.mark.feature("DIS-17")
def test_the_number_of_statements_does_not_depend_on_the_batch(company: Company) -> None:
    forms = []
    for number in range(5):
        team = company.team(f"Equipa {number}")
        for _ in range(8):
            company.seller(team)
        forms.append(company.form(team))
    trips = trips_to(company.database)
    counts = []
    for size in (1, 20, 200):
        facts = [captured(form) for form, _ in zip(cycle(forms), range(size), strict=False)]
        trips.clear()
        company.take(facts)
        counts.append(len(trips))
    assert counts[0] == counts[1] == counts[2] <= 12, trips
    assert set(company.open_work().values()) == {5, 6}  # 221 leads for 40 sellers


@pytest.mark.feature("DIS-7")
def test_a_form_without_rule_waits_for_one(company: Company) -> None:
    form = new_id()
    lead = company.capture(form, score=7)[0]
    shown = company.ask(views.waiting)["items"]
    assert [(item["work_id"], item["waiting_reason"], item["team_id"]) for item in shown] == [(lead, "no_rule", None)]
    team = company.team()
    assert company.rule(form, team)["version"] == 1
    assert company.assignment(lead)["waiting_reason"] == "no_sellers"
    seller = company.seller(team)
    assert company.holder(lead) == seller
    assert company.ask(views.waiting)["items"] == []


@pytest.mark.feature("DIS-7")
def test_a_rule_made_while_its_leads_arrive_leaves_none_behind(company: Company) -> None:
    team = company.team()
    seller = company.seller(team)
    form = company.form(team)
    with company.database.write() as tx:  # as if the lead's transaction had read the rules before there was one
        tx.connection.execute(sa.delete(tables.rules))
    lead = company.capture(form)[0]
    with company.database.write() as tx:
        rule = {"form_id": form, "team_id": team, "strategy": "rotation", "version": 1}
        tx.connection.execute(sa.insert(tables.rules).values(**rule, created_at=MONDAY, updated_at=MONDAY))
    company.wake()
    assert company.holder(lead) == seller


@pytest.mark.feature("DIS-7")
def test_a_rule_changed_while_its_leads_arrive_leaves_none_behind(
    company: Company, monkeypatch: pytest.MonkeyPatch
) -> None:
    old, new, other = company.team("Velha"), company.team("Nova"), company.team("Outra")
    seller = company.seller(new)
    form, steady = company.form(old), company.form(other)
    kept = company.capture(steady)[0]
    with company.database.read() as connection:
        stale = store.staff.rules_of(connection, [form])
    company.rule(form, new)
    with monkeypatch.context() as patch:  # as if the leads' transaction had read the rules before the change
        patch.setattr(store.staff, "rules_of", lambda *_: stale)
        leads = company.capture(form, 3)
    assert [company.holder(lead) for lead in leads] == [None] * 3
    company.wake()
    assert [company.holder(lead) for lead in leads] == [seller] * 3
    assert {row["team_id"] for row in company.rows(tables.work) if row["form_id"] == form} == {new}
    assert company.assignment(kept)["waiting_reason"] == "no_sellers"
    alarms = {row["team_id"]: row["wake_at"] for row in company.rows(tables.pools)}
    assert alarms[new] is None


def told(company: Company) -> dict[str, str]:
    """Routing key of what was told last of each work's assignment, by work id."""
    return {
        item["work_id"]: row["routing_key"]
        for row in sorted(company.rows(bus_tables.outbox), key=lambda row: str(row["id"]))
        if row["routing_key"].startswith("work_assigned")
        for item in orjson.loads(row["body"])["items"]
    }


@pytest.mark.feature("DIS-7")
def test_an_imported_lead_that_waited_is_told_in_the_bulk_lane(company: Company) -> None:
    team = company.team()
    company.seller(team, working_hours=OFFICE)
    form = company.form(team)
    company.later(hours=7)  # 19:00
    imported, captured_live = captured(form), captured(form)
    company.take([imported], lane="bulk")
    company.take([captured_live])
    assert told(company) == {}
    company.later(hours=14)
    company.wake()
    assert told(company) == {imported.lead_id: "work_assigned.bulk", captured_live.lead_id: "work_assigned"}


@pytest.mark.feature("DIS-7")
def test_a_lead_that_waited_is_told_live_although_an_import_wakes_it(company: Company) -> None:
    team = company.team()
    company.seller(team, working_hours=OFFICE)
    form = company.form(team)
    company.later(hours=7)  # 19:00
    waits = company.capture(form)[0]
    company.later(hours=14)
    imported = captured(form)
    company.take([imported], lane="bulk")
    company.wake()
    assert told(company) == {waits: "work_assigned", imported.lead_id: "work_assigned.bulk"}


@pytest.mark.feature("DIS-7")
def test_an_imported_lead_given_by_hand_is_told_live(company: Company) -> None:
    team = company.team()
    first, second = company.seller(team), company.seller(team)
    imported = captured(company.form(team))
    company.take([imported], lane="bulk")
    assert told(company) == {imported.lead_id: "work_assigned.bulk"}
    company.reassign(imported.lead_id, second if company.holder(imported.lead_id) == first else first)
    assert told(company) == {imported.lead_id: "work_assigned"}


@pytest.mark.feature("DIS-7", "DIS-1")
def test_everybody_away_waits_for_the_first_to_begin(company: Company) -> None:
    team = company.team()
    company.seller(team, name="Manhã", working_hours=OFFICE)
    early = company.seller(team, name="Cedo", working_hours=[{"days": [1], "start": "07:00", "end": "08:00"}])
    form = company.form(team)
    company.later(hours=7)  # 19:00
    lead = company.capture(form)[0]
    with company.database.read() as connection:
        assert reasons.why(connection, OPERATOR, lead)["winner"] is None
    company.later(hours=11, minutes=59)
    company.wake()
    assert company.holder(lead) is None
    company.later(minutes=1)  # Tuesday 07:00
    company.wake()
    assert company.holder(lead) == early


@pytest.mark.feature("DIS-7", "DIS-1")
def test_everybody_capped_waits_for_the_day_to_turn_or_work_to_close(company: Company) -> None:
    team = company.team()
    daily = company.seller(team, name="Diária", daily_cap=1)
    opened = company.seller(team, name="Aberta", open_cap=1)
    form = company.form(team)
    leads = company.capture(form, 4)
    waiting = [lead for lead in leads if company.holder(lead) is None]
    assert sorted(company.assigned().values()) == sorted([daily, opened])
    assert {row["waiting_reason"] for row in company.rows(tables.work) if row["state"] == "waiting"} == {"all_capped"}
    company.close(*(lead for lead, seller in company.assigned().items() if seller == opened))
    assert [company.holder(lead) for lead in waiting].count(opened) == 1
    company.later(hours=12)  # midnight in Lisbon
    company.wake()
    assert [company.holder(lead) for lead in waiting].count(daily) == 1
    assert company.ask(views.waiting)["items"] == []


@pytest.mark.feature("DIS-7", "DIS-1")
@pytest.mark.parametrize("change", [{"open_cap": 5}, {"open_cap": None}, {"active": True}, {"time_off": True}])
def test_what_waits_goes_to_the_seller_who_becomes_able(company: Company, change: dict[str, object]) -> None:
    team = company.team()
    seller = company.seller(team, open_cap=0 if "open_cap" in change else None, active="active" not in change)
    time_off = ""
    if "time_off" in change:
        until = iso(MONDAY.replace(hour=23))
        given = company.database.transact(absences.add_time_off, OPERATOR, seller, iso(MONDAY), until, "", company.now)
        time_off = given["time_off"][0]["id"]
    lead = company.capture(company.form(team))[0]
    assert company.holder(lead) is None
    if time_off:
        company.database.transact(absences.remove_time_off, OPERATOR, seller, time_off, company.now)
    else:
        company.change(seller, **change)
    assert company.holder(lead) == seller


@pytest.mark.feature("DIS-7")
def test_what_waits_is_served_by_score_then_arrival_before_the_rest(company: Company) -> None:
    team = company.team()
    form = company.form(team)
    low = company.capture(form, score=10)[0]
    company.later(minutes=1)
    late, high = company.capture(form, score=50)[0], company.capture(form, score=90)[0]
    company.later(minutes=1)
    latest = company.capture(form, score=50)[0]
    seller = company.seller(team, open_cap=1)
    order = []
    for _ in range(4):
        order += [lead for lead in company.assigned() if lead not in order]
        company.close(order[-1])
    assert order == [high, late, latest, low]
    assert company.open_work()[seller] == 0


@pytest.mark.feature("DIS-7")
def test_a_long_queue_is_drained_in_rounds(company: Company) -> None:
    team = company.team()
    form = company.form(team)
    for _ in range(3):
        company.capture(form, 400)
    company.seller(team)
    assert len(company.assigned()) == 500
    company.wake()
    assert len(company.assigned()) == 1200
    assert company.rows(tables.pools)[0]["wake_at"] is None


@pytest.mark.feature("DIS-7")
def test_leads_follow_their_form_to_another_team(company: Company) -> None:
    empty, staffed = company.team("Vazia"), company.team("Cheia")
    seller = company.seller(staffed)
    form = company.form(empty)
    lead = company.capture(form)[0]
    assert company.rule(form, staffed)["version"] == 2
    assert company.holder(lead) == seller


@pytest.mark.feature("DIS-13")
def test_every_decision_can_be_explained_and_the_recomputed_winner_is_the_one_who_got_it(company: Company) -> None:
    team = company.team()
    for fields in ({"weight": 3}, {"daily_cap": 2}, {"open_cap": 1}, {"active": False}, {"working_hours": OFFICE}):
        company.seller(team, **fields)
    company.seller(team, holidays=["2026-03-02"])
    form = company.form(team)
    for hours in (0, 5, 3):
        company.later(hours=hours)
        company.capture(form, 5)
        company.capture(form)
    spoken = Counter[str]()
    for work_id, seller in company.assigned().items():
        told = company.ask(reasons.why, work_id)
        assert told["winner"]["seller_id"] == seller
        assert told["rule"] == {"form_id": form, "team_id": team, "version": 1}
        assert [item["seller_id"] for item in told["candidates"] if item["reason"] == "eligible"] == [seller]
        assert sum(item["debt"] for item in told["candidates"]) == pytest.approx(0)
        spoken.update(item["reason"] for item in told["candidates"])
    expected = {"eligible", "not_its_turn", "daily_cap", "open_cap", "inactive", "holiday", "off_hours"}
    assert set(spoken) == expected
