"""What is kept aside: by the key that came with another body, or by a suspicion; let through or thrown away by hand."""

from dataclasses import replace
from typing import Any

import pytest
import sqlalchemy as sa
from capture_cases import submission, take
from runtime_cases import count

from contracts.access import NOBODY, OPERATOR, Actor
from runtime.database import Database
from runtime.errors import Invalid, NotFound
from runtime.ids import new_id
from runtime.tables import outbox
from services.capture import tables
from services.capture.handlers import forms, leads, quarantine

pytestmark = pytest.mark.feature("CAP-3")

FIELDS = [{"name": "name", "role": "name"}, {"name": "email", "kind": "email", "role": "email"}]
OTHERS = (NOBODY, Actor(role="supervisor", team_ids=(new_id(),)), Actor(role="seller", seller_id=new_id()))


@pytest.fixture
def form_id(database: Database) -> str:
    definition = {"name": "Contacto", "source": "fair", "channel": "event", "fields": FIELDS}
    return str(database.transact(forms.create_form, OPERATOR, definition)["form_id"])


def kept(database: Database, actor: Actor = OPERATOR, reason: str | None = None) -> list[dict[str, Any]]:
    with database.read() as connection:
        items: list[dict[str, Any]] = quarantine.quarantined(connection, actor, None, 10, reason)["items"]
    return items


def card(database: Database, lead_id: str) -> dict[str, Any]:
    with database.read() as connection:
        return leads.get_lead(connection, OPERATOR, lead_id)


def test_what_is_suspected_is_no_lead_until_somebody_lets_it_through(database: Database, form_id: str) -> None:
    suspect = replace(
        submission(form_id=form_id, name="Ana", email="ana@example.com"), suspicion="honeypot", is_test=True
    )
    assert take(database, suspect, suspect) == take(database, suspect) == []
    assert count(database, tables.lead) == 0
    (item,) = kept(database, reason="honeypot")
    assert (item["lead_id"], item["reason"], item["form_name"]) == (suspect.lead_id, "honeypot", "Contacto")
    assert item["fields"] == {"name": "Ana", "email": "ana@example.com"}
    told_before = count(database, outbox)
    assert database.transact(quarantine.release, OPERATOR, item["quarantine_id"]) == {"lead_id": suspect.lead_id}
    lead = card(database, suspect.lead_id)
    assert (lead["name"], lead["email"], lead["source"], lead["channel"]) == ("Ana", "ana@example.com", "fair", "event")
    assert (lead["is_test"], lead["correlation_id"]) == (True, suspect.correlation_id)
    assert (kept(database), count(database, outbox)) == ([], told_before + 1)
    assert take(database, suspect) == []
    assert (kept(database), count(database, tables.lead)) == ([], 1)


@pytest.mark.feature("R2")
def test_a_conflict_that_is_let_through_is_a_lead_of_its_own(database: Database, form_id: str) -> None:
    first = submission(form_id=form_id, name="Ana", email="ana@example.com")
    take(database, first)
    take(database, submission(first.lead_id, form_id=form_id, name="Eve", email="eve@example.com"))
    (item,) = kept(database, reason="same_key_other_body")
    lead_id = database.transact(quarantine.release, OPERATOR, item["quarantine_id"])["lead_id"]
    assert lead_id != first.lead_id
    assert (card(database, first.lead_id)["name"], card(database, lead_id)["name"]) == ("Ana", "Eve")
    with pytest.raises(NotFound):
        database.transact(quarantine.release, OPERATOR, item["quarantine_id"])
    assert count(database, tables.lead) == 2


def test_what_is_thrown_away_is_gone(database: Database, form_id: str) -> None:
    take(database, replace(submission(form_id=form_id, name="Bot"), suspicion="honeypot"))
    (item,) = kept(database)
    database.transact(quarantine.drop_quarantined, OPERATOR, item["quarantine_id"])
    assert (kept(database), count(database, tables.lead)) == ([], 0)
    for use_case in (quarantine.drop_quarantined, quarantine.release):
        for identifier in (item["quarantine_id"], "nonsense"):
            with pytest.raises(NotFound):
                database.transact(use_case, OPERATOR, identifier)


def test_many_go_at_once(database: Database, form_id: str) -> None:
    first = submission(form_id=form_id, name="Ana", email="ana@example.com")
    others = [submission(first.lead_id, form_id=form_id, name=name) for name in ("Eve", "Eva")]
    bot = replace(submission(form_id=form_id, name="Bot"), suspicion="honeypot")
    take(database, first, *others, bot)
    chosen = [item["quarantine_id"] for item in kept(database) if item["reason"] != "honeypot"]
    released = database.transact(quarantine.release_many, OPERATOR, [*chosen, new_id(), "nonsense"])["items"]
    assert {item["quarantine_id"] for item in released} == set(chosen)
    assert len({first.lead_id, *(item["lead_id"] for item in released)}) == 3
    assert {card(database, item["lead_id"])["name"] for item in released} == {"Eve", "Eva"}
    assert database.transact(quarantine.release_many, OPERATOR, chosen) == {"items": []}
    left = [item["quarantine_id"] for item in kept(database)]
    assert database.transact(quarantine.drop_many, OPERATOR, [*left, *chosen]) == {"dropped": 1}
    assert (kept(database), count(database, tables.lead)) == ([], 3)
    with pytest.raises(Invalid):
        database.transact(quarantine.drop_many, OPERATOR, [new_id()] * 201)


def test_a_release_that_fails_leaves_it_where_it_was(database: Database, form_id: str) -> None:
    take(database, replace(submission(form_id=form_id, name="Ana"), suspicion="honeypot"))
    (item,) = kept(database)
    with database.write() as transaction:
        transaction.connection.execute(sa.delete(tables.form))
    with pytest.raises(NotFound, match="form"):
        database.transact(quarantine.release, OPERATOR, item["quarantine_id"])
    assert len(kept(database)) == 1


@pytest.mark.feature("R14")
@pytest.mark.parametrize("actor", OTHERS, ids=lambda actor: actor.role or "nobody")
def test_only_managers_know_of_it(database: Database, form_id: str, actor: Actor) -> None:
    take(database, replace(submission(form_id=form_id, name="Bot"), suspicion="honeypot"))
    assert kept(database, actor) == []
    (item,) = kept(database)
    for use_case in (quarantine.drop_quarantined, quarantine.release):
        with pytest.raises(NotFound):
            database.transact(use_case, actor, item["quarantine_id"])
    assert database.transact(quarantine.release_many, actor, [item["quarantine_id"]]) == {"items": []}
    assert database.transact(quarantine.drop_many, actor, [item["quarantine_id"]]) == {"dropped": 0}
    assert len(kept(database)) == 1


def test_reasons_are_told_apart(database: Database, form_id: str) -> None:
    first = submission(form_id=form_id, name="Ana")
    take(database, first, replace(submission(form_id=form_id, name="Bot"), suspicion="honeypot"))
    take(database, submission(first.lead_id, form_id=form_id, name="Eve"))
    assert [item["fields"]["name"] for item in kept(database)] == ["Eve", "Bot"]
    assert [item["fields"]["name"] for item in kept(database, reason="honeypot")] == ["Bot"]
