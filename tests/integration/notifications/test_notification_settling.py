"""A person settles what nobody could tell: once, and only what is unknown."""

import re
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from threading import Barrier
from typing import Any

import msgspec
import pytest
import sqlalchemy as sa
from notification_cases import Sandbox, age_doubts, assigned, receive, rows, seller, sender, states, unassigned

from contracts.access import Actor
from runtime.clock import iso, utc_now
from runtime.database import Database
from runtime.errors import Conflict, Invalid, NotFound
from runtime.ids import new_id
from runtime.settings import Settings
from runtime.tables import outbox
from services.notifications import handlers
from services.notifications.domain.sending import WAITS_FOR_A_PERSON_AFTER

pytestmark = pytest.mark.feature("NOT-4", "R6")


@pytest.fixture
def sandboxed(settings: Settings, sandbox: Sandbox) -> Settings:
    return replace(settings, sandbox_url=sandbox.url)


def doubt(
    database: Database,
    sandboxed: Settings,
    sandbox: Sandbox,
    fault: str = "reset",
    work: str | None = None,
    age: timedelta = WAITS_FOR_A_PERSON_AFTER,
) -> str:
    """The id of an e-mail whose fate has been unknown for that long: with "reset" it was not accepted, with
    "accept_then_drop" it was."""
    seller_id = new_id()
    receive(database, seller(seller_id, channels=("email",)))
    receive(database, assigned(seller_id, work))
    sandbox.fault("email", fault)
    drain(database, sandboxed)
    sandbox.fault("email", None)
    assert rows(database, "email")[-1].state == "unknown"
    age_doubts(database, age)
    return str(rows(database, "email")[-1].message_id)


def drain(database: Database, sandboxed: Settings) -> None:
    worker = sender(database, sandboxed, lambda: utc_now() + timedelta(hours=2))
    worker.sweep()
    while worker.send_next():
        pass


def settle(database: Database, message_id: str, outcome: str, by: str = "ana") -> dict[str, Any]:
    actor = Actor(role="manager", name=by)
    return database.transact(handlers.settle_message, actor, message_id, outcome)  # type: ignore[arg-type]


def told_states(database: Database, message_id: str) -> list[tuple[int, str]]:
    """What has been told of a message, by version."""
    with database.read() as connection:
        bodies = connection.execute(sa.select(outbox.c.body)).scalars().all()
    facts = [fact for body in bodies for fact in msgspec.json.decode(bytes(body))["items"]]
    return sorted((fact["subject_version"], fact["status"]) for fact in facts if fact["subject"] == message_id)


def test_settled_as_sent_it_is_done_with(database: Database, sandboxed: Settings, sandbox: Sandbox) -> None:
    message_id = doubt(database, sandboxed, sandbox, "accept_then_drop")
    (before,) = rows(database, "email")
    shown = settle(database, message_id, "sent")
    assert (shown["state"], shown["sent_at"], shown["unknown_at"]) == ("sent", iso(before.claimed_at), None)
    assert (shown["settled_as"], shown["settled_by"]) == ("sent", "ana")
    assert shown["settled_at"]
    drain(database, sandboxed)
    assert sandbox.per_intent() == {message_id: 1}
    assert told_states(database, message_id) == [(1, "unknown"), (2, "sent")]


def test_settled_as_not_sent_it_goes_out_once_more(database: Database, sandboxed: Settings, sandbox: Sandbox) -> None:
    message_id = doubt(database, sandboxed, sandbox)
    shown = settle(database, message_id, "not_sent")
    assert (shown["state"], shown["attempts"], shown["settled_as"]) == ("queued", 1, "not_sent")
    for _ in range(3):
        drain(database, sandboxed)
    (row,) = rows(database, "email")
    assert (row.state, row.attempts, row.settled_by) == ("sent", 2, "ana")
    assert sandbox.per_intent() == {message_id: 1}
    assert told_states(database, message_id) == [(1, "unknown"), (2, "sent")]


