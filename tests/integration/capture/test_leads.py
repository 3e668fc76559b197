"""Submissions become leads of contacts, once each, whatever the batch."""

from dataclasses import replace
from typing import Any

import orjson
import pytest
import sqlalchemy as sa
from capture_cases import FORM, digest_of, submission, take
from runtime_cases import count, trips_to

from contracts.access import NOBODY, OPERATOR, Actor
from contracts.capture import ACCEPT_SUBMISSION
from runtime.database import Database
from runtime.errors import Conflict, Invalid, NotFound
from runtime.ids import new_id
from runtime.inbox import Inbox, Subscription
from runtime.migrations import differences, upgrade
from runtime.settings import Settings
from runtime.tables import failed, outbox
from runtime.wire import pack
from services.capture import tables
from services.capture.handlers import forms, intake, leads, quarantine


@pytest.mark.feature("CAP-1")
def test_the_code_and_its_migrations_agree(settings: Settings) -> None:
    upgrade("capture", settings)
    assert differences("capture", settings) == []


@pytest.mark.feature("CAP-8")
def test_the_same_person_is_one_contact_across_batches_and_within_one(database: Database) -> None:
    take(database, submission(email="ana@example.com"))
    told = take(
        database,
        submission(email="ANA@example.com", phone="912345678", name="Ana"),
        submission(phone="+351912345678"),
        submission(email="rui@example.com"),
    )
    assert count(database, tables.contact) == 2
    assert [fact.returning for fact in told] == [True, True, False]
    assert told[0].contact_id == told[1].contact_id != told[2].contact_id


@pytest.mark.feature("CAP-8")
def test_a_returning_contact_fills_the_gaps_of_the_card_and_changes_nothing_else(database: Database) -> None:
    take(database, submission(email="ana@example.com", name="Ana"))
    (told,) = take(database, submission(email="ana@example.com", name="Somebody Else", phone="912345678"))
    with database.read() as connection:
        card = leads.get_lead(connection, OPERATOR, told.lead_id)
    assert (card["name"], card["phone"], card["quality"]) == ("Ana", "+351912345678", 90)


@pytest.mark.feature("CAP-7")
def test_a_lead_without_valid_details_is_kept_all_the_same(database: Database) -> None:
    (told,) = take(database, submission(email="nonsense", phone="12"))
    with database.read() as connection:
        card = leads.get_lead(connection, OPERATOR, told.lead_id)
    assert (card["email"], card["phone"], card["quality"]) == ("", "", 0)
    assert card["fields"] == {"email": "nonsense", "phone": "12"}


@pytest.mark.feature("R2", "CAP-1")
def test_a_repeat_is_one_lead_and_another_body_goes_to_quarantine(database: Database) -> None:
    lead_id = new_id()
    first = submission(lead_id, email="ana@example.com")
    assert len(take(database, first, first)) == 1
    assert take(database, first) == []
    other = submission(lead_id, email="eve@example.com")
    assert take(database, other) == []
    assert take(database, other) == []
    assert count(database, tables.lead) == 1
    with database.read() as connection:
        (kept,) = quarantine.quarantined(connection, OPERATOR, None, 10, None)["items"]
        assert (kept["lead_id"], kept["fields"]) == (lead_id, {"email": "eve@example.com"})
        digest = digest_of({"email": "ana@example.com"})
        states = [leads.submission_state(connection, OPERATOR, lead_id, value)["state"] for value in (digest, "else")]
        assert [*states, leads.submission_state(connection, OPERATOR, new_id(), digest)["state"]] == [
            "same",
            "conflict",
            "new",
        ]
        for actor in (NOBODY, Actor(role="seller", seller_id=new_id()), Actor(role="supervisor")):
            assert leads.submission_state(connection, actor, lead_id, digest) == {"state": "new"}


@pytest.mark.feature("CAP-8")
def test_a_batch_that_says_much_of_one_contact_keeps_the_first_word_on_each_detail(database: Database) -> None:
    take(database, submission(email="ana@example.com"), submission(email="rui@example.com", name="Rui"))
    told = take(
        database,
        submission(email="ana@example.com", name="Ana"),
        submission(email="rui@example.com", name="Rodrigo"),
        submission(email="ana@example.com", name="Anabela", phone="912345678"),
        submission(email="eva@example.com", phone="nonsense"),
        submission(email="eva@example.com", phone="966666666"),
    )
    with database.read() as connection:
        cards = [leads.get_lead(connection, OPERATOR, fact.lead_id) for fact in told]
    kept = {card["email"]: (card["name"], card["phone"], card["quality"]) for card in cards}
    assert kept == {
        "ana@example.com": ("Ana", "+351912345678", 90),
        "rui@example.com": ("Rui", "", 50),
        "eva@example.com": ("", "+351966666666", 80),
    }
    assert count(database, tables.contact) == 3


