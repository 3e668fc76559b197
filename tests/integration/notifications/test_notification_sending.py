"""The sender on both databases, against the sandbox."""

import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from notification_cases import Sandbox, assigned, receive, rows, seller, sender, states, unassigned

from contracts.access import OPERATOR
from runtime.clock import utc_now
from runtime.database import Database
from runtime.ids import new_id
from runtime.settings import Settings
from services.notifications import handlers
from services.notifications.channels import Accepted, NoAnswer, Outgoing
from services.notifications.domain.sending import ATTEMPTS, LEASE
from services.notifications.sending import Sender


@pytest.fixture
def sandboxed(settings: Settings, sandbox: Sandbox) -> Settings:
    return replace(settings, sandbox_url=sandbox.url, provider_timeout_seconds=20, public_url="https://crm.example.org")


def assign(database: Database, count: int = 1, **changes: Any) -> str:
    """So many new sellers with a live assignment each; returns one seller's id."""
    sellers = [new_id() for _ in range(count)]
    receive(database, *(seller(seller_id, **changes) for seller_id in sellers))
    receive(database, *(assigned(seller_id) for seller_id in sellers))
    return sellers[0]


def drain(worker: Sender) -> None:
    while worker.send_next():
        pass


@pytest.mark.feature("NOT-1", "NOT-4")
def test_sms_and_email_go_out_once_with_a_link_and_nothing_of_the_lead(
    database: Database, sandboxed: Settings, sandbox: Sandbox
) -> None:
    seller_id = assign(database)
    drain(sender(database, sandboxed))
    sms, email = sorted(rows(database, "sms")) + sorted(rows(database, "email"))
    texts = {row["reference"]: row["body"] for row in sandbox.ledger()}
    assert texts[sms.message_id] == f"Novo lead de Landing: https://crm.example.org/m/{sms.message_id}"
    assert f"https://crm.example.org/m/{email.message_id}" in texts[email.message_id]
    assert states(database, "sms") == states(database, "email") == {"sent": 1}
    assert {row.provider_id for row in (sms, email)} == {row["provider_id"] for row in sandbox.ledger()}
    assert sms.seller_id == seller_id


@pytest.mark.feature("NOT-4", "R6")
def test_many_senders_send_each_intent_once(database: Database, sandboxed: Settings, sandbox: Sandbox) -> None:
    assign(database, 30)
    with ThreadPoolExecutor(6) as pool:
        for done in [pool.submit(drain, sender(database, sandboxed)) for _ in range(6)]:
            done.result()
    assert states(database, "sms") == states(database, "email") == {"sent": 30}
    assert sandbox.per_intent() == Counter(row.message_id for row in rows(database) if row.channel != "in_app")


@pytest.mark.feature("NOT-4")
def test_what_was_surely_not_accepted_is_tried_again_until_it_is(
    database: Database, sandboxed: Settings, sandbox: Sandbox
) -> None:
    assign(database, channels=("sms",))
    sandbox.fault("sms", "too_many", times=2, retry_after=300)
    drain(sender(database, sandboxed))
    (row,) = rows(database, "sms")
    assert (row.state, row.attempts) == ("queued", 1)
    assert row.due_at - utc_now() > timedelta(seconds=200)
    for minutes in (10, 30):
        drain(sender(database, sandboxed, lambda minutes=minutes: utc_now() + timedelta(minutes=minutes)))  # type: ignore[misc]
    (row,) = rows(database, "sms")
    assert (row.state, row.attempts, len(sandbox.ledger())) == ("sent", 3, 1)


@pytest.mark.feature("NOT-4")
def test_what_is_refused_or_never_gets_through_is_failed(
    database: Database, sandboxed: Settings, sandbox: Sandbox
) -> None:
    assign(database, channels=("sms", "email"))
    sandbox.fault("sms", "refuse")
    sandbox.fault("email", "unavailable")
    for hour in range(ATTEMPTS + 2):
        drain(sender(database, sandboxed, lambda hour=hour: utc_now() + timedelta(hours=hour)))  # type: ignore[misc]
    (sms,), (email,) = rows(database, "sms"), rows(database, "email")
    assert (sms.state, sms.attempts) == ("failed", 1)
    assert sms.error.startswith("21610")
    assert (email.state, email.attempts) == ("failed", ATTEMPTS)
    assert sandbox.ledger() == []