def test_what_is_still_being_looked_up_cannot_be_sent_again(
    database: Database, sandboxed: Settings, sandbox: Sandbox
) -> None:
    message_id = doubt(database, sandboxed, sandbox, age=WAITS_FOR_A_PERSON_AFTER - timedelta(minutes=1))
    (before,) = rows(database, "email")
    until = iso(before.unknown_at + WAITS_FOR_A_PERSON_AFTER)
    with pytest.raises(Conflict, match=rf"{message_id} is still being looked up: until {re.escape(until)} "):
        settle(database, message_id, "not_sent")
    assert rows(database, "email") == [before]
    drain(database, sandboxed)
    assert sandbox.ledger() == []
    assert settle(database, message_id, "sent")["state"] == "sent"  # that sends nothing: there is nothing to wait for


def test_a_new_doubt_waits_for_a_new_decision(database: Database, sandboxed: Settings, sandbox: Sandbox) -> None:
    message_id = doubt(database, sandboxed, sandbox)
    settle(database, message_id, "not_sent")
    sandbox.fault("email", "accept_then_drop")
    for _ in range(3):
        drain(database, sandboxed)
    assert (states(database, "email"), sandbox.per_intent()) == ({"unknown": 1}, {message_id: 1})
    with pytest.raises(Conflict, match="still being looked up"):
        settle(database, message_id, "not_sent", "rui")
    assert settle(database, message_id, "sent", "rui")["settled_by"] == "rui"


def test_work_that_was_taken_away_meanwhile_is_not_told(
    database: Database, sandboxed: Settings, sandbox: Sandbox
) -> None:
    work = new_id()
    message_id = doubt(database, sandboxed, sandbox, work=work)
    receive(database, unassigned(work, 2))
    settle(database, message_id, "not_sent")
    drain(database, sandboxed)
    assert (states(database, "email"), sandbox.ledger()) == ({"withdrawn": 1}, [])


@pytest.mark.parametrize("outcome", ["sent", "not_sent"])
def test_only_what_is_unknown_can_be_settled(
    database: Database, sandboxed: Settings, sandbox: Sandbox, outcome: str
) -> None:
    message_id = doubt(database, sandboxed, sandbox)
    settle(database, message_id, outcome)
    state = "sent" if outcome == "sent" else "queued"
    with pytest.raises(Conflict, match=rf"{message_id} is {state}; ana settled it as {outcome} at 20"):
        settle(database, message_id, "not_sent", "rui")
    (in_app,) = rows(database, "in_app")
    with pytest.raises(Conflict, match=r"only an unknown message can be settled: .* is sent$"):
        settle(database, in_app.message_id, outcome)
    with pytest.raises(NotFound):
        settle(database, new_id(), outcome)


def test_a_decision_is_one_of_two(database: Database) -> None:
    with pytest.raises(Invalid) as refused:
        settle(database, new_id(), "maybe")
    assert [error["field"] for error in refused.value.errors] == ["outcome"]


def test_of_two_who_decide_at_once_one_is_told_that_the_other_was_faster(
    database: Database, sandboxed: Settings, sandbox: Sandbox
) -> None:
    doubts = [doubt(database, sandboxed, sandbox) for _ in range(8)]
    both = Barrier(2)

    def decide(message_id: str, outcome: str, by: str) -> str:
        both.wait(10)
        try:
            return str(settle(database, message_id, outcome, by)["settled_by"])
        except Conflict as conflict:
            return str(conflict)

    with ThreadPoolExecutor(2) as pool:
        for message_id in doubts:
            ana, rui = (
                pool.submit(decide, message_id, "sent", "ana"),
                pool.submit(decide, message_id, "not_sent", "rui"),
            )
            won, lost = sorted((ana.result(30), rui.result(30)), key=len)
            assert won in ("ana", "rui")
            assert f"; {won} settled it as " in lost
    for _ in range(2):
        drain(database, sandboxed)
    by_rui = {row.message_id for row in rows(database, "email") if row.settled_by == "rui"}
    assert sandbox.per_intent() == dict.fromkeys(by_rui, 1)
    assert states(database, "email") == {"sent": 8}
