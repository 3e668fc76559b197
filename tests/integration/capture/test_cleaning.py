"""Lists of what is to be mended, bulk fixes, merging, and taking all of it back."""

from typing import Any

import pytest
import sqlalchemy as sa
from capture_cases import assigned, submission, take, tell
from runtime_cases import trips_to

from contracts.access import Actor
from contracts.campaigns import OpportunityClosed
from runtime.database import Database
from runtime.errors import Conflict, Invalid, NotFound
from runtime.ids import new_id
from services.capture import tables
from services.capture.handlers import cleaning, contacts, merging

MANAGER = Actor(role="manager", name="Rita")
SELLER, TEAM = "019cb8d1-0000-7000-8000-00000000f000", "019cb8d1-0000-7000-8000-00000000f002"


def state(database: Database) -> dict[str, Any]:
    """All that merging and fixing touch, without what only counts changes."""
    said: dict[str, Any] = {}
    with database.read() as connection:
        for table in (tables.contact, tables.contact_key, tables.lead, tables.contact_note, tables.likeness):
            rows = connection.execute(sa.select(table).order_by(*table.primary_key)).mappings()
            said[table.name] = [
                {name: value for name, value in row.items() if name not in ("version", "updated_at")} for row in rows
            ]
    return said


def card(database: Database, contact_id: str) -> dict[str, Any]:
    with database.read() as connection:
        return contacts.get_contact(connection, MANAGER, contact_id)


def fix(database: Database, what: str, arguments: dict[str, Any] | None = None, **chosen: Any) -> dict[str, Any]:
    with database.read() as connection:
        fixing = cleaning.prepare_fix(
            connection, MANAGER, what, arguments, chosen.get("filters"), chosen.get("contact_ids")
        )
        assert cleaning.preview(fixing)["changes"] == len(fixing.after)
    return database.transact(cleaning.write_fix, MANAGER, fixing)


def undo(database: Database, change: dict[str, Any]) -> dict[str, Any]:
    return database.transact(cleaning.undo_change, MANAGER, change["change_id"])


def pairs(database: Database) -> list[tuple[str, set[str]]]:
    with database.read() as connection:
        items = merging.likely_duplicates(connection, MANAGER, None, 50)["items"]
    return [(each["why"], {side["contact_id"] for side in each["contacts"]}) for each in items]


def trips(database: Database, statements: list[str]) -> int:
    """Statements on their way; what SQLite does row by row goes nowhere."""
    return len(statements if database.dialect == "postgresql" else set(statements))


def one(database: Database, **fields: str) -> str:
    return str(take(database, submission(**fields))[0].contact_id)


@pytest.mark.feature("CAP-8")
def test_likely_duplicates_are_noticed_as_they_come_and_not_asked_again(database: Database) -> None:
    ana = one(database, name="Ana Sá", email="ana@example.com", company="Sol")
    rui = one(database, name="Rui Sá", phone="912345678", company="Sol")
    assert one(database, email="ana@example.com", phone="912345678") == ana
    assert pairs(database) == [("keys", {ana, rui})]
    assert card(database, ana)["likely"][0]["contact"]["contact_id"] == rui
    twin = one(database, name="SÁ, Ana", email="other@example.com", company="sol")
    assert pairs(database)[0] == ("name", {ana, twin})
    different = one(database, name="Ana Sá", email="third@example.com", phone="966666666", company="Sol")
    elsewhere = one(database, name="Ana Sá", email="fourth@example.com", company="Lua")
    assert not any({different, elsewhere} & both for _, both in pairs(database))
    with database.read() as connection:
        listed = merging.likely_duplicates(connection, MANAGER, None, 50)["items"]
        assert cleaning.cleaning_counts(connection, MANAGER, None)["likely"] == {"count": 3, "capped": False}
    ids = [each["likeness_id"] for each in listed]
    assert database.transact(merging.dismiss_likely, MANAGER, ids) == {"dismissed": 2}
    assert database.transact(merging.dismiss_likely, MANAGER, ids) == {"dismissed": 0}
    one(database, email="ana@example.com", phone="912345678")
    assert pairs(database) == []
    with database.read() as connection:
        assert cleaning.cleaning_counts(connection, MANAGER, None)["likely"]["count"] == 0


@pytest.mark.feature("CAP-8")
def test_many_of_one_name_make_as_many_pairs_and_as_many_statements(database: Database) -> None:
    statements = trips_to(database)
    counts = []
    for size in (3, 60):
        statements.clear()
        take(
            database,
            *(submission(name="Maria Silva", email=f"{size}-{n}@a.pt", company=f"{size}") for n in range(size)),
        )
        counts.append(trips(database, statements))
    assert counts[0] == counts[1], statements
    with database.read() as connection:
        assert connection.execute(sa.select(sa.func.count()).select_from(tables.likeness)).scalar_one() == 61


