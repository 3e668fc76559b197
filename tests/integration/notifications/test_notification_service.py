"""The whole service as a process of its own, on a real broker."""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import fields, replace
from typing import Any

import pytest
import requests
from notification_cases import Sandbox, age_doubts, assigned, event, seller

from contracts.access import NOBODY, Actor
from contracts.distribution import SELLER_CHANGED, WORK_ASSIGNED, WorkAssigned
from contracts.notifications import RECORD_PROVIDER_EVENT
from runtime.database import open_database
from runtime.errors import Conflict, NotFound
from runtime.ids import new_id
from runtime.migrations import upgrade
from runtime.ports import pick_free
from runtime.publisher import Publisher
from runtime.rpc_client import RpcPool
from runtime.settings import OWNERS, Settings
from runtime.wire import pack

ANA = Actor(role="manager", name="ana")


def environment(settings: Settings) -> dict[str, str]:
    given = {f"RODIZIO_{option.name.upper()}": str(getattr(settings, option.name)) for option in fields(settings)}
    return {**os.environ, **{name: value for name, value in given.items() if value}}


def is_ready(settings: Settings) -> bool:
    try:
        return requests.get(f"http://127.0.0.1:{settings.health_port_of('notifications')}/health/ready", timeout=1).ok
    except requests.ConnectionError:
        return False


@pytest.fixture
def running(bus_settings: Settings, sandbox: Sandbox) -> Iterator[Settings]:
    settings = replace(
        bus_settings, sandbox_url=sandbox.url, health_port=pick_free(1)[0] - OWNERS.index("notifications")
    )
    upgrade("notifications", settings)
    process = subprocess.Popen([sys.executable, "-m", "runtime.run", "notifications"], env=environment(settings))
    wait_for(lambda: is_ready(settings))
    yield settings
    process.terminate()
    assert process.wait(15) == 0


