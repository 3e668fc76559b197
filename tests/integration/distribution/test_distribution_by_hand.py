"""Work given and returned by people, and work that ends."""

from typing import Any

import orjson
import pytest
import sqlalchemy as sa
from distribution_cases import MONDAY, Company, closed

from contracts import limits
from contracts.access import OPERATOR
from runtime.errors import Conflict, Invalid, NotFound
from runtime.ids import new_id
from runtime.tables import outbox
from services.distribution import store, tables
from services.distribution.handlers import hand, leads, people, reasons, views


def told(company: Company) -> list[tuple[str, int, str, str]]:
    """(type, version, seller, reason) of everything told about work, in the order it was told."""
    rows = company.rows(outbox)
    envelopes = [orjson.loads(row["body"]) for row in rows]
    facts = [(envelope["type"], item) for envelope in envelopes for item in envelope["items"] if "work_id" in item]
    return sorted(
        ((kind, fact["subject_version"], fact["seller_id"], fact["reason"]) for kind, fact in facts),
        key=lambda fact: fact[1],
    )


@pytest.mark.feature("R5")
def test_a_hand_assignment_moves_no_debt_but_counts_for_caps(company: Company) -> None:
    team = company.team()
    first, second = company.seller(team, open_cap=2), company.seller(team, open_cap=2)
    lead = company.capture(company.form(team))[0]
    assert company.holder(lead) == first
    before = company.ask(reasons.fairness, team)["items"]
    shown = company.reassign(lead, second)
    assert (shown["seller_id"], shown["assignment_version"], shown["reason"]) == (second, 2, "hand")
    assert company.ask(reasons.fairness, team)["items"] == before
    assert company.open_work() == {first: 0, second: 1}
    why = company.ask(reasons.why, lead)
    assert (why["winner"]["seller_id"], why["reason"], why["candidates"]) == (second, "hand", [])
    assert told(company) == [("work_assigned", 1, first, "rule"), ("work_assigned", 2, second, "hand")]


@pytest.mark.feature("R5")
def test_of_two_who_reassign_at_once_one_is_told_to_look_again(company: Company) -> None:
    team = company.team()
    _, second, third = (company.seller(team) for _ in range(3))
    lead = company.capture(company.form(team))[0]
    transact = company.database.transact
    transact(hand.reassign, OPERATOR, lead, second, 1, company.now)
    for attempt in (
        lambda: transact(hand.reassign, OPERATOR, lead, third, 1),
        lambda: transact(hand.return_work, OPERATOR, lead, "x", 1),
    ):
        with pytest.raises(Conflict):
            attempt()
    assert company.holder(lead) == second


@pytest.mark.feature("R17")
@pytest.mark.parametrize("limits", [{"open_cap": 1}, {"daily_cap": 1}, {"active": False}])
def test_nobody_is_given_by_hand_more_than_they_may_have(company: Company, limits: dict[str, Any]) -> None:
    team = company.team()
    company.seller(team)
    form = company.form(team)
    limited = company.seller(company.team("Outra"), **limits)
    one, other = company.capture(form, 2)
    if "active" not in limits:
        company.reassign(one, limited)
    with pytest.raises(Invalid) as refused:
        company.reassign(other, limited)
    assert refused.value.errors[0]["field"] == "seller_id"
    assert company.open_work()[limited] == (0 if "active" in limits else 1)


@pytest.mark.feature("R5", "DIS-15")
def test_what_is_returned_goes_to_another_seller_and_never_back(company: Company) -> None:
    team = company.team()
    first, second = company.seller(team), company.seller(team)
    lead = company.capture(company.form(team))[0]
    shown = company.give_back(lead)
    assert (shown["seller_id"], shown["assignment_version"], shown["returned_by"]) == (second, 3, [first])
    waits = company.give_back(lead)
    assert (waits["state"], waits["waiting_reason"], waits["assignment_version"]) == ("waiting", "returned", 4)
    assert {item["reason"] for item in company.ask(reasons.why, lead)["candidates"]} == {"returned"}
    with pytest.raises(Conflict):
        company.give_back(lead)
    third = company.seller(team)
    assert company.holder(lead) == third
    assert company.open_work() == {first: 0, second: 0, third: 1}
    assert told(company) == [
        ("work_assigned", 1, first, "rule"),
        ("work_unassigned", 2, first, "wrong number"),
        ("work_assigned", 3, second, "rule"),
        ("work_unassigned", 4, second, "wrong number"),
        ("work_assigned", 5, third, "rule"),
    ]
    assert company.reassign(lead, first)["seller_id"] == first


