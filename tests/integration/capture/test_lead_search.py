"""Finding leads by what is known of their contacts, and what a card shows."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from alembic import command
from capture_cases import submission, take

from contracts.access import OPERATOR
from runtime import migrations
from runtime.clock import iso
from runtime.database import Database, open_database
from runtime.ids import new_id
from runtime.migrations import upgrade
from runtime.settings import Settings
from services.capture.handlers import forms, leads

pytestmark = pytest.mark.feature("CAP-13")

PEOPLE = (
    {"name": "João Gonçalves", "email": "joao.g@example.com", "phone": "912345678", "company": "O'Neill & Filhos"},
    {
        "name": "Maria da Silva",
        "email": "msilva@casa-grande.example",
        "phone": "+34 612 345 670",
        "company": "100% Sol",
    },
    {"name": "Rui Silvares", "email": "rui@example.com", "phone": "", "company": "Agenda 2030"},
)


def found(database: Database, **filters: Any) -> set[str]:
    """First names of whom a search finds."""
    with database.read() as connection:
        listed = leads.list_leads(connection, OPERATOR, None, 50, filters)["items"]
        assert leads.count_leads(connection, OPERATOR, filters)["count"] == len(listed)
    return {card["name"].split()[0] for card in listed}


TYPED: list[tuple[str | None, set[str]]] = [
    ("joao", {"João"}),
    ("JOÃO", {"João"}),
    ("goncal", {"João"}),
    ("silva", {"Maria", "Rui"}),
    ("silva maria", {"Maria"}),
    ("ilva", set()),
    ("msilva@casa-gra", {"Maria"}),
    ("joao.g@example.com", {"João"}),
    ("example", {"João", "Maria", "Rui"}),
    ("o'neill", {"João"}),
    ("100%", {"Maria"}),
    ("%", set()),
    ("_", set()),
    ("2030", {"Rui"}),
    ("912 345 678", {"João"}),
    ("+351 912", {"João"}),
    ("00351912345678", {"João"}),
    ("912\u00a0345", {"João"}),
    ("34567", set()),
    ("5678", {"João"}),
    ("912345", {"João"}),
    ("12", set()),
    ("joao rui", set()),
    ("   ", {"João", "Maria", "Rui"}),
    (None, {"João", "Maria", "Rui"}),
]


def test_words_are_found_by_their_beginning_and_phones_by_digits(database: Database) -> None:
    take(database, *(submission(**person) for person in PEOPLE))
    for typed, finds in TYPED:
        assert found(database, q=typed) == finds, typed


def test_what_a_returning_contact_adds_to_its_card_is_found(database: Database) -> None:
    take(database, submission(phone="912345678"))
    assert found(database, q="ana") == set()
    take(database, submission(phone="912345678", name="Ana Lopes"))
    take(database, submission(phone="912345678", name="Ana Lopes", company="Padaria"))
    for typed in ("ana", "lopes padaria"):
        with database.read() as connection:
            assert leads.count_leads(connection, OPERATOR, {"q": typed})["count"] == 3


def test_leads_are_found_by_when_they_came_and_where_from(database: Database) -> None:
    told = [
        fact
        for source in ("site", "fair", "site")
        for fact in take(database, submission(name=f"From {source}", source=source))
    ]
    second = datetime.fromisoformat(told[1].captured_at)
    after = iso(second + timedelta(microseconds=1))

    def ids(**filters: Any) -> list[str]:
        with database.read() as connection:
            return [card["lead_id"] for card in leads.list_leads(connection, OPERATOR, None, 50, filters)["items"]]

    assert ids(source="fair") == [told[1].lead_id]
    assert ids(since=told[1].captured_at) == [told[2].lead_id, told[1].lead_id]
    assert ids(until=told[1].captured_at) == [told[0].lead_id]
    assert ids(since=told[1].captured_at, until=after) == [told[1].lead_id]


def test_a_count_ends_somewhere(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(leads, "MOST_COUNTED", 3)
    take(database, *(submission(name=f"Visitor {number}") for number in range(3)))
    with database.read() as connection:
        assert leads.count_leads(connection, OPERATOR, {}) == {"count": 3, "capped": False}
    take(database, submission(name="One more"))
    with database.read() as connection:
        assert leads.count_leads(connection, OPERATOR, {}) == {"count": 3, "capped": True}


@pytest.mark.feature("CAP-2")
def test_a_card_says_what_people_read_and_that_it_is_a_test(database: Database) -> None:
    fields = [{"name": "nome", "role": "name", "label": "O seu nome"}, {"name": "obs"}]
    form = database.transact(forms.create_form, OPERATOR, {"name": "Contacto", "source": "site", "fields": fields})
    test = replace(submission(form_id=form["form_id"], nome="Ana"), is_test=True)
    told = take(database, test, submission(name="Of a form that is not known"))
    with database.read() as connection:
        card, stray = leads.lead_cards(connection, OPERATOR, [fact.lead_id for fact in told])
    assert (card["form_name"], card["labels"]) == ("Contacto", {"nome": "O seu nome", "obs": "obs"})
    assert (card["is_test"], card["seller_id"], card["team_id"]) == (True, None, None)
    assert (stray["form_name"], stray["labels"], stray["is_test"]) == ("", {}, False)


def test_a_contacts_other_leads_are_the_newest_without_the_one_in_hand(database: Database) -> None:
    told = take(database, *(submission(email="ana@example.com") for _ in range(52)))
    newest = sorted(told, key=lambda fact: fact.lead_id, reverse=True)
    with database.read() as connection:
        contact_id = told[0].contact_id
        others = leads.contact_leads(connection, OPERATOR, contact_id, newest[0].lead_id)["items"]
        assert [card["lead_id"] for card in others] == [fact.lead_id for fact in newest[1:51]]
        assert leads.contact_leads(connection, OPERATOR, new_id(), None) == {"items": []}


@pytest.mark.feature("CAP-2")
def test_activity_of_forms_is_counted_by_the_callers_day(database: Database) -> None:
    first = take(database, submission(name="Early"))[0]
    take(database, submission(name="Late"))
    last = take(database, submission(name="Last"))[0]
    began = iso(datetime.fromisoformat(first.captured_at) + timedelta(microseconds=1))
    with database.read() as connection:
        (activity,) = leads.form_activity(connection, OPERATOR, began)["items"]
    assert (activity["leads"], activity["today"]) == (3, 2)
    assert datetime.fromisoformat(activity["last_at"]) == datetime.fromisoformat(last.captured_at)


def test_contacts_that_were_there_before_the_search_are_found_by_it(fresh_settings: Settings) -> None:
    with migrations._configured("capture", fresh_settings) as config:
        command.upgrade(config, "0001")
    database = open_database("capture", fresh_settings)
    columns = ("name", "email", "phone", "company", "city", "country", "sector", "product")
    values = {**dict.fromkeys(columns, ""), "quality": 0, "created_at": "2026-01-01", "updated_at": "2026-01-01"}
    names = (*columns, "id", "quality", "created_at", "updated_at")
    add = sa.text(f"INSERT INTO contact ({', '.join(names)}) VALUES ({', '.join(f':{name}' for name in names)})")
    with database.write() as transaction:
        transaction.connection.execute(add, [{**values, "id": new_id(), "name": f"Zé {number}"} for number in range(5)])
    upgrade("capture", fresh_settings)
    with database.read() as connection:
        words = connection.execute(sa.text("SELECT search FROM contact ORDER BY search")).scalars().all()
    database.close()
    assert words == [f" ze {number}" for number in range(5)]