@pytest.mark.feature("CAP-8", "R4")
def test_a_merge_moves_everything_and_its_undo_moves_it_back(database: Database) -> None:
    (first,) = take(database, submission(name="Ana Sá", email="ana@example.com", company="Sol"))
    (second,) = take(database, submission(name="Ana Sá", phone="912345678", company="Sol"))
    third = one(database, name="Ana Sá", email="x@example.com", company="Sol")
    ana, other = first.contact_id, second.contact_id
    database.transact(contacts.add_note, MANAGER, other, {"id": new_id(), "text": "Hello"})
    before = state(database)
    change = database.transact(merging.merge_contacts, MANAGER, ana, other)
    kept = card(database, ana)
    assert (kept["phone"], len(kept["lead_ids"]), kept["notes"][0]["text"]) == ("+351912345678", 2, "Hello")
    assert [each["contact_id"] for each in kept["merged"]] == [other]
    assert card(database, other)["merged_into"] == ana
    with database.read() as connection:
        items = contacts.list_contacts(connection, MANAGER, None, 50, {})["items"]
        assert {each["contact_id"] for each in items} == {ana, third}
    later = take(database, submission(phone="912345678"))[0]
    assert later.contact_id == ana
    with pytest.raises(Conflict):
        database.transact(merging.merge_contacts, MANAGER, third, other)
    assert undo(database, change) == {"undone": 1, "left": 0}
    after = state(database)
    assert [row["contact_id"] for row in after["lead"] if row["id"] == later.lead_id] == [ana]
    after["lead"] = [row for row in after["lead"] if row["id"] != later.lead_id]
    assert after == before
    assert one(database, phone="912345678") == other
    with pytest.raises(Conflict):
        undo(database, change)


@pytest.mark.feature("CAP-8")
def test_pairs_that_hang_together_become_the_oldest_and_the_statements_are_few(database: Database) -> None:
    statements = trips_to(database)
    counts = []
    for size in (2, 20):
        ids = [one(database, name="Ana Sá", email=f"{size}-{n}@a.pt", company=f"Sol {size}") for n in range(size)]
        before = state(database)
        with database.read() as connection:
            open_ones = merging.likely_duplicates(connection, MANAGER, None, 50)["items"]
        statements.clear()
        change = database.transact(merging.merge_likely, MANAGER, [each["likeness_id"] for each in open_ones])
        counts.append(trips(database, statements))
        assert change["contacts"] == size - 1
        assert {card(database, each)["merged_into"] for each in ids[1:]} == {ids[0]}
        assert pairs(database) == []
        undo(database, change)
        assert state(database) == before
        database.transact(merging.dismiss_likely, MANAGER, [each["likeness_id"] for each in open_ones])
    assert counts[0] == counts[1], statements


@pytest.mark.feature("CAP-7")
def test_fixes_mend_what_they_say_and_are_taken_back(database: Database) -> None:
    phone = one(database, name="ANA DE SÁ", email="ana@gmial.com", phone="(11) 98765-4321")
    typo = one(database, name="rui", email="rui@yaho.com")
    fine = one(database, name="Eva Sol", email="eva@gmail.com", phone="912345678")
    before = state(database)
    with database.read() as connection:
        counted = cleaning.cleaning_counts(connection, MANAGER, None)
        assert (counted["bad_phone"]["count"], counted["no_phone"]["count"]) == (1, 1)
    changes = [
        fix(database, "read_phones", {"region": "br"}, filters={}),
        fix(database, "correct_domains", filters={}),
        fix(database, "tidy_names", filters={}),
        fix(database, "set", {"field": "city", "value": "Porto"}, contact_ids=[phone, fine]),
    ]
    assert [each["contacts"] for each in changes] == [1, 2, 2, 2]
    mended = card(database, phone)
    assert (mended["name"], mended["email"], mended["phone"], mended["wrong_phone"], mended["city"]) == (
        "Ana de Sá", "ana@gmail.com", "+5511987654321", "", "Porto",
    )  # fmt: skip
    assert (card(database, typo)["name"], card(database, typo)["email"]) == ("Rui", "rui@yahoo.com")
    assert one(database, email="ana@gmail.com") == phone
    with database.read() as connection:
        found = contacts.list_contacts(connection, MANAGER, None, 9, {"q": "gmail ana"})["items"]
        assert [each["contact_id"] for each in found] == [phone]
        assert [each["what"] for each in cleaning.list_changes(connection, MANAGER, None, 9)["items"]] == [
            "set", "tidy_names", "correct_domains", "read_phones",
        ]  # fmt: skip
    assert [undo(database, each) for each in reversed(changes)] == [{"undone": n, "left": 0} for n in (2, 2, 2, 1)]
    after = state(database)
    after["lead"].pop()
    assert after == before