def wait_for(condition: Callable[[], bool], seconds: float = 20.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "did not happen in time"
        time.sleep(0.02)


def first_of(facts: list[WorkAssigned]) -> str:
    """The work of a batch that is told at once: works are gone through in the order of their ids."""
    return min(fact.work_id for fact in facts)


@pytest.mark.feature("NOT-1", "NOT-4")
def test_from_the_bus_to_inbox_and_phone(running: Settings, sandbox: Sandbox) -> None:
    publisher = Publisher(running.amqp_url, "test").start()
    assert publisher.wait_open(10)
    rita, ana = new_id(), new_id()
    facts = [assigned(rita) for _ in range(5)]
    hear = [seller(seller_id, channels=("sms", "email")) for seller_id in (rita, ana)]
    publisher.publish_and_wait(pack(SELLER_CHANGED, hear, lane="live"), 10)
    publisher.publish_and_wait(pack(WORK_ASSIGNED, facts, lane="live"), 10)
    wait_for(lambda: len(sandbox.ledger()) == 2)  # the first at once, the digest of the others in a minute
    assert set(sandbox.per_intent().values()) == {1}
    pool = RpcPool(running)
    try:
        inbox = pool.call("notifications", "inbox", seller_id=rita)
        assert inbox["unread"] == 5
        assert {item["work_id"] for item in inbox["items"]} == {fact.work_id for fact in facts}
        wait_for(
            lambda: (
                {
                    (item["channel"], item["state"])
                    for item in pool.call("notifications", "messages", work_id=first_of(facts))["items"]
                }
                == {("in_app", "sent"), ("sms", "sent"), ("email", "sent")}
            )
        )
        again = assigned(ana)
        sent_at = time.monotonic()
        publisher.publish_and_wait(pack(WORK_ASSIGNED, [again], lane="live"), 10)
        wait_for(lambda: len(sandbox.ledger()) == 4)
        assert time.monotonic() - sent_at < 0.9, "the sender waited for its timer instead of the commit"
        assert pool.call("notifications", "unknown") == {"items": [], "next": None}
    finally:
        pool.close()
        publisher.stop()


@pytest.mark.feature("NOT-4", "R6")
def test_what_a_person_settles_as_not_sent_goes_out(running: Settings, sandbox: Sandbox) -> None:
    publisher = Publisher(running.amqp_url, "test").start()
    assert publisher.wait_open(10)
    pool = RpcPool(running)
    rita = new_id()
    fact = assigned(rita)

    def emails() -> list[dict[str, Any]]:
        told = pool.call("notifications", "messages", work_id=fact.work_id)["items"]
        return [item for item in told if item["channel"] == "email"]

    try:
        sandbox.fault("email", "reset")
        publisher.publish_and_wait(pack(SELLER_CHANGED, [seller(rita, channels=("email",))], lane="live"), 10)
        publisher.publish_and_wait(pack(WORK_ASSIGNED, [fact], lane="live"), 10)
        wait_for(lambda: [item["state"] for item in emails()] == ["unknown"])
        sandbox.fault("email", None)
        decision = {"message_id": emails()[0]["message_id"], "outcome": "not_sent"}
        with pytest.raises(Conflict, match="still being looked up"):
            pool.call_as(ANA, "notifications", "settle_message", **decision)
        with closing(open_database("notifications", running)) as database:
            age_doubts(database)
        assert pool.call_as(ANA, "notifications", "settle_message", **decision)["state"] == "queued"
        wait_for(lambda: [item["state"] for item in emails()] == ["sent"])
        with pytest.raises(Conflict, match="is sent; ana settled it as not_sent"):
            pool.call_as(ANA, "notifications", "settle_message", **decision)
        assert sandbox.per_intent() == {decision["message_id"]: 1}
    finally:
        pool.close()
        publisher.stop()


@pytest.mark.feature("NOT-6", "NOT-8", "R14")
def test_what_providers_tell_shows_in_the_outbox_and_a_stop_is_obeyed(running: Settings, sandbox: Sandbox) -> None:
    publisher = Publisher(running.amqp_url, "test").start()
    assert publisher.wait_open(10)
    pool = RpcPool(running)
    rita, ana = seller(new_id(), channels=("sms", "email")), seller(new_id(), channels=("sms",))
    try:
        publisher.publish_and_wait(pack(SELLER_CHANGED, [rita, ana], lane="live"), 10)
        publisher.publish_and_wait(pack(WORK_ASSIGNED, [assigned(rita.seller_id)], lane="live"), 10)
        wait_for(lambda: len(sandbox.ledger()) == 2)
        (sms,) = sandbox.ledger(provider="twilio")
        told = [
            event("delivered", message_id=sms["reference"]),
            event("replied", address=ana.phone, text="PARAR"),
        ]
        publisher.publish_and_wait(pack(RECORD_PROVIDER_EVENT, told, lane="live"), 10)
        wait_for(lambda: pool.call("notifications", "suppressions")["items"])
        publisher.publish_and_wait(pack(WORK_ASSIGNED, [assigned(ana.seller_id)], lane="live"), 10)
        wait_for(lambda: pool.call("notifications", "outbox", state="suppressed")["items"])
        assert len(sandbox.ledger()) == 2
        (shown,) = pool.call("notifications", "outbox", channel="sms", state="delivered")["items"]
        assert [one["kind"] for one in shown["events"]] == ["delivered"]
        own = Actor(role="seller", seller_id=ana.seller_id)
        seen = pool.call_as(own, "notifications", "outbox")["items"]
        assert {item["seller_id"] for item in seen} == {ana.seller_id}
        (email,) = pool.call("notifications", "outbox", channel="email")["items"]
        token = email["text"].partition("/u/")[2].split()[0]
        assert pool.call_as(NOBODY, "notifications", "unsubscribe", token=token) == {"channel": "email"}
        with pytest.raises(NotFound):
            pool.call_as(NOBODY, "notifications", "unsubscribe", token=f"{token}x")
    finally:
        pool.close()
        publisher.stop()
