"""Lists of people and of work: what is found, in what order, and in how many queries."""

from datetime import datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from distribution_cases import MONDAY, OFFICE, Company

from contracts.access import Actor
from runtime.clock import iso
from runtime.errors import Invalid, NotFound
from runtime.ids import new_id
from services.distribution.handlers import absences, hand, people, views


def ids(page: dict[str, Any]) -> list[str]:
    return [item["work_id"] for item in page["items"]]


def names(page: dict[str, Any]) -> list[str]:
    return [item["name"] for item in page["items"]]


def queries(company: Company, view: Any, *arguments: Any) -> int:
    said: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_rest: object) -> None:
        said.append(statement)

    sa.event.listen(company.database.engine, "before_cursor_execute", note)
    company.ask(view, *arguments)
    sa.event.remove(company.database.engine, "before_cursor_execute", note)
    return len(said)


@pytest.mark.feature("DIS-1")
def test_sellers_are_found_by_team_text_and_switch(company: Company) -> None:
    north, south = company.team("Norte"), company.team("Sul")
    company.seller(north, name="Ana Braga", email="ana@example.com")
    company.seller(south, name="Rui", email="rui.braga@example.com", active=False)
    company.seller(north, south, name="100% Eva")
    listed = people.list_sellers
    assert names(company.ask(listed, None, None, 50, "BRAGA")) == ["Rui", "Ana Braga"]
    assert names(company.ask(listed, south, None, 50, "braga")) == ["Rui"]
    assert names(company.ask(listed, None, None, 50, "braga", True)) == ["Ana Braga"]
    assert names(company.ask(listed, None, None, 50, "%")) == ["100% Eva"]
    assert names(company.ask(listed, None, None, 50, "", False)) == ["Rui"]
    with pytest.raises(Invalid):
        company.ask(listed, None, None, 50, "x" * 201)


@pytest.mark.feature("DIS-1", "DIS-7")
def test_teams_are_listed_with_their_members_and_what_waits(company: Company) -> None:
    north, south = company.team("Norte"), company.team("Sul")
    company.seller(north, south, open_cap=1)
    company.seller(north, active=False)
    company.capture(company.form(north), 3)
    listed = company.ask(people.list_teams)["items"]
    assert [(item["name"], item["members"], item["waiting"]) for item in listed] == [("Sul", 1, 0), ("Norte", 2, 2)]
    assert names(company.ask(people.list_teams, None, 50, "nort")) == ["Norte"]
    assert company.ask(people.get_team, north)["waiting"] == 2


@pytest.mark.feature("DIS-1")
def test_the_calendar_shows_what_touches_the_span(company: Company) -> None:
    north, south = company.team("Norte"), company.team("Sul")
    ana, rui = company.seller(north, name="Ana"), company.seller(south, name="Rui")

    def day(number: int) -> str:
        return iso(MONDAY + timedelta(days=number))

    for seller, starts, ends in ((ana, 5, 7), (ana, 1, 2), (rui, 3, 4), (ana, 9, 10)):
        company.act(absences.add_time_off, seller, day(starts), day(ends), "away")

    def shown(*arguments: Any) -> list[tuple[str, str]]:
        items = company.ask(people.list_time_off, *arguments)["items"]
        return [(item["seller_id"], iso(datetime.fromisoformat(item["starts_at"]))) for item in items]

    assert shown(day(2), day(9)) == [(rui, day(3)), (ana, day(5))]
    assert shown(day(0), day(9), north) == [(ana, day(1)), (ana, day(5))]
    assert shown(day(0), day(9), None, rui) == [(rui, day(3))]
    assert shown(day(0), day(9), None, None, [rui]) == [(rui, day(3))]
    assert shown(day(0), day(9), north, None, [rui]) == []
    assert shown(day(0), day(9), None, None, []) == []
    with pytest.raises(Invalid):
        company.ask(people.list_time_off, "soon", day(9))
    with pytest.raises(Invalid):
        company.ask(people.list_time_off, day(0), day(9), None, None, [new_id() for _ in range(501)])


