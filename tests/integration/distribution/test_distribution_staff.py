"""Teams, sellers and rules: what is taken, what is refused and how it is said."""

from functools import partial
from typing import Any

import orjson
import pytest
from distribution_cases import MONDAY, OFFICE, Company

from contracts.access import OPERATOR
from runtime.clock import iso
from runtime.errors import Conflict, Invalid, NotFound
from runtime.ids import new_id
from runtime.tables import outbox
from services.distribution.handlers import absences, people, reasons, staff


@pytest.mark.feature("DIS-1")
def test_a_seller_is_shown_as_given(company: Company) -> None:
    north, south = company.team("Norte"), company.team("Sul")
    given = {
        "name": "Beatriz Ação",
        "email": "beatriz@empresa-modelo.pt",
        "phone": "+351912345678",
        "locale": "pt",
        "time_zone": "Atlantic/Azores",
        "channels": ["sms", "email"],
        "teams": sorted([north, south]),
        "weight": 3,
        "daily_cap": 20,
        "open_cap": None,
        "working_hours": OFFICE,
        "holidays": ["2026-12-25"],
        "active": True,
    }
    shown = company.ask(people.get_seller, company.seller(**given))
    assert {name: shown[name] for name in given} == given
    assert shown["version"] == 1
    listed = company.ask(people.list_sellers, north)["items"]
    assert [item["seller_id"] for item in listed] == [shown["seller_id"]]
    assert company.ask(people.list_sellers, company.team("Leste"))["items"] == []


REFUSED: list[tuple[str, Any, str]] = [
    ("name", " ", "required"),
    ("name", "x" * 201, "too_long"),
    ("name", 7, "invalid"),
    ("email", "nobody", "invalid"),
    ("email", "a@b.pt\nBcc: c@d.pt", "invalid"),
    ("weight", 0, "invalid"),
    ("weight", -1, "invalid"),
    ("weight", 1.5, "invalid"),
    ("weight", True, "invalid"),
    ("weight", 10**9, "invalid"),
    ("daily_cap", -1, "invalid"),
    ("open_cap", "5", "invalid"),
    ("time_zone", "Europe/Lisbom", "invalid"),
    ("time_zone", "../../etc/passwd", "invalid"),
    ("channels", ["fax"], "not_allowed"),
    ("channels", "sms", "invalid"),
    ("holidays", ["25/12/2026"], "invalid"),
    ("active", 1, "invalid"),
    ("teams", ["norte"], "invalid"),
    ("teams", [new_id()], "not_found"),
    ("shoe_size", 42, "not_allowed"),
    ("working_hours", [{"days": [0], "start": "9", "end": "18:00"}], "invalid"),
    ("working_hours", [{"days": [8], "start": "09:00", "end": "18:00"}], "invalid"),
    ("working_hours", [{"days": [0], "start": "09:00"}], "invalid"),
    ("working_hours", [*OFFICE, {"days": [4], "start": "17:00", "end": "19:00"}], "overlap"),
]


@pytest.mark.feature("DIS-1")
def test_what_cannot_be_taken_is_refused_by_field(company: Company) -> None:
    seller = company.seller(company.team())
    for field, value, code in REFUSED:
        for attempt in (company.seller, partial(company.change, seller)):
            with pytest.raises(Invalid) as refused:
                attempt(**{field: value})
            assert [(error["field"], error["code"]) for error in refused.value.errors] == [(field, code)]


def test_every_problem_is_told_at_once(company: Company) -> None:
    with pytest.raises(Invalid) as refused:
        company.database.transact(staff.create_seller, OPERATOR, {"weight": 0, "email": "x"})
    assert [error["field"] for error in refused.value.errors] == ["name", "weight", "email"]


def test_two_teams_of_one_name_would_be_mixed_up(company: Company) -> None:
    team = company.team("Norte")
    other = company.team("Sul")
    with pytest.raises(Invalid):
        company.team("Norte")
    with pytest.raises(Invalid):
        company.database.transact(staff.update_team, OPERATOR, other, {"name": "Norte"}, 1)
    assert (
        company.database.transact(staff.update_team, OPERATOR, team, {"name": "Norte", "supervisor": "Rui"}, 1)[
            "version"
        ]
        == 2
    )
    assert [item["name"] for item in company.ask(people.list_teams)["items"]] == ["Sul", "Norte"]


def test_of_two_who_change_a_seller_at_once_one_is_told_to_look_again(company: Company) -> None:
    team = company.team()
    seller = company.seller(team)
    transact = company.database.transact
    assert transact(staff.update_seller, OPERATOR, seller, {"weight": 2}, 1)["version"] == 2
    with pytest.raises(Conflict):
        transact(staff.update_seller, OPERATOR, seller, {"weight": 3}, 1)
    assert transact(staff.update_team, OPERATOR, team, {"supervisor": "Rui"}, 1)["version"] == 2
    with pytest.raises(Conflict):
        transact(staff.update_team, OPERATOR, team, {"supervisor": "Ana"}, 1)