@pytest.mark.feature("CAP-7")
def test_what_another_has_is_left_alone_and_what_changed_since_is_left(database: Database) -> None:
    right = one(database, email="ana@gmail.com")
    wrong = one(database, email="ana@gmial.com")
    assert fix(database, "correct_domains", filters={})["contacts"] == 0
    assert (card(database, wrong)["email"], pairs(database)) == ("ana@gmial.com", [("keys", {right, wrong})])
    change = fix(database, "set", {"field": "city", "value": "Porto"}, filters={})
    database.transact(contacts.update_contact, MANAGER, right, {"city": "Braga"}, card(database, right)["version"])
    assert undo(database, change) == {"undone": 1, "left": 1}
    assert (card(database, right)["city"], card(database, wrong)["city"]) == ("Braga", "")


@pytest.mark.feature("CAP-7")
def test_what_was_seen_is_done_and_nothing_else(database: Database) -> None:
    def prepared() -> cleaning.Fixing:
        with database.read() as connection:
            return cleaning.prepare_fix(connection, MANAGER, "tidy_names", None, {}, None)

    ana = one(database, name="ANA SÁ", email="ana@example.com")
    seen = cleaning.preview(prepared())["seen"]
    one(database, name="Rui Sá", email="rui@example.com")
    assert cleaning.preview(prepared())["seen"] == seen, "he has nothing to do with it"
    eva = one(database, name="EVA SÁ", email="eva@example.com")
    with pytest.raises(Conflict):
        database.transact(cleaning.write_fix, MANAGER, prepared(), seen)
    assert [card(database, each)["name"] for each in (ana, eva)] == ["ANA SÁ", "EVA SÁ"]
    seen = cleaning.preview(prepared())["seen"]
    assert database.transact(cleaning.write_fix, MANAGER, prepared(), seen)["contacts"] == 2


@pytest.mark.feature("CAP-7")
def test_a_fix_takes_as_many_statements_however_many_it_mends(database: Database) -> None:
    statements = trips_to(database)
    counts = []
    for size in (2, 200):
        take(database, *(submission(name="ANA SÁ", email=f"{size}-{n}@gmial.com") for n in range(size)))
        statements.clear()
        assert fix(database, "correct_domains", filters={})["contacts"] == size
        counts.append(trips(database, statements))
    assert counts[0] == counts[1], statements


@pytest.mark.feature("R14")
def test_cleaning_is_for_those_who_see_everything(database: Database) -> None:
    (told,) = take(database, submission(name="Ana", email="ana@example.com"))
    tell(database, [assigned(told, SELLER, TEAM)])
    for actor in (Actor(role="seller", seller_id=SELLER), Actor(role="supervisor", team_ids=(TEAM,)), Actor()):
        with database.read() as connection:
            for ask in (
                lambda: cleaning.cleaning_counts(connection, actor, None),  # noqa: B023
                lambda: cleaning.list_changes(connection, actor, None, 9),  # noqa: B023
                lambda: merging.likely_duplicates(connection, actor, None, 9),  # noqa: B023
                lambda: cleaning.prepare_fix(connection, actor, "tidy_names", None, {}, None),  # noqa: B023
            ):
                with pytest.raises(NotFound):
                    ask()
        with pytest.raises(NotFound):
            database.transact(merging.merge_contacts, actor, told.contact_id, told.contact_id)
        with pytest.raises(NotFound):
            database.transact(cleaning.undo_change, actor, new_id())


@pytest.mark.feature("CAP-7")
def test_fixes_that_mean_nothing_are_refused(database: Database) -> None:
    wrong = [("shine", {}, "fix"), ("set", {"field": "email"}, "field"), ("read_phones", {}, "region")]
    for what, arguments, field in wrong:
        with pytest.raises(Invalid) as refused:
            fix(database, what, arguments, filters={})
        assert refused.value.errors[0]["field"] == field


def closed(lead_id: str, outcome: str) -> OpportunityClosed:
    return OpportunityClosed(
        id=new_id(),
        subject=new_id(),
        subject_version=2,
        correlation_id=new_id(),
        opportunity_id=new_id(),
        work_id=lead_id,
        seller_id=SELLER,
        outcome=outcome,
        closed_at="2026-03-01T10:00:00+00:00",
    )


@pytest.mark.feature("CAP-9", "R4")
def test_who_buys_is_a_client_however_often_it_is_told(database: Database) -> None:
    (bought,), (lost,) = (take(database, submission(email=f"{who}@example.com")) for who in ("ana", "rui"))
    for _ in range(3):
        with database.write() as transaction:
            contacts.take_sales(
                transaction, [closed(lost.lead_id, "lost"), closed(bought.lead_id, "won"), closed(new_id(), "won")]
            )
    assert [card(database, each.contact_id)["status"] for each in (bought, lost)] == ["client", "potential"]
    assert card(database, bought.contact_id)["version"] == 2