@pytest.mark.feature("CAP-1")
def test_the_number_of_statements_does_not_grow_with_the_batch(database: Database) -> None:
    statements = trips_to(database)
    counts = []
    for size in (2, 200):
        returning = [submission(email=f"{size}-{number}@example.com") for number in range(size // 2)]
        take(database, *returning)
        statements.clear()
        take(database, *(submission(email=f"{size}-{number}@example.com", name="Ana") for number in range(size)))
        counts.append(len(statements))
    assert counts[0] == counts[1] <= 10, statements


@pytest.mark.feature("CAP-8")
def test_contacts_and_their_keys_are_written_in_one_order(database: Database) -> None:
    written: list[list[Any]] = []

    def note(_connection: object, _cursor: object, statement: str, parameters: Any, *_: object) -> None:
        if statement.replace('"', "").startswith(("INSERT INTO contact ", "INSERT INTO contact_key ")):
            written.append([value for value in _flat(parameters) if isinstance(value, str) and value in wanted])

    sa.event.listen(database.engine, "before_cursor_execute", note)
    emails = [f"{number}@example.com" for number in (5, 1, 4, 2, 3)]
    wanted = {f"email:{email}" for email in emails}
    take(database, *(submission(email=email) for email in emails))
    with database.read() as connection:
        wanted = set(connection.execute(sa.select(tables.contact.c.id)).scalars())
    assert written.pop() == sorted(f"email:{email}" for email in emails)
    written.clear()
    take(database, *(submission(email=email, name="Again") for email in reversed(emails)))
    assert written == [sorted(wanted)]


def _flat(parameters: Any) -> list[Any]:
    if isinstance(parameters, dict):
        return _flat(orjson.loads(parameters["rows"])) if "rows" in parameters else list(parameters.values())
    return [value for row in parameters for value in (_flat(row) if isinstance(row, dict | tuple) else [row])]


@pytest.mark.feature("R2", "R8")
def test_a_submission_without_a_digest_is_set_aside_and_the_others_become_leads(database: Database) -> None:
    subscription = Subscription(
        ACCEPT_SUBMISSION,
        "capture.accept_submission",
        "live",
        intake.store_leads,
        intake.prepare,
        frozenset({"lead_captured"}),
    )
    good = submission(email="ana@example.com")
    facts = [good, replace(submission(email="eve@example.com"), digest="")]
    inbox = Inbox(database, subscription, retry_base_seconds=60, inbox_days=30)
    inbox.receive([message.body for message in pack(ACCEPT_SUBMISSION, facts, lane="live")])
    with database.read() as connection:
        assert leads.list_leads(connection, OPERATOR, None, 10, {})["items"][0]["lead_id"] == good.lead_id
        (kept,) = connection.execute(sa.select(failed)).all()
    assert count(database, tables.lead) == 1
    assert (kept.subject, "digest" in kept.error) == (facts[1].lead_id, True)


@pytest.mark.feature("CAP-2")
def test_forms_are_made_changed_and_told(database: Database) -> None:
    definition = {"key": "contact", "name": "Contact", "source": "site", "fields": [{"name": "email", "kind": "email"}]}
    form = database.transact(forms.create_form, OPERATOR, definition)
    assert (form["version"], form["active"], form["fields"][0]["max_length"]) == (1, True, 500)
    with pytest.raises(Invalid, match="taken"):
        database.transact(forms.create_form, OPERATOR, definition)
    changed = database.transact(forms.update_form, OPERATOR, form["form_id"], {"name": "Talk to us"}, 1)
    assert (changed["version"], changed["name"]) == (2, "Talk to us")
    with pytest.raises(Conflict, match="version 2, not 1"):
        database.transact(forms.update_form, OPERATOR, form["form_id"], {"name": "Late"}, 1)
    with pytest.raises(Invalid, match="can be changed"):
        database.transact(forms.update_form, OPERATOR, form["form_id"], {"key": "other"}, 2)
    with pytest.raises(NotFound):
        database.transact(forms.update_form, OPERATOR, new_id(), {}, 1)
    assert count(database, outbox) == 2


@pytest.mark.feature("CAP-2")
@pytest.mark.parametrize(
    ("wrong", "named"),
    [
        ({"one_of": None}, "one_of"),
        ({"fields": [{"name": "email", "colour": "red"}]}, "fields.0.colour"),
        ({"fields": [{"name": "email", "choices": None}]}, "fields.0.choices"),
    ],
)
def test_a_definition_that_means_nothing_is_refused_by_name(
    database: Database, wrong: dict[str, Any], named: str
) -> None:
    definition = {"key": "contact", "name": "Contact", "source": "site", "fields": [{"name": "email"}]}
    with pytest.raises(Invalid) as made:
        database.transact(forms.create_form, OPERATOR, {**definition, **wrong})
    form = database.transact(forms.create_form, OPERATOR, definition)
    with pytest.raises(Invalid) as changed:
        database.transact(forms.update_form, OPERATOR, form["form_id"], wrong, 1)
    for refused in (made, changed):
        assert [error["field"] for error in refused.value.errors] == [named]


@pytest.mark.feature("CAP-1")
def test_leads_are_listed_newest_first_page_by_page(database: Database) -> None:
    told = [fact for number in range(5) for fact in take(database, submission(name=f"Visitor {number}"))]
    with database.read() as connection:
        first = leads.list_leads(connection, OPERATOR, None, 3, {"form_id": FORM})
        second = leads.list_leads(connection, OPERATOR, first["next"], 3, {"form_id": FORM})
        with pytest.raises(Invalid, match="cursor"):
            leads.list_leads(connection, OPERATOR, "nonsense", 3, {})
    listed = [lead["lead_id"] for lead in first["items"] + second["items"]]
    assert listed == [fact.lead_id for fact in reversed(told)]
    assert second["next"] is None
