"""What sellers do is kept once, whatever the line does meanwhile."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
import sqlalchemy as sa
from campaign_cases import ANA, NORTH, RUI, SOUTH, assigned, card_of, hear, opened, telling, unassigned
from runtime_cases import count, rows, trips_to

from contracts import limits
from contracts.access import OPERATOR, Actor
from contracts.campaigns import ActionRecorded
from runtime.clock import iso, parse_iso, utc_now
from runtime.database import Database
from runtime.errors import Conflict, Invalid, NotFound
from runtime.tables import outbox
from services.campaigns import store
from services.campaigns.domain.actions import happened_at
from services.campaigns.handlers import acts

pytestmark = pytest.mark.feature("CMP-7")

SELLER = Actor(role="seller", seller_id=ANA, account_id="a1", name="Ana")
TOMORROW = iso(utc_now() + timedelta(days=1))
CALL = {"kind": "call", "outcome": "reached", "note": "wants a quote"}


def record(database: Database, opportunity_id: str, action: Any, version: int | None = None, by: Actor = SELLER) -> Any:
    return database.transact(acts.record_action, by, opportunity_id, action, version)


def test_an_action_ends_the_task_and_plans_the_next(database: Database) -> None:
    card = opened(database)
    assert [task["kind"] for task in card["tasks"]] == ["first_contact"]
    action = {**CALL, "outcome": "callback", "next_at": TOMORROW, "next_kind": "visit"}
    shown, told = telling(database, acts.record_action, SELLER, card["opportunity_id"], action, card["version"])
    assert shown == card_of(database, card["work_id"])
    assert shown["version"] == card["version"] + 1
    assert [(task["kind"], parse_iso(task["due_at"]), task["seller_id"]) for task in shown["tasks"]] == [
        ("visit", parse_iso(TOMORROW), ANA)
    ]
    assert [entry["what"] for entry in shown["timeline"]] == ["task_done", "action", "opened"]
    done, kept, _ = shown["timeline"]
    assert (done["kind"], done["seller_id"]) == ("first_contact", ANA)
    assert (kept["kind"], kept["outcome"], kept["note"], kept["seller_id"]) == ("call", "callback", CALL["note"], ANA)
    (fact,) = told
    assert isinstance(fact, ActionRecorded)
    assert (fact.kind, fact.outcome, fact.seller_id, fact.team_id) == ("call", "callback", ANA, NORTH)
    assert (fact.work_id, parse_iso(fact.next_at)) == (card["work_id"], parse_iso(TOMORROW))
    assert CALL["note"] not in repr(fact)


def test_a_note_leaves_the_task_and_may_move_it(database: Database) -> None:
    identifier = opened(database)["opportunity_id"]
    first = record(database, identifier, {"kind": "note", "note": "saw the van"})
    assert [task["kind"] for task in first["tasks"]] == ["first_contact"]
    second = record(database, identifier, {"kind": "note", "note": "on Monday", "next_at": TOMORROW})
    assert [(task["kind"], parse_iso(task["due_at"])) for task in second["tasks"]] == [("call", parse_iso(TOMORROW))]
    assert [entry["what"] for entry in second["timeline"]] == ["action", "action", "opened"]


@pytest.mark.parametrize(
    ("action", "field"),
    [
        ({}, "kind"),
        ({"kind": "dance", "outcome": "reached"}, "kind"),
        ({"kind": "call"}, "outcome"),
        ({"kind": "call", "outcome": "won"}, "outcome"),
        ({"kind": "call", "outcome": "callback"}, "next_at"),
        ({"kind": "call", "outcome": "callback", "next_at": "tomorrow"}, "next_at"),
        ({"kind": "call", "outcome": "reached", "next_at": "2026-11-22T09:00:00"}, "next_at"),
        ({"kind": "call", "outcome": "reached", "next_at": TOMORROW, "next_kind": "note"}, "next_kind"),
        ({"kind": "call", "outcome": "reached", "at": "noon"}, "at"),
        ({"kind": "call", "outcome": "reached", "id": "1"}, "id"),
        ({"kind": "call", "outcome": "reached", "note": "x" * (limits.NOTE + 1)}, "note"),
        ({"kind": "call", "outcome": "reached", "note": 5}, "note"),
        ({"kind": "note", "note": "  "}, "note"),
        ({"kind": "note", "note": "hello", "outcome": "reached"}, "outcome"),
    ],
)
def test_what_makes_no_sense_is_refused(database: Database, action: dict[str, Any], field: str) -> None:
    identifier = opened(database)["opportunity_id"]
    with pytest.raises(Invalid) as refused:
        record(database, identifier, action)
    assert field in [error["field"] for error in refused.value.errors]
    assert count(database, store.action) == 0


def test_a_message_that_was_sent_has_no_outcome_yet(database: Database) -> None:
    shown = record(database, opened(database)["opportunity_id"], {"kind": "whatsapp", "note": "x" * limits.NOTE})
    assert shown["tasks"] == []
    assert shown["timeline"][1]["kind"] == "whatsapp"


@pytest.mark.feature("R4")
def test_a_phone_that_goes_offline_in_the_middle_repeats_and_nothing_is_twice(database: Database) -> None:
    card = opened(database)
    identifier, version = card["opportunity_id"], card["version"]
    action = {**CALL, "id": str(uuid4()), "next_at": TOMORROW}
    first = record(database, identifier, action, version)  # committed; the answer never reaches the phone
    tasks, told = rows(database, store.task), count(database, outbox)
    assert record(database, identifier, action, version) == first
    assert (count(database, store.action), rows(database, store.task), count(database, outbox)) == (1, tasks, told)

    record(database, identifier, {"kind": "note", "note": "from the desk"}, by=OPERATOR)
    again = record(database, identifier, action, version)
    assert [entry["kind"] for entry in again["timeline"] if entry["what"] == "action"] == ["note", "call"]

    database.transact(acts.close_opportunity, OPERATOR, identifier, "won", "", again["version"])
    assert record(database, identifier, action, version)["state"] == "closed"
    with pytest.raises(Conflict, match="closed already: won"):
        record(database, identifier, {**action, "id": str(uuid4())}, version)
    assert count(database, store.action) == 2


def test_a_phone_that_was_offline_while_the_lead_went_to_somebody_else_is_told_so(database: Database) -> None:
    card = opened(database)
    hear(database, unassigned(card["work_id"], ANA, 2), assigned(card["work_id"], RUI, 3, SOUTH))
    with pytest.raises(NotFound):
        record(database, card["opportunity_id"], {**CALL, "id": str(uuid4())}, card["version"])
    assert count(database, store.action) == 0


@pytest.mark.feature("R4")
def test_the_same_action_at_the_same_time_is_kept_once(database: Database) -> None:
    card = opened(database)
    action = {**CALL, "id": str(uuid4()), "next_at": TOMORROW}
    told = count(database, outbox)
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: record(database, card["opportunity_id"], action, card["version"]), range(8)))
    assert all(answer == answers[0] for answer in answers)
    assert count(database, store.action) == 1
    assert sorted(row.state for row in rows(database, store.task)) == ["done", "open"]
    assert count(database, outbox) == told + 1


def test_two_people_on_one_card_and_the_second_is_told(database: Database) -> None:
    card = opened(database)
    identifier, version = card["opportunity_id"], card["version"]
    record(database, identifier, CALL, version)
    with pytest.raises(Conflict, match=f"version {version + 1}, not {version}"):
        record(database, identifier, CALL, version, by=OPERATOR)
    with pytest.raises(Conflict, match=f"version {version + 1}, not {version}"):
        database.transact(acts.close_opportunity, OPERATOR, identifier, "won", "", version)
    assert count(database, store.action) == 1


def test_of_two_people_at_once_one_is_told(database: Database) -> None:
    card = opened(database)

    def act(number: int) -> str:
        try:
            record(database, card["opportunity_id"], {"kind": "note", "note": f"number {number}"}, card["version"])
        except Conflict:
            return "told"
        return "kept"

    with ThreadPoolExecutor(6) as pool:
        assert sorted(pool.map(act, range(6))) == ["kept", *["told"] * 5]


def test_an_id_belongs_to_one_action(database: Database) -> None:
    card, other = opened(database), opened(database)
    action = {**CALL, "id": str(uuid4())}
    record(database, card["opportunity_id"], action)
    for opportunity_id, changes in (
        (other["opportunity_id"], {}),
        (card["opportunity_id"], {"note": "something else"}),
    ):
        with pytest.raises(Conflict, match="another action"):
            record(database, opportunity_id, {**action, **changes})
    assert count(database, store.action) == 1


def test_a_clock_that_is_wrong_does_not_bend_the_story(database: Database) -> None:
    now = utc_now()
    opened_at = now - timedelta(hours=1)
    assert happened_at(now + timedelta(days=3), opened_at, now) == now
    assert happened_at(now - timedelta(days=9000), opened_at, now) == opened_at
    assert happened_at(now - timedelta(minutes=5), opened_at, now) == now - timedelta(minutes=5)
    assert happened_at(None, opened_at, now) == now
    card = opened(database, at=iso(opened_at))
    at = iso(now - timedelta(minutes=30))
    shown = record(database, card["opportunity_id"], {**CALL, "at": at})
    assert [(entry["what"], entry["at"]) for entry in shown["timeline"][:2]] == [("task_done", at), ("action", at)]


def test_a_card_costs_the_same_number_of_questions_however_long_its_story(database: Database) -> None:
    trips = trips_to(database)
    card = opened(database)
    for _ in range(3):
        record(database, card["opportunity_id"], {**CALL, "next_at": TOMORROW})
    trips.clear()
    assert len(card_of(database, card["work_id"])["timeline"]) == 7
    assert len([statement for statement in trips if statement.startswith("SELECT")]) == 6


@pytest.mark.feature("R4")
def test_text_that_no_database_takes_is_cleaned_and_known_again(database: Database) -> None:
    identifier = opened(database)["opportunity_id"]
    action = {"id": str(uuid4()), "kind": "note", "note": " <script>\0alert\ud800(1)</script> "}
    first = record(database, identifier, action)
    assert first["timeline"][0]["note"] == "<script>alert?(1)</script>"
    assert record(database, identifier, action) == first
    assert record(database, identifier, {"kind": "email", "note": "\0"})["timeline"][1]["note"] == ""


def test_only_one_task_is_open_at_a_time(database: Database) -> None:
    card = opened(database)
    for kind in ("call", "note", "email"):
        named = {"outcome": "reached"} if kind == "call" else {}
        record(database, card["opportunity_id"], {"kind": kind, "note": "hello", "next_at": TOMORROW, **named})
    with database.read() as connection:
        found = connection.execute(sa.select(store.task.c.state).order_by(store.task.c.created_at, store.task.c.id))
        assert list(found.scalars()) == ["done", "dropped", "done", "open"]