@pytest.mark.feature("DIS-3")
def test_returning_does_not_give_the_turn_back(company: Company) -> None:
    team = company.team()
    sellers = [company.seller(team) for _ in range(3)]
    form = company.form(team)
    company.give_back(company.capture(form)[0])
    assert [company.holder(lead) for _ in range(2) for lead in company.capture(form)] == [sellers[2], sellers[1]]


@pytest.mark.feature("DIS-7")
def test_freed_capacity_goes_to_what_waits_in_any_team_of_the_seller(company: Company) -> None:
    north, south = company.team("Norte"), company.team("Sul")
    seller = company.seller(north, south, open_cap=1)
    first = company.capture(company.form(north))[0]
    second = company.capture(company.form(south))[0]
    assert company.holder(second) is None
    company.close(first)
    assert company.holder(second) == seller
    third = company.capture(company.form(north))[0]
    other = company.seller(company.team("Oeste"))
    company.reassign(second, other)
    assert company.holder(third) == seller


@pytest.mark.feature("R4", "R5")
def test_work_is_closed_once_and_stays_closed(company: Company) -> None:
    team = company.team()
    first, second = company.seller(team), company.seller(team)
    lead = company.capture(company.form(team))[0]
    fact = closed(lead, first)
    company.database.transact(leads.close_work, [fact, fact, closed(new_id(), first)], company.now)
    company.database.transact(leads.close_work, [fact], company.now)
    assert company.open_work() == {first: 0, second: 0}
    with pytest.raises(Conflict):
        company.reassign(lead, second)
    with pytest.raises(Conflict):
        company.give_back(lead)


def many(company: Company, *work_ids: str, **destination: str) -> list[tuple[str, str]]:
    """Gives work as its versions are now; the code and the state of each."""
    asked = [{"work_id": work, "version": company.assignment(work)["assignment_version"]} for work in work_ids]
    answer = company.act(hand.reassign_many, asked, *map(destination.get, ("seller_id", "team_id")))
    assert [item["work_id"] for item in answer["items"]] == list(work_ids)
    assert all(item["ok"] == (not item["code"]) == (not item["message"]) for item in answer["items"])
    return [(item["code"], item["assignment"]["state"]) for item in answer["items"]]


@pytest.mark.feature("R5", "R17")
def test_many_are_given_to_a_seller_at_once_as_far_as_they_may_have_them(company: Company) -> None:
    team = company.team()
    first, taker = company.seller(team), company.seller(company.team("Outra"), open_cap=2)
    form = company.form(team)
    work = sorted(company.capture(form, 3))
    (finished,) = company.capture(form)
    company.close(finished)
    shown = many(company, finished, *work, seller_id=taker)
    assert shown == [("conflict", "closed"), ("", "assigned"), ("", "assigned"), ("not_allowed", "assigned")]
    assert company.open_work() == {first: 1, taker: 2}
    assert many(company, work[0], seller_id=taker) == [("not_allowed", "assigned")]
    assert {company.assignment(lead)["reason"] for lead in work[:2]} == {"hand"}
    told = [fact for fact in company_facts(company) if fact["seller_id"] == taker]
    assert sorted((fact["work_id"], fact["previous_seller_id"]) for fact in told) == [
        (lead, first) for lead in work[:2]
    ]
    stale = [{"work_id": work[2], "version": 7}, {"work_id": new_id(), "version": 1}]
    answer = company.act(hand.reassign_many, stale, first)
    assert [item["code"] for item in answer["items"]] == ["conflict", "not_found"]


def company_facts(company: Company) -> list[dict[str, Any]]:
    """Every assignment that was told."""
    envelopes = [orjson.loads(row["body"]) for row in company.rows(outbox)]
    return [item for envelope in envelopes if envelope["type"] == "work_assigned" for item in envelope["items"]]


@pytest.mark.feature("R5", "DIS-7")
def test_what_a_person_gives_to_a_team_goes_by_its_turns_and_stays_there(company: Company) -> None:
    north, south = company.team("Norte"), company.team("Sul")
    ana, rui = company.seller(north, open_cap=2), company.seller(south, open_cap=1)
    form = company.form(north)
    _, had, left = (company.capture(form, score=score)[0] for score in (9, 5, 1))
    assert many(company, left, had, team_id=south) == [("", "waiting"), ("", "assigned")]
    assert company.holder(had) == rui
    company.wake()  # the form's rule says north, and there is room: a person has said otherwise
    assert company.assignment(left)["team_id"] == south
    company.rule(form, north)
    assert company.assignment(left)["team_id"] == south
    assert company.open_work() == {ana: 1, rui: 1}
    assert many(company, left, team_id=south) == [("not_allowed", "waiting")]
    company.change(rui, open_cap=None)
    assert company.holder(left) == rui
    assert [item["got"] for item in company.ask(reasons.fairness, south)["items"]] == [2]
    assert many(company, left, team_id=north) == [("", "assigned")]
    assert company.holder(left) == ana


