"""R6: no automatic duplicate SMS or e-mail, whatever the provider does and wherever the sender dies.

The sandbox's ledger is the witness: it lives in this process, outside of every sender.
"""

import itertools
import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import fields, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from dying_sender import STEPS
from installation import SOAK_SECONDS, new_seed
from notification_cases import Sandbox, age_doubts, assigned, receive, rows, seller, sender, states
from runtime_cases import wait_for

from contracts.access import OPERATOR
from runtime.clock import utc_now
from runtime.database import Database, open_database
from runtime.ids import new_id
from runtime.migrations import upgrade
from runtime.ports import pick_free
from runtime.settings import OWNERS, Settings
from services.notifications import handlers

pytestmark = pytest.mark.feature("NOT-4", "R6")

CHANNELS = ("sms", "email")

Survive = Callable[[Iterable[object]], None]


@pytest.fixture
def sandbox(tmp_path: Path) -> Iterator[Sandbox]:
    with Sandbox(tmp_path / "ledger.db").running() as running:
        yield running


@pytest.fixture
def sandboxed(settings: Settings, sandbox: Sandbox) -> Settings:
    return replace(settings, sandbox_url=sandbox.url, provider_timeout_seconds=15.0)


@pytest.fixture
def database(sandboxed: Settings) -> Iterator[Database]:
    upgrade("notifications", sandboxed)
    opened = open_database("notifications", sandboxed)
    yield opened
    opened.close()


def environment(settings: Settings) -> dict[str, str]:
    given = {f"RODIZIO_{option.name.upper()}": str(getattr(settings, option.name)) for option in fields(settings)}
    here = Path(__file__).resolve()
    paths = os.pathsep.join([str(here.parents[2]), os.environ.get("PYTHONPATH", "")])
    return {**os.environ, "PYTHONPATH": paths, **{name: value for name, value in given.items() if value}}


def assign(database: Database, count: int, wanted: tuple[str, ...] = CHANNELS) -> None:
    sellers = [new_id() for _ in range(count)]
    receive(database, *(seller(seller_id, channels=wanted) for seller_id in sellers))
    receive(database, *(assigned(seller_id) for seller_id in sellers))


def successors(database: Database, settings: Settings, hours: int = 3) -> None:
    """Lets healthy senders work through the hours that follow."""
    for minutes in range(0, hours * 60, 5):
        at = timedelta(minutes=2 + minutes)

        def later(at: timedelta = at) -> datetime:
            return utc_now() + at

        worker = sender(database, settings, later)
        worker.sweep()
        while worker.send_next():
            pass


def listed(database: Database, monkeypatch: pytest.MonkeyPatch) -> set[str]:
    """What a person is shown as undecided some hours later."""
    later = utc_now() + timedelta(hours=4)
    monkeypatch.setattr(handlers, "utc_now", lambda: later)
    with database.read() as connection:
        return {item["message_id"] for item in handlers.unknown(connection, OPERATOR, None, 500)["items"]}


def check(database: Database, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch, context: str = "") -> None:
    """At most one per intent; what is called sent was accepted; what nobody can tell is shown to a person."""
    accepted = sandbox.per_intent()
    messages = [row for row in rows(database) if row.channel != "in_app"]
    twice = {message_id: count for message_id, count in accepted.items() if count > 1}
    assert not twice, f"sent more than once: {twice} {context}"
    assert {row.state for row in messages} <= {"sent", "failed", "unknown"}, context
    assert {row.message_id for row in messages if row.state == "sent"} <= accepted.keys(), context
    assert not accepted.keys() & {row.message_id for row in messages if row.state == "failed"}, context
    assert listed(database, monkeypatch) == {row.message_id for row in messages if row.state == "unknown"}, context