@pytest.mark.feature("NOT-4")
def test_a_seller_without_a_number_is_a_failure_that_calls_nobody(
    database: Database, sandboxed: Settings, sandbox: Sandbox
) -> None:
    assign(database, channels=("sms",), phone="")
    drain(sender(database, sandboxed))
    (row,) = rows(database, "sms")
    assert (row.state, row.error, sandbox.ledger()) == ("failed", "no_address", [])


@pytest.mark.feature("NOT-1")
def test_work_taken_away_while_it_waits_is_not_told(database: Database, sandboxed: Settings, sandbox: Sandbox) -> None:
    seller_id, work = new_id(), new_id()
    receive(database, seller(seller_id, channels=("sms",)))
    receive(database, assigned(seller_id, work))
    sandbox.fault("sms", "unavailable", times=1)
    drain(sender(database, sandboxed))
    receive(database, unassigned(work, 2, seller_id))
    drain(sender(database, sandboxed, lambda: utc_now() + timedelta(hours=1)))
    assert (states(database), sandbox.ledger()) == ({"withdrawn": 1}, [])


@pytest.mark.feature("NOT-1")
def test_work_taken_away_during_the_call_is_not_tried_again(
    database: Database, sandboxed: Settings, sandbox: Sandbox
) -> None:
    seller_id, work = new_id(), new_id()
    receive(database, seller(seller_id, channels=("sms",)))
    receive(database, assigned(seller_id, work))
    sandbox.fault("sms", "unavailable", times=1)
    sender(database, sandboxed).send_next(on_claimed=lambda: receive(database, unassigned(work, 2, seller_id)))
    drain(sender(database, sandboxed, lambda: utc_now() + timedelta(hours=1)))
    assert (states(database), sandbox.ledger()) == ({"withdrawn": 1}, [])


@pytest.mark.feature("R6")
def test_an_answer_after_the_lease_ran_out_is_still_written(
    database: Database, sandboxed: Settings, sandbox: Sandbox
) -> None:
    assign(database, channels=("email",))
    late = sender(database, sandboxed, lambda: utc_now() + LEASE)
    sender(database, sandboxed).send_next(on_claimed=late.sweep)
    assert states(database, "email") == {"sent": 1}
    assert len(sandbox.ledger()) == 1


@pytest.mark.feature("R6", "R9")
def test_no_transaction_is_open_while_the_provider_is_called(database: Database, settings: Settings) -> None:
    assign(database, channels=("sms",))

    class Looking:
        def send(self, message: Outgoing) -> Accepted:
            # Were the claim's transaction open, SQLite would refuse this write and PostgreSQL would not show the row.
            assert states(database) == {"sending": 1}
            receive(database, seller(new_id()))
            return Accepted("SM1")

        def find(self, *_: Any) -> None:
            raise AssertionError

    Sender(database, {"sms": Looking()}, "https://crm.example.org").send_next()
    assert states(database) == {"sent": 1}


@pytest.mark.feature("R6")
def test_a_channel_that_breaks_in_an_unforeseen_way_leaves_unknown(database: Database) -> None:
    assign(database, channels=("sms",))

    class Broken:
        def send(self, message: Outgoing) -> Accepted:
            raise ZeroDivisionError

        def find(self, *_: Any) -> None:
            raise NoAnswer

    worker = Sender(database, {"sms": Broken()}, "https://crm.example.org")
    drain(worker)
    worker.sweep()
    assert states(database) == {"unknown": 1}


@pytest.mark.feature("R6")
def test_unknown_waits_for_a_person_after_an_hour(
    database: Database, sandboxed: Settings, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    assign(database, 2, channels=("email",))
    sandbox.fault("email", "accept_then_drop")
    drain(sender(database, sandboxed))

    def listed() -> dict[str, Any]:
        with database.read() as connection:
            return handlers.unknown(connection, OPERATOR, None, 50)

    assert listed()["items"] == []
    later = utc_now() + timedelta(minutes=61)
    monkeypatch.setattr(handlers, "utc_now", lambda: later)
    assert {item["message_id"] for item in listed()["items"]} == {row.message_id for row in rows(database, "email")}


@pytest.mark.feature("R6")
def test_many_due_messages_do_not_slow_the_claim_down(database: Database, settings: Settings) -> None:
    assign(database, 400, channels=("sms",))

    class Quick:
        def send(self, message: Outgoing) -> Accepted:
            return Accepted("SM1")

        def find(self, *_: Any) -> None:
            return None

    worker = Sender(database, {"sms": Quick()}, "https://crm.example.org")
    began = time.monotonic()
    for _ in range(200):
        assert worker.send_next()
    assert time.monotonic() - began < 10  # ample: a scan per claim would take much longer