@pytest.mark.feature("DIS-1")
def test_a_calendar_that_is_cut_says_so(company: Company, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(people, "MOST_TIME_OFF", 2)
    ana, rui = company.seller(company.team(), name="Ana"), company.seller(company.team("Sul"), name="Rui")
    days = [iso(MONDAY + timedelta(days=number)) for number in range(5)]
    for seller, number in ((ana, 0), (ana, 1), (rui, 2)):
        company.act(absences.add_time_off, seller, days[number], days[number + 1], "away")
    everybody = company.ask(people.list_time_off, days[0], days[4])
    assert ([item["seller_id"] for item in everybody["items"]], everybody["is_cut"]) == ([ana, ana], True)
    for seller, number in ((ana, 2), (rui, 1)):
        of_one = company.ask(people.list_time_off, days[0], days[4], None, None, [seller])
        assert (len(of_one["items"]), of_one["is_cut"]) == (number, False)


@pytest.mark.feature("DIS-7")
def test_work_is_found_by_state_seller_team_form_and_time(company: Company) -> None:
    north, south = company.team("Norte"), company.team("Sul")
    ana, rui = company.seller(north, open_cap=2), company.seller(south)
    forms = {team: company.form(team) for team in (north, south)}
    first, second, third = (company.capture(forms[north])[0] for _ in range(3))
    company.later(hours=1)
    (other,) = company.capture(forms[south])
    (stray,) = company.capture(new_id())
    company.close(first)  # so that the third is given out
    company.later(minutes=1)
    (waits,) = company.capture(forms[north])

    def found(**wanted: Any) -> set[str]:
        order = ("state", "seller_id", "team_id", "form_id", "since")
        return set(ids(company.ask(views.list_work, None, 50, *(wanted.get(name) for name in order))))

    assert found() == {first, second, third, other, stray, waits}
    assert found(state="waiting") == {stray, waits}
    assert found(state="closed") == {first}
    assert found(state="assigned", seller_id=ana) == {second, third}
    assert found(seller_id=rui) == {other}
    assert found(team_id=north, state="waiting") == {waits}
    assert found(form_id=forms[south]) == {other}
    assert found(since=iso(MONDAY + timedelta(hours=1))) == {other, stray, waits}
    assert ids(company.ask(views.list_work, None, 50))[0] == waits
    for wrong in ({"state": "lost"}, {"since": "today"}):
        with pytest.raises(Invalid):
            found(**wrong)
    with pytest.raises(Invalid):
        company.ask(views.list_work, None, 50, None, None, None, None, None, "best")


@pytest.mark.feature("DIS-7")
def test_by_priority_what_was_not_opened_is_first_then_score_then_age(company: Company) -> None:
    team = company.team()
    ana = company.seller(team)
    form = company.form(team)
    leads = {}
    for name, score, age in (("old", 5, 3), ("new", 5, 1), ("best", 9, 2), ("seen", 10, 9), ("done", 99, 1)):
        (leads[name],) = company.capture(form, score=score, at=MONDAY - timedelta(hours=age))
    company.act(hand.open_work, leads["seen"], actor=Actor(role="seller", seller_id=ana))
    company.close(leads["done"])
    wanted = [leads[name] for name in ("best", "old", "new", "seen")]
    for view, arguments in (
        (views.seller_work, (ana, None, 50, None, "priority")),
        (views.seller_work, (ana, None, 50, "assigned", "priority")),
        (views.list_work, (None, 50, "assigned", None, team, None, None, "priority")),
    ):
        assert ids(company.ask(view, *arguments)) == wanted
    seen, cursor = [], None
    while True:
        page = company.ask(views.seller_work, ana, cursor, 1, "assigned", "priority")
        seen += ids(page)
        cursor = page["next"]
        if cursor is None:
            break
    assert seen == wanted
    for cursor in ("x", "bnVsbA", "WzEsMiwzLDRd"):
        with pytest.raises(Invalid):
            company.ask(views.seller_work, ana, cursor, 1, "assigned", "priority")
    assert ids(company.ask(views.seller_work, ana, None, 50, "closed")) == [leads["done"]]


@pytest.mark.feature("DIS-7")
def test_work_knows_when_it_was_opened_and_since_when_it_waits(company: Company) -> None:
    team = company.team()
    ana = company.seller(team)
    (lead,) = company.capture(company.form(team))
    asks = Actor(role="seller", seller_id=ana)
    for nosy in (Actor(role="manager"), Actor(role="supervisor", team_ids=(team,))):
        assert company.act(hand.open_work, lead, actor=nosy)["opened_at"] is None
    assert company.ask(views.work_counts, ana) == {"new": 1, "open": 1, "closed_today": 0}
    company.later(minutes=5)
    opened = company.act(hand.open_work, lead, actor=asks)
    company.later(minutes=5)
    assert company.act(hand.open_work, lead, actor=asks) == opened
    assert opened["opened_at"] == (MONDAY + timedelta(minutes=5)).isoformat()
    assert opened["waiting_since"] is None
    assert company.ask(views.work_counts, ana) == {"new": 0, "open": 1, "closed_today": 0}
    waits = company.give_back(lead)
    assert (waits["opened_at"], waits["waiting_since"]) == (None, (MONDAY + timedelta(minutes=10)).isoformat())
    rui = company.seller(team)
    assert company.assignment(lead)["waiting_since"] is None
    company.close(lead)
    assert company.assignment(lead)["closed_at"] == company.now.isoformat()
    assert company.ask(views.work_counts, rui) == {"new": 0, "open": 0, "closed_today": 1}
    company.later(hours=12)  # midnight in Lisbon
    assert company.ask(views.work_counts, rui)["closed_today"] == 0
    for view in (views.work_counts, views.seller_work):
        with pytest.raises(NotFound):
            company.ask(view, new_id())


@pytest.mark.feature("DIS-7")
def test_the_overview_says_what_waits_for_what(company: Company) -> None:
    north, south, bare = company.team("Norte"), company.team("Sul"), company.team("Vazia")
    both = company.seller(north)
    company.seller(south, working_hours=[{"days": [5], "start": "09:00", "end": "18:00"}])
    company.seller(south, active=False)
    company.seller(south, working_hours=OFFICE, open_cap=0)
    (returned,) = company.capture(company.form(north))
    company.give_back(returned)
    company.capture(company.form(south), 2)
    company.capture(company.form(bare), 3)
    company.capture(new_id())
    shown = company.ask(views.overview)
    assert shown == {
        "waiting": 7,
        "waiting_by_reason": {"returned": 1, "all_capped": 2, "no_sellers": 3, "no_rule": 1},
        "on_duty": 2,
        "sellers": 3,
    }
    company.act(absences.set_available, both, False)
    assert company.ask(views.overview)["waiting_by_reason"]["all_away"] == 1
    listed = {item["waiting_reason"] for item in company.ask(views.waiting)["items"]}
    assert listed == company.ask(views.overview)["waiting_by_reason"].keys()


@pytest.mark.feature("DIS-7")
def test_how_many_queries_a_list_takes_does_not_depend_on_its_length(company: Company) -> None:
    def grow(count: int) -> None:
        for number in range(count):
            team = company.team(new_id())
            for _ in range(2):
                company.seller(team, open_cap=1, name=f"Ana {number}")
            company.capture(company.form(team), 3)

    asked: list[tuple[Any, ...]] = [
        (people.list_teams,),
        (people.list_sellers,),
        (people.staff_names,),
        (views.overview,),
        (views.waiting,),
        (views.list_work, None, 50, None, None, None, None, None, "priority"),
    ]
    grow(1)
    few = [queries(company, *each) for each in asked]
    grow(5)
    assert [queries(company, *each) for each in asked] == few
    assert max(few) <= 6