@pytest.mark.parametrize("channel", CHANNELS)
@pytest.mark.parametrize(
    ("fault", "state"),
    [
        ({"kind": "accept_then_drop"}, {"sms": "sent", "email": "unknown"}),
        ({"kind": "error", "accept": True}, {"sms": "sent", "email": "unknown"}),
        ({"kind": "stall", "seconds": 2}, {"sms": "sent", "email": "unknown"}),
        ({"kind": "reset"}, {"sms": "unknown", "email": "unknown"}),
        ({"kind": "error"}, {"sms": "unknown", "email": "unknown"}),
        ({"kind": "too_many"}, {"sms": "sent", "email": "sent"}),
        ({"kind": "unavailable"}, {"sms": "sent", "email": "sent"}),
        ({"kind": "refuse"}, {"sms": "failed", "email": "failed"}),
    ],
    ids=lambda value: "-".join(map(str, value.values())) if "kind" in value else "",
)
def test_a_provider_on_a_bad_day_sends_nothing_twice(
    database: Database,
    sandboxed: Settings,
    sandbox: Sandbox,
    monkeypatch: pytest.MonkeyPatch,
    channel: str,
    fault: dict[str, Any],
    state: dict[str, str],
) -> None:
    assign(database, 1, (channel,))
    sandbox.fault(channel, **fault)
    impatient = replace(sandboxed, provider_timeout_seconds=0.5) if fault["kind"] == "stall" else sandboxed
    sender(database, impatient).send_next()
    sandbox.fault(channel, None)
    if fault["kind"] == "stall":
        time.sleep(fault["seconds"])  # the provider accepts when nobody listens any more
    successors(database, sandboxed)
    assert states(database, channel) == {state[channel]: 1}
    check(database, sandbox, monkeypatch)


@pytest.mark.parametrize("channel", CHANNELS)
@pytest.mark.parametrize("step", STEPS)
def test_a_sender_killed_at_any_step_has_nothing_sent_twice(
    database: Database,
    sandboxed: Settings,
    sandbox: Sandbox,
    monkeypatch: pytest.MonkeyPatch,
    channel: str,
    step: str,
) -> None:
    assign(database, 1, (channel,))
    if step == "during_call":
        sandbox.fault(channel, "stall", seconds=2.5, times=1)
    command = [sys.executable, str(Path(__file__).with_name("dying_sender.py")), step]
    ended = subprocess.run(command, env=environment(sandboxed), timeout=30, check=False)
    assert ended.returncode == -signal.SIGKILL
    if step == "during_call":
        time.sleep(2.5)  # the provider goes on and accepts
    successors(database, sandboxed)
    check(database, sandbox, monkeypatch)
    was_called = step in ("during_call", "after_call", "before_answer_is_committed")
    if step.startswith("before_claim"):
        assert states(database, channel) == {"sent": 1}  # nothing had begun: nothing is in doubt
    else:
        assert states(database, channel) == {"sent" if was_called and channel == "sms" else "unknown": 1}
    assert len(sandbox.ledger()) == (0 if step == "after_claim" else 1)


@pytest.mark.parametrize("channel", CHANNELS)
def test_what_a_person_settles_as_not_sent_is_sent_exactly_once_more(
    database: Database, sandboxed: Settings, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch, channel: str
) -> None:
    assign(database, 6, (channel,))
    sandbox.fault(channel, "reset")
    for _ in range(6):
        sender(database, sandboxed).send_next()
    sandbox.fault(channel, None)
    successors(database, sandboxed)
    with monkeypatch.context() as until_listed:
        in_doubt = sorted(listed(database, until_listed))
    assert (len(in_doubt), sandbox.ledger()) == (6, [])
    age_doubts(database)
    for message_id, outcome in zip(in_doubt, ("not_sent", "not_sent", "not_sent", "sent"), strict=False):
        database.transact(handlers.settle_message, OPERATOR, message_id, outcome)
    with ThreadPoolExecutor(3) as pool:
        for done in [pool.submit(successors, database, sandboxed) for _ in range(3)]:
            done.result()
    assert sandbox.per_intent() == dict.fromkeys(in_doubt[:3], 1)
    assert states(database, channel) == {"sent": 4, "unknown": 2}
    assert listed(database, monkeypatch) == set(in_doubt[4:])


