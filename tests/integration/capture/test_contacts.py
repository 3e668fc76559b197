"""Contacts: found, shown, changed; everybody sees those of whom they have a lead."""

from typing import Any

import pytest
import sqlalchemy as sa
from capture_cases import assigned, submission, take, tell
from runtime_cases import trips_to

from contracts.access import NOBODY, Actor
from runtime.clock import iso, utc_now
from runtime.database import Database
from runtime.errors import Conflict, Invalid, NotFound
from runtime.ids import new_id
from services.capture import tables
from services.capture.handlers import contacts
from services.capture.store import contacts as lists
from services.capture.store import owned_contacts

SELLER, OTHER, TEAM, TEAM2 = (f"019cb8d1-0000-7000-8000-00000000f00{number}" for number in range(4))
MANAGER = Actor(role="manager", name="Rita")


def listed(database: Database, actor: Actor = MANAGER, **filters: Any) -> list[str]:
    """Names, in the order of the list, page by page; the count agrees."""
    names: list[str] = []
    cursor = None
    with database.read() as connection:
        while True:
            page = contacts.list_contacts(connection, actor, cursor, 3, filters)
            names += [each["name"] for each in page["items"]]
            cursor = page["next"]
            if cursor is None:
                break
        counted = contacts.count_contacts(connection, actor, filters)
    assert counted["count"] == len(names) or counted["capped"]
    return names


def card(database: Database, contact_id: str, actor: Actor = MANAGER) -> dict[str, Any]:
    with database.read() as connection:
        return contacts.get_contact(connection, actor, contact_id)


PEOPLE = [
    {
        "name": f"Visitor{number} {'Silva' if number % 2 else 'Costa'}",
        "email": f"v{number}@example.com",
        "company": "Sol",
    }
    for number in range(12)
]


@pytest.fixture
def base(database: Database) -> list[str]:
    """Twelve contacts, one a batch, so that their order is known; ids, oldest first."""
    ids = []
    for number, person in enumerate(PEOPLE):
        (told,) = take(database, submission(source="fair" if number < 6 else "site", **person))
        ids.append(told.contact_id)
    with database.write() as transaction:
        for number, contact_id in enumerate(ids):
            change = sa.update(tables.contact).where(tables.contact.c.id == contact_id)
            transaction.connection.execute(
                change.values(city="Porto" if number % 3 else "Lisboa", status="client" if number < 3 else "potential")
            )
    return ids


WAYS = [
    ({}, list(range(12))),
    ({"q": "silva"}, [1, 3, 5, 7, 9, 11]),
    ({"q": "example com"}, list(range(12))),
    ({"q": "nobody"}, []),
    ({"q": "%"}, []),
    ({"city": "Lisboa"}, [0, 3, 6, 9]),
    ({"city": "Lisboa", "q": "silva"}, [3, 9]),
    ({"city": "Lisboa", "source": "fair"}, [0, 3]),
    ({"city": "Porto", "source": "fair", "status": "client"}, [1, 2]),
    ({"city": "Lisboa", "source": "site", "status": "client"}, []),
    ({"status": "client", "q": "visitor1"}, [1]),
    ({"problem": "no_phone"}, list(range(12))),
    ({"problem": "no_email"}, []),
    ({"problem": "no_phone", "q": "costa", "source": "fair"}, [0, 2, 4]),
]


@pytest.mark.feature("CAP-13")
@pytest.mark.parametrize("walk", [20_000, 1, 4], ids=["walked", "gathered", "both"])
def test_every_way_to_a_list_finds_the_same(
    database: Database, base: list[str], walk: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lists, "WALK", walk)
    monkeypatch.setattr(lists, "WHOLE", walk)
    for filters, expected in WAYS:
        assert listed(database, **filters) == [PEOPLE[number]["name"] for number in reversed(expected)], filters