@pytest.mark.feature("DIS-1")
def test_others_are_told_of_every_change_of_a_seller(company: Company) -> None:
    seller = company.seller(company.team(), name="Ana", channels=["sms"])
    company.change(seller, name="Ana Luísa", active=False)
    envelopes = [orjson.loads(row["body"]) for row in company.rows(outbox)]
    facts = sorted((item for envelope in envelopes for item in envelope["items"]), key=lambda f: f["subject_version"])
    assert [(fact["subject_version"], fact["name"], fact["active"]) for fact in facts] == [
        (1, "Ana", True),
        (2, "Ana Luísa", False),
    ]
    assert facts[0]["channels"] == ["sms"]


@pytest.mark.feature("DIS-1")
def test_time_off_is_checked_and_can_be_taken_back(company: Company) -> None:
    seller = company.seller(company.team())
    later = iso(MONDAY.replace(hour=20))
    add = absences.add_time_off
    for wrong in ((seller, later, later, ""), (seller, "soon", later, ""), (seller, "2026-03-02T12:00", later, "")):
        with pytest.raises(Invalid):
            company.database.transact(add, OPERATOR, *wrong)
    with pytest.raises(NotFound):
        company.database.transact(add, OPERATOR, new_id(), iso(MONDAY), later, "")
    shown = company.database.transact(add, OPERATOR, seller, iso(MONDAY), later, "dentist")
    assert [(off["ends_at"], off["reason"]) for off in shown["time_off"]] == [
        (MONDAY.replace(hour=20).isoformat(), "dentist")
    ]
    time_off = shown["time_off"][0]["id"]
    for stranger in (company.seller(), new_id()):
        with pytest.raises(NotFound):
            company.database.transact(absences.remove_time_off, OPERATOR, stranger, time_off)
    assert company.ask(people.get_seller, seller)["time_off"] == shown["time_off"]
    assert company.database.transact(absences.remove_time_off, OPERATOR, seller, time_off)["time_off"] == []
    with pytest.raises(NotFound):
        company.database.transact(absences.remove_time_off, OPERATOR, seller, time_off)


@pytest.mark.feature("DIS-1")
@pytest.mark.parametrize(
    ("starts", "ends", "taken"),
    [(8, 10, True), (8, 11, False), (11, 12, False), (8, 20, False), (10, 14, False), (13, 20, False), (14, 20, True)],
)
def test_time_off_that_overlaps_another_is_refused_and_the_other_named(
    company: Company, starts: int, ends: int, taken: bool
) -> None:
    seller = company.seller()

    def add(begin: int, end: int, who: str = seller) -> dict[str, Any]:
        span = (iso(MONDAY.replace(hour=begin)), iso(MONDAY.replace(hour=end)))
        return company.database.transact(absences.add_time_off, OPERATOR, who, *span)

    (there,) = add(10, 14)["time_off"]
    assert add(starts, ends, company.seller())["time_off"]  # somebody else's is none of theirs
    if taken:
        assert len(add(starts, ends)["time_off"]) == 2
        return
    with pytest.raises(Invalid) as refused:
        add(starts, ends)
    (error,) = refused.value.errors
    assert (error["field"], error["code"]) == ("starts_at", "overlap")
    assert there["id"] in error["message"]
    assert company.ask(people.get_seller, seller)["time_off"] == [there]


def test_a_rule_names_a_team_there_is(company: Company) -> None:
    team = company.team()
    for form, unknown, field in ((new_id(), new_id(), "team_id"), ("x", team, "form_id"), (new_id(), "x", "team_id")):
        with pytest.raises(Invalid) as refused:
            company.database.transact(staff.set_rule, OPERATOR, form, unknown)
        assert refused.value.errors[0]["field"] == field
    form = company.form(team)
    company.rule(form, team)
    listed = company.ask(people.list_rules)["items"]
    assert [(item["form_id"], item["team_id"], item["strategy"], item["version"]) for item in listed] == [
        (form, team, "rotation", 2)
    ]


@pytest.mark.feature("DIS-1", "DIS-3")
def test_who_leaves_a_team_keeps_their_account_there(company: Company) -> None:
    team = company.team()
    leaver, stayer = company.seller(team, weight=2), company.seller(team)
    form = company.form(team)
    company.capture(form, 4)
    company.change(leaver, teams=[])
    company.capture(form, 3)
    items = {item["seller_id"]: item for item in company.ask(reasons.fairness, team)["items"]}
    assert (items[leaver]["member"], items[leaver]["got"]) == (False, 3)
    assert (items[stayer]["member"], items[stayer]["got"]) == (True, 4)
    assert items[leaver]["debt"] + items[stayer]["debt"] == pytest.approx(0)