FAULTS: tuple[dict[str, Any] | None, ...] = (
    None,
    None,
    {"kind": "accept_then_drop", "times": 2},
    {"kind": "reset", "times": 2},
    {"kind": "stall", "seconds": 0.7, "times": 3},
    {"kind": "stall", "seconds": 1.5, "times": 1},
    {"kind": "too_many", "retry_after": 1, "times": 5},
    {"kind": "error", "accept": True, "times": 1},
    {"kind": "unavailable", "times": 5},
)


class Service:
    """The real service in a process of its own, replaced as soon as it has been killed."""

    def __init__(self, settings: Settings) -> None:
        (port,) = pick_free(1)
        self._environment = environment(replace(settings, health_port=port - OWNERS.index("notifications")))
        self._start()

    def _start(self) -> None:
        command = [sys.executable, "-W", "ignore", "-m", "runtime.run", "notifications"]
        self._process = subprocess.Popen(command, env=self._environment, stderr=subprocess.DEVNULL)

    def kill(self) -> None:
        self._process.kill()
        self._process.wait(5)

    def replace(self) -> None:
        self.kill()
        self._start()


def send_some(sandbox: Sandbox, chance: random.Random, database: Database) -> None:
    """Waits until some more messages have been accepted, while the provider's mood changes."""
    enough = len(sandbox.ledger()) + chance.randint(5, 40)
    deadline = time.monotonic() + 60
    while len(sandbox.ledger()) < enough:
        assert time.monotonic() < deadline, f"nothing moves: {states(database, 'sms')} {states(database, 'email')}"
        for channel in CHANNELS:
            sandbox.fault(channel, **(chance.choice(FAULTS) or {"kind": None}))
        time.sleep(0.2)


def nothing_is_open() -> bool:
    """Whether every request to the sandbox has come to its end: each has a thread, begun before the next one's."""
    return not any("process_request_thread" in thread.name for thread in threading.enumerate())


@pytest.fixture
def survive(
    database: Database, sandboxed: Settings, sandbox: Sandbox, amqp_url: str, monkeypatch: pytest.MonkeyPatch
) -> Survive:
    """Kills services while a provider misbehaves, as often as its iterator says, and looks at what was sent."""

    def run(rounds: Iterable[object]) -> None:
        seed = new_seed()
        print(f"FAULT_SEED={seed}")
        chance = random.Random(seed)
        settings = replace(sandboxed, amqp_url=amqp_url, provider_timeout_seconds=1.0)
        services = [Service(settings) for _ in range(2 if settings.database_url else 1)]
        try:
            for _ in rounds:
                assign(database, 40)
                # By progress, not by time: a slow machine must not kill its services before they have sent anything.
                send_some(sandbox, chance, database)
                time.sleep(chance.uniform(0, 0.1))
                chance.choice(services).replace()
        finally:
            for service in services:
                service.kill()
        for channel in CHANNELS:
            sandbox.fault(channel, None)
        wait_for(nothing_is_open, "what is stalled comes to its end", 60)
        print(states(database, "sms") + states(database, "email"))
        successors(database, sandboxed)
        check(database, sandbox, monkeypatch, context=f"(FAULT_SEED={seed})")

    return run


@pytest.mark.timeout(300)
def test_services_killed_at_random_under_a_moody_provider_send_nothing_twice(survive: Survive) -> None:
    survive(range(4))


@pytest.mark.soak
def test_soak(survive: Survive) -> None:
    """The same, for as long as RODIZIO_SOAK_SECONDS says: half of it for each kind of database."""
    until = time.monotonic() + SOAK_SECONDS / 2
    survive(itertools.takewhile(lambda _: time.monotonic() < until, itertools.count()))
