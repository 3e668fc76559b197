"""Everybody sees their own leads and no others: one, lists, counts, a contact's, activity of forms."""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import permutations, product
from typing import Any

import pytest
import sqlalchemy as sa
from capture_cases import FORM, assigned, submission, take, tell, unassigned, waits
from runtime_cases import trips_to
from sqlalchemy.engine import Connection

from contracts.access import NOBODY, OPERATOR, Actor
from runtime.clock import iso
from runtime.database import Database
from runtime.errors import Invalid, NotFound
from runtime.ids import new_id
from services.capture import tables
from services.capture.handlers import forms, leads
from services.capture.service import CaptureService

pytestmark = pytest.mark.feature("R14", "GTW-1")

ANA, RUI, EVA = (f"019cb8d1-0000-7000-8000-00000000d00{number}" for number in range(1, 4))
NORTH, SOUTH, EAST = (f"019cb8d1-0000-7000-8000-00000000e00{number}" for number in range(1, 4))
FIELD = {"name": "email", "kind": "email"}
ACTORS = {
    "admin": OPERATOR,
    "manager": Actor(role="manager"),
    "north": Actor(role="supervisor", team_ids=(NORTH,)),
    "south": Actor(role="supervisor", team_ids=(SOUTH,)),
    "both": Actor(role="supervisor", team_ids=(NORTH, SOUTH)),
    "teamless": Actor(role="supervisor"),
    "ana": Actor(role="seller", seller_id=ANA, team_ids=(NORTH,)),
    "rui": Actor(role="seller", seller_id=RUI, team_ids=(NORTH,)),
    "eva": Actor(role="seller", seller_id=EVA, team_ids=(SOUTH,)),
    "seller of none": Actor(role="seller", team_ids=(NORTH,)),
    "nobody": NOBODY,
}
SEES = {
    "admin": "ana rui eva lost waits nobody's",
    "manager": "ana rui eva lost waits nobody's",
    "north": "ana rui lost",
    "south": "eva waits",
    "both": "ana rui eva lost waits",
    "teamless": "",
    "ana": "ana",
    "rui": "rui",
    "eva": "eva",
    "seller of none": "",
    "nobody": "",
}


@dataclass
class Leads:
    """Six leads of one contact: three with a seller each, one that its seller lost, one that waits for a team and
    nobody ever had, one that waits for no team."""

    database: Database
    ids: dict[str, str]
    contact_id: str

    def names(self, cards: list[dict[str, Any]]) -> str:
        by_id = {lead_id: name for name, lead_id in self.ids.items()}
        found = {by_id[card["lead_id"]] for card in cards}
        return " ".join(name for name in self.ids if name in found)


@pytest.fixture
def known(database: Database) -> Leads:
    names = ("ana", "rui", "eva", "lost", "waits", "nobody's")
    told = take(database, *(submission(email="visitor@example.com", name=f"Visitor {name}") for name in names))
    ana, rui, eva, lost, waiting, _ = told
    tell(
        database,
        [assigned(ana, ANA, NORTH), assigned(rui, RUI, NORTH), assigned(eva, EVA, SOUTH), assigned(lost, ANA, NORTH)],
    )
    tell(database, [unassigned(lost, ANA, 2)])
    tell(database, [waits(waiting, SOUTH)])
    ids = dict(zip(names, (fact.lead_id for fact in told), strict=True))
    return Leads(database, ids, ana.contact_id)


def test_what_is_not_theirs_does_not_exist(known: Leads) -> None:
    with known.database.read() as connection:
        for who, actor in ACTORS.items():
            listed = leads.list_leads(connection, actor, None, 50, {})["items"]
            assert known.names(listed) == SEES[who], who
            assert leads.count_leads(connection, actor, {})["count"] == len(listed)
            assert known.names(leads.lead_cards(connection, actor, list(known.ids.values()))) == SEES[who], who
            others = leads.contact_leads(connection, actor, known.contact_id, None)["items"]
            assert known.names(others) == SEES[who], who
            activity = leads.form_activity(connection, actor, None)["items"]
            assert [(each["form_id"], each["leads"]) for each in activity] == ([(FORM, len(listed))] if listed else [])
            _assert_gets_only(connection, actor, {known.ids[name] for name in SEES[who].split()}, known.ids.values())


def _assert_gets_only(connection: Connection, actor: Actor, theirs: set[str], lead_ids: Iterable[str]) -> None:
    for lead_id in lead_ids:
        if lead_id in theirs:
            assert leads.get_lead(connection, actor, lead_id)["lead_id"] == lead_id
        else:
            with pytest.raises(NotFound):
                leads.get_lead(connection, actor, lead_id)