@pytest.mark.feature("CAP-13", "R14")
@pytest.mark.parametrize("walk", [5_000, 1], ids=["walked", "gathered"])
def test_sellers_and_supervisors_list_their_own_by_their_newest_lead(
    database: Database, walk: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(owned_contacts, "WALK", walk)
    told = [take(database, submission(**person))[0] for person in PEOPLE[:6]]
    again = take(database, submission(**PEOPLE[0]))[0]
    tell(database, [assigned(lead, SELLER, TEAM) for lead in (told[0], told[1], told[3], again)])
    tell(database, [assigned(told[2], OTHER, TEAM2), assigned(told[4], OTHER, TEAM)])
    names = [person["name"] for person in PEOPLE]
    seller = Actor(role="seller", seller_id=SELLER)
    north, both = Actor(role="supervisor", team_ids=(TEAM,)), Actor(role="supervisor", team_ids=(TEAM, TEAM2))
    assert listed(database, seller) == [names[0], names[3], names[1]]
    assert listed(database, seller, q="silva") == [names[3], names[1]]
    assert listed(database, seller, q="nobody") == listed(database, seller, team_id=TEAM2) == []
    assert listed(database, north) == [names[0], names[4], names[3], names[1]]
    assert listed(database, both) == [names[0], names[4], names[3], names[2], names[1]]
    assert listed(database, both, q="costa") == [names[0], names[4], names[2]]
    assert listed(database, MANAGER, seller_id=OTHER) == [names[4], names[2]]
    assert listed(database, north, seller_id=OTHER) == [names[4]]
    for nobody in (NOBODY, Actor(role="seller"), Actor(role="supervisor")):
        assert listed(database, nobody) == []
    for actor, sees in ((seller, {0, 1, 3}), (north, {0, 1, 3, 4}), (both, {0, 1, 2, 3, 4}), (NOBODY, set())):
        for number, lead in enumerate(told):
            if number in sees:
                assert card(database, lead.contact_id, actor)["name"] == names[number]
                continue
            with pytest.raises(NotFound):
                card(database, lead.contact_id, actor)
            with pytest.raises(NotFound):
                database.transact(contacts.update_contact, actor, lead.contact_id, {"city": "X"}, 1)
            with pytest.raises(NotFound):
                database.transact(contacts.add_note, actor, lead.contact_id, {"id": new_id(), "text": "Hello"})
    assert card(database, told[0].contact_id, north)["lead_ids"] == [again.lead_id, told[0].lead_id]


@pytest.mark.feature("CAP-9")
def test_a_card_is_changed_and_found_by_its_new_words_and_keys(database: Database) -> None:
    ana = take(database, submission(name="Ana", email="ana@example.com", phone="12"))[0].contact_id
    rui = take(database, submission(name="Rui", email="rui@example.com"))[0].contact_id
    before = card(database, ana)
    assert (before["wrong_phone"], before["quality"], before["version"]) == ("12", 50, 1)
    changes = {"email": "ana@casa.example", "phone": "912 345 678", "company": "Casa", "attributes": {"Loja": "3"}}
    after = database.transact(contacts.update_contact, MANAGER, ana, changes, 1)
    assert (after["phone"], after["wrong_phone"], after["quality"], after["version"]) == ("+351912345678", "", 100, 2)
    assert after["attributes"] == {"Loja": "3"}
    assert listed(database, q="casa 5678") == ["Ana"]
    assert listed(database, q="ana example com") == []
    assert take(database, submission(email="ana@casa.example"))[0].contact_id == ana
    assert take(database, submission(email="ana@example.com"))[0].contact_id not in (ana, rui)
    with pytest.raises(Conflict, match="version"):
        database.transact(contacts.update_contact, MANAGER, ana, {"name": "Late"}, 1)
    version = card(database, ana)["version"]
    with pytest.raises(Invalid) as refused:
        database.transact(contacts.update_contact, MANAGER, ana, {"email": "RUI@example.com"}, version)
    (error,) = refused.value.errors
    assert (error["field"], error["code"], rui in error["message"]) == ("email", "taken", True)
    wrong = database.transact(contacts.update_contact, MANAGER, ana, {"email": "nonsense"}, version)
    assert (wrong["email"], wrong["wrong_email"]) == ("", "nonsense")
    for field, value in {"colour": "red", "status": "dead", "name": 3, "attributes": "x"}.items():
        with pytest.raises(Invalid) as refused:
            database.transact(contacts.update_contact, MANAGER, ana, {field: value}, wrong["version"])
        assert refused.value.errors[0]["field"] == field


@pytest.mark.feature("CAP-9")
def test_a_note_is_kept_once(database: Database) -> None:
    ana = take(database, submission(name="Ana", email="ana@example.com"))[0].contact_id
    note = {"id": new_id(), "text": "Calls back in May"}
    first = database.transact(contacts.add_note, MANAGER, ana, note)
    assert database.transact(contacts.add_note, MANAGER, ana, note) == first
    assert (first["by_name"], card(database, ana)["notes"]) == ("Rita", [first])
    with pytest.raises(Conflict):
        database.transact(contacts.add_note, MANAGER, ana, {**note, "text": "Else"})
    with pytest.raises(Invalid):
        database.transact(contacts.add_note, MANAGER, ana, {"id": new_id(), "text": " "})


@pytest.mark.feature("CAP-13")
def test_filters_offer_the_values_there_are(database: Database, base: list[str]) -> None:
    with database.read() as connection:
        assert contacts.contact_values(connection, MANAGER, "city", "")["items"] == ["Lisboa", "Porto"]
        assert contacts.contact_values(connection, MANAGER, "city", "P")["items"] == ["Porto"]
        assert contacts.contact_values(connection, MANAGER, "source", "")["items"] == ["fair", "site"]
        assert contacts.contact_values(connection, MANAGER, "sector", "")["items"] == []
        assert contacts.contact_values(connection, NOBODY, "city", "")["items"] == []
        with pytest.raises(Invalid):
            contacts.contact_values(connection, MANAGER, "email", "")


@pytest.mark.feature("CAP-13")
def test_filters_that_mean_nothing_are_refused(database: Database) -> None:
    wrong = {"colour": "red", "problem": "ugly", "status": "x", "since": "today", "seller_id": "me", "city": 3}
    for name, value in wrong.items():
        with pytest.raises(Invalid) as refused, database.read() as connection:
            contacts.list_contacts(connection, MANAGER, None, 10, {name: value})
        assert refused.value.errors[0]["field"] == name


@pytest.mark.feature("CAP-13")
def test_a_page_takes_as_many_statements_however_long_it_is(database: Database, base: list[str]) -> None:
    statements = trips_to(database)
    counts = []
    for limit in (2, 11):
        statements.clear()
        with database.read() as connection:
            contacts.list_contacts(connection, MANAGER, None, limit, {"q": "visitor", "until": iso(utc_now())})
        counts.append(len(statements))
    assert counts[0] == counts[1] <= 8, statements


@pytest.mark.feature("CAP-13")
def test_what_one_team_has_further_back_does_not_stand_before_what_another_was_not_asked_for(
    database: Database,
) -> None:
    names = ["Ana One", "Ana Two", "Ana Three", *(f"Rui {number}" for number in range(5))]
    told = [take(database, submission(name=name))[0] for name in names]
    tell(database, [assigned(lead, SELLER, TEAM2 if number < 2 else TEAM) for number, lead in enumerate(told)])
    with database.read() as connection:
        both = Actor(role="supervisor", team_ids=(TEAM, TEAM2))
        page = contacts.list_contacts(connection, both, None, 1, {"q": "ana"})
    assert [each["name"] for each in page["items"]] == ["Ana Three"]