def test_what_is_no_list_of_work_is_refused(company: Company) -> None:
    team = company.team()
    seller = company.seller(team)
    for items, destination in (
        ([{"work_id": new_id(), "version": 1}] * (limits.REASSIGNED_AT_ONCE + 1), (seller, None)),
        ([{"work_id": "x", "version": 1}], (seller, None)),
        ([{"work_id": new_id()}], (seller, None)),
        ([], (seller, team)),
        ([], (None, None)),
        ([], (new_id(), None)),
        ([], (None, new_id())),
    ):
        with pytest.raises(Invalid):
            company.act(hand.reassign_many, items, *destination)


@pytest.mark.feature("R5")
def test_work_that_waits_without_a_rule_can_be_given_by_hand(company: Company) -> None:
    team = company.team()
    seller = company.seller(team)
    lead = company.capture(new_id())[0]
    shown = company.reassign(lead, seller)
    assert (shown["seller_id"], shown["team_id"], shown["waiting_reason"]) == (seller, team, "")


def test_what_does_not_exist_is_not_found(company: Company) -> None:
    seller = company.seller(company.team())
    for unknown in (new_id(), "nonsense"):
        with pytest.raises(NotFound):
            company.database.transact(hand.reassign, OPERATOR, unknown, seller, 1)
        with pytest.raises(NotFound):
            company.ask(reasons.why, unknown)
        with pytest.raises(NotFound):
            company.ask(people.get_seller, unknown)
        with pytest.raises(NotFound):
            company.ask(people.get_team, unknown)


@pytest.mark.feature("R5")
def test_waiting_work_that_somebody_took_meanwhile_is_not_assigned_over_them(company: Company) -> None:
    team = company.team()
    first, second = company.seller(team, active=False), company.seller(company.team("Outra"))
    lead = company.capture(company.form(team))[0]
    with company.database.read() as connection:
        read = dict(store.work.waiting(connection, [team], 10)[0])
    company.reassign(lead, second)
    mine = read | {"state": "assigned", "seller_id": first, "assignment_version": 1, "assigned_at": company.now}
    with company.database.write() as tx:
        assert not store.work.assign_waiting(tx, [mine])
    assert company.holder(lead) == second


@pytest.mark.feature("R5")
def test_the_database_refuses_a_second_decision_for_the_same_version(company: Company) -> None:
    team = company.team()
    company.seller(team)
    company.capture(company.form(team))
    row = dict(company.rows(tables.decisions)[0])
    with pytest.raises(sa.exc.IntegrityError), company.database.write() as tx:
        tx.connection.execute(sa.insert(tables.decisions).values(**row | {"id": new_id(), "decided_at": MONDAY}))


@pytest.mark.feature("DIS-7")
def test_pages_of_work(company: Company) -> None:
    team = company.team()
    seller = company.seller(team, open_cap=3)
    company.capture(company.form(team), 7)
    for view, count in ((lambda *a: company.ask(views.seller_work, seller, *a), 3), (company_waiting(company), 4)):
        seen, cursor = [], None
        while True:
            page = view(cursor, 2)
            seen += [item["work_id"] for item in page["items"]]
            cursor = page["next"]
            if cursor is None:
                break
        assert len(seen) == len(set(seen)) == count


def company_waiting(company: Company) -> Any:
    return lambda *arguments: company.ask(views.waiting, *arguments)


@pytest.mark.feature("DIS-7", "DIS-15")
def test_a_lead_without_a_team_says_why_it_waits_when_it_is_returned(company: Company) -> None:
    loner, form = company.seller(), new_id()
    first, second = company.capture(form, 2)
    for lead in (first, second):
        company.reassign(lead, loner)
    returned = company.give_back(first)
    assert (returned["state"], returned["team_id"], returned["waiting_reason"]) == ("waiting", None, "no_rule")
    team = company.team()
    seller = company.seller(team)
    company.rule(form, team)
    assert company.holder(first) == seller
    returned = company.give_back(second)  # given before there was a rule, returned after
    assert (returned["team_id"], returned["seller_id"]) == (team, seller)