FILTERS: list[tuple[dict[str, Any], str]] = [
    ({"seller_id": RUI}, "rui"),
    ({"team_id": NORTH}, "ana rui lost"),
    ({"team_id": SOUTH, "seller_id": EVA}, "eva"),
    ({"owned": True}, "ana rui eva"),
    ({"owned": False}, "lost waits nobody's"),
    ({"team_id": SOUTH, "owned": False}, "waits"),
    ({"owned": True, "team_id": NORTH, "q": "vis"}, "ana rui"),
    ({"form_id": FORM, "source": "site", "q": "VISITOR", "seller_id": RUI}, "rui"),
    ({"source": "site", "q": "eva"}, ""),
]


def test_filters_narrow_what_somebody_sees_and_never_widen_it(known: Leads) -> None:
    with known.database.read() as connection:
        for (filters, finds), (who, actor) in product(FILTERS, ACTORS.items()):
            listed = leads.list_leads(connection, actor, None, 50, filters)["items"]
            wanted = " ".join(name for name in finds.split() if name in SEES[who].split())
            assert known.names(listed) == wanted, (who, filters)
            assert leads.count_leads(connection, actor, filters) == {"count": len(listed), "capped": False}


@pytest.mark.parametrize("who", ["admin", "both", "ana"])
def test_pages_of_every_kind_of_reader_hold_each_lead_once_and_newest_first(database: Database, who: str) -> None:
    told = [fact for number in range(5) for fact in take(database, submission(name=f"Visitor {number}"))]
    tell(database, [assigned(fact, ANA, NORTH) for fact in told])
    listed, cursor = [], None
    with database.read() as connection:
        while True:
            page = leads.list_leads(connection, ACTORS[who], cursor, 2, {})
            listed += [card["lead_id"] for card in page["items"]]
            cursor = page["next"]
            if cursor is None:
                break
    assert listed == [fact.lead_id for fact in reversed(told)]


@pytest.mark.feature("R4")
def test_news_of_owners_may_come_in_any_order_and_twice(database: Database) -> None:
    for order in permutations(range(6)):
        (lead,) = take(database, submission(name="Visitor"))
        news = [
            waits(lead, SOUTH),
            assigned(lead, ANA, NORTH),
            unassigned(lead, ANA, 2),
            assigned(lead, RUI, NORTH, 3),
            unassigned(lead, RUI, 4, NORTH),
            waits(lead, EAST, 4, rule_version=2),
        ]
        for number in (*order, *order[:2]):
            tell(database, [news[number]])
        known = sa.select(tables.owner).where(tables.owner.c.lead_id == lead.lead_id)
        with database.read() as connection:
            row = connection.execute(known).one()
        assert (row.seller_id, row.team_id, row.version) == (None, EAST, 4), order
        assert iso(row.captured_at) == lead.captured_at


def test_a_lead_that_moves_is_seen_by_those_it_moves_to(database: Database) -> None:
    (moved,) = take(database, submission(name="Visitor"))
    tell(database, [assigned(moved, ANA, NORTH)])
    tell(database, [unassigned(moved, ANA, 2, SOUTH)])
    with database.read() as connection:
        assert leads.get_lead(connection, ACTORS["south"], moved.lead_id)["team_id"] == SOUTH
        with pytest.raises(NotFound):
            leads.get_lead(connection, ACTORS["north"], moved.lead_id)


@pytest.mark.feature("R4")
def test_the_newest_of_a_batch_counts_whatever_its_place(database: Database) -> None:
    (lead,) = take(database, submission(name="Visitor"))
    tell(database, [assigned(lead, RUI, SOUTH, 3), assigned(lead, ANA, NORTH, 1)])
    tell(database, [assigned(lead, EVA, NORTH, 2)])
    with database.read() as connection:
        card = leads.get_lead(connection, OPERATOR, lead.lead_id)
    assert (card["seller_id"], card["team_id"]) == (RUI, SOUTH)


def test_who_leads_a_team_sees_what_waits_for_it_wherever_rules_move_it(database: Database) -> None:
    (lead,) = take(database, submission(name="Visitor"))
    seen = []
    for news in (None, waits(lead, SOUTH, 0, 2), waits(lead, NORTH, 0, 1), waits(lead, NORTH, 0, 3)):
        tell(database, [news] if news else [])
        with database.read() as connection:
            seen.append(
                [who for who in ("north", "south") if leads.list_leads(connection, ACTORS[who], None, 9, {})["items"]]
            )
    assert seen == [[], ["south"], ["south"], ["north"]]


@pytest.mark.feature("R4")
def test_of_two_rules_in_one_batch_the_newer_counts(database: Database) -> None:
    (lead,) = take(database, submission(name="Visitor"))
    tell(database, [waits(lead, SOUTH, 0, 2), waits(lead, NORTH, 0, 1)])
    with database.read() as connection:
        assert leads.get_lead(connection, OPERATOR, lead.lead_id)["team_id"] == SOUTH


def test_news_of_owners_cost_one_statement_whatever_the_batch(database: Database) -> None:
    told = take(database, *(submission(name=f"Visitor {number}") for number in range(200)))
    statements = trips_to(database)
    for version, facts in enumerate((told[:2], told, told), 1):
        statements.clear()
        tell(database, [assigned(fact, ANA, NORTH, version) for fact in facts])
        assert len([each for each in statements if each != "BEGIN IMMEDIATE"]) == 1


@pytest.mark.parametrize("filters", [{}, {"q": "visitor"}, {"seller_id": ANA}])
def test_a_page_costs_as_many_statements_as_an_item(database: Database, filters: dict[str, Any]) -> None:
    for number in range(21):
        tell(database, [assigned(fact, ANA, NORTH) for fact in take(database, submission(name=f"Visitor {number}"))])
    statements = trips_to(database)
    with database.read() as connection:
        for limit in (1, 20):
            statements.clear()
            assert len(leads.list_leads(connection, OPERATOR, None, limit, filters)["items"]) == limit
            assert len([each for each in statements if each != "BEGIN"]) == 3


@pytest.mark.parametrize(
    ("filters", "where"),
    [
        ({"seller_id": "'; --"}, "seller_id"),
        ({"since": "yesterday"}, "since"),
        ({"until": 3}, "until"),
        ({"q": "x" * 201}, "q"),
        ({"source": "a\x00b"}, "source"),
        ({"colour": "red"}, "colour"),
    ],
)
def test_a_filter_that_cannot_be_is_named(database: Database, filters: dict[str, Any], where: str) -> None:
    with database.read() as connection, pytest.raises(Invalid) as refused:
        leads.list_leads(connection, OPERATOR, None, 10, filters)
    assert [error["field"] for error in refused.value.errors] == [where]


def test_what_is_no_id_is_nobodys(database: Database) -> None:
    with database.read() as connection:
        assert leads.lead_cards(connection, OPERATOR, ["nonsense", new_id()]) == []
        for ask in (leads.get_lead, forms.get_form):
            with pytest.raises(NotFound):
                ask(connection, OPERATOR, "nonsense")


def test_forms_are_read_by_everybody_with_a_role_and_made_by_managers(database: Database) -> None:
    definition = {"name": "Contact", "source": "site", "fields": [FIELD]}
    form = database.transact(forms.create_form, OPERATOR, definition)
    for actor in ACTORS.values():
        with database.read() as connection:
            listed = forms.list_forms(connection, actor, None, 10)["items"]
            assert listed == ([form] if actor.role else [])
            assert forms.sources(connection, actor)["items"] == (["site"] if actor.role else [])
            if actor.role:
                assert forms.get_form(connection, actor, form["form_id"]) == form
            else:
                with pytest.raises(NotFound):
                    forms.get_form(connection, actor, form["form_id"])
        if not actor.sees_all:
            with pytest.raises(NotFound):
                database.transact(forms.create_form, actor, definition)
            with pytest.raises(NotFound):
                database.transact(forms.update_form, actor, form["form_id"], {"name": "Mine"}, 1)


def test_forms_are_found_by_name_key_or_source(database: Database) -> None:
    for name, source, key in (("Contact", "site", "front-page"), ("Quote 50%", "fair", "quotes")):
        database.transact(forms.create_form, OPERATOR, {"name": name, "source": source, "key": key, "fields": [FIELD]})
    for sought, names in (
        ("cont", ["Contact"]),
        ("FRONT-", ["Contact"]),
        ("fair", ["Quote 50%"]),
        ("0%", ["Quote 50%"]),
    ):
        with database.read() as connection:
            found = forms.list_forms(connection, OPERATOR, None, 10, f" {sought} ")["items"]
        assert [form["name"] for form in found] == names
    with database.read() as connection:
        assert forms.list_forms(connection, OPERATOR, None, 10, "%n")["items"] == []


def test_the_service_asks_in_the_name_of_whoever_asked(known: Leads) -> None:
    service = CaptureService()
    service.database = known.database
    form = known.database.transact(forms.create_form, OPERATOR, {"name": "Form", "source": "s", "fields": [FIELD]})
    lead_id = known.ids["ana"]
    for actor, sees in ((OPERATOR, True), (NOBODY, False)):
        service.actor = actor
        answers = {
            "list_forms": service.list_forms()["items"],
            "sources": service.sources()["items"],
            "form_activity": service.form_activity()["items"],
            "lead_cards": service.lead_cards([lead_id]),
            "list_leads": service.list_leads(q="visitor", limit=10)["items"],
            "count_leads": service.count_leads(owned=True)["count"],
            "contact_leads": service.contact_leads(known.contact_id)["items"],
        }
        assert {name: bool(answer) for name, answer in answers.items()} == dict.fromkeys(answers, sees)
    for ask in (
        lambda: service.get_form(form["form_id"]),
        lambda: service.get_lead(lead_id),
        lambda: service.create_form({}),
        lambda: service.update_form(form["form_id"], {}, 1),
        lambda: service.release(new_id()),
        lambda: service.drop_quarantined(new_id()),
    ):
        with pytest.raises(NotFound):
            ask()
    assert service.quarantined()["items"] == []
    assert service.release_many([new_id()]) == {"items": []}
    assert service.drop_many([new_id()]) == {"dropped": 0}
