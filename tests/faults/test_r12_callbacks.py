"""R12: forged or replayed callbacks change nothing.

The sandbox sends signed callbacks to a gateway; what the gateway publishes goes to notifications' own handlers. A tap
in front of the gateway keeps every request, byte for byte, for an attacker to play again, late, often and in any order.
"""

import itertools
import random
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
import requests
import sqlalchemy as sa
from flask import Flask
from installation import new_seed
from notification_cases import assigned, receive, rows, seller, sender
from werkzeug.serving import make_server

from contracts.notifications import RECORD_PROVIDER_EVENT, ProviderEvent
from gateway.app import create_app
from gateway.parts import EXTENSION
from runtime.database import Database, open_database
from runtime.ids import new_id
from runtime.migrations import upgrade
from runtime.ports import pick_free
from runtime.settings import Settings
from runtime.wire import Outgoing, read_fact, unpack
from sandbox import signing
from sandbox.callbacks import Gateway
from sandbox.server import server
from services.notifications.tables import messages, provider_events, suppressions

pytestmark = pytest.mark.feature("R12", "NOT-2")

KEYS = signing.new_environment()
PRIVATE = signing.private_key(KEYS["RODIZIO_SANDBOX_KEY"])
SMS = ("sent", "delivered", "bounced", "replied")
EMAIL = ("sent", "delivered", "bounced", "opened")


class Bus:
    """A publisher that keeps what it is given."""

    is_open = True

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._taken: list[Outgoing] = []

    def start(self) -> "Bus":
        return self

    def stop(self, timeout: float = 3.0) -> None:
        """Nothing runs."""

    def publish(self, messages: Sequence[Outgoing], done: Callable[[Outgoing, Exception | None], None]) -> None:
        raise AssertionError("no form is posted here")

    def later(self, seconds: float, act: Callable[[], None]) -> None:
        raise AssertionError("no form is posted here")

    def publish_and_wait(self, messages: Sequence[Outgoing], timeout: float) -> None:
        with self._lock:
            self._taken += messages

    def take(self) -> list[ProviderEvent]:
        """The events published since the last time."""
        with self._lock:
            taken, self._taken = self._taken, []
        return [
            read_fact(raw, RECORD_PROVIDER_EVENT)
            for message in taken
            for raw in unpack(message.body, RECORD_PROVIDER_EVENT).items
        ]


@dataclass(frozen=True)
class Captured:
    """A request as it passed the tap."""

    target: str
    body: bytes
    headers: dict[str, str]


@dataclass
class Chain:
    """Sandbox, gateway and notifications, as far as callbacks need them."""

    settings: Settings
    gateway: Flask
    notifications: Database
    bus: Bus
    captured: list[Captured] = field(default_factory=list)

    def send(self, how_many: int) -> tuple[list[str], list[str]]:
        """Sends that many SMS and e-mails, each to a seller of their own; returns the messages' ids."""
        for _ in range(how_many):
            someone = new_id()
            receive(self.notifications, seller(someone))
            receive(self.notifications, assigned(someone))
        sending = sender(self.notifications, self.settings)
        while sending.send_next():
            pass
        found = [[row.message_id for row in rows(self.notifications, channel)] for channel in ("sms", "email")]
        return found[0], found[1]

    def simulate(self, message_id: str, kind: str, text: str = "") -> None:
        wanted = {"message_id": message_id, "kind": kind, "text": text}
        answer = requests.post(f"{self.settings.sandbox_url}/simulate", json=wanted, timeout=10)
        assert answer.ok, answer.text

    def play(self, captured: Captured) -> int:
        """Sends a captured request to the gateway once more."""
        client = self.gateway.test_client()
        return client.post(captured.target, data=captured.body, headers=captured.headers).status_code

    def hear(self) -> int:
        """Hands what was published to notifications; returns how many events there were."""
        events = self.bus.take()
        if events:
            receive(self.notifications, *events)
        return len(events)

    def states(self) -> dict[str, str]:
        return {row.message_id: row.state for row in rows(self.notifications)}

    def everything(self) -> list[list[Any]]:
        """All that callbacks could change."""
        with self.notifications.read() as connection:
            return [
                sorted(map(repr, connection.execute(sa.select(table)).all()))
                for table in (messages, provider_events, suppressions)
            ]


@contextmanager
def serving(wsgi: Any) -> Iterator[None]:
    thread = threading.Thread(target=wsgi.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    yield
    wsgi.shutdown()
    wsgi.server_close()


@pytest.fixture
def chain(settings: Settings, tmp_path: Path) -> Iterator[Chain]:
    (port,) = pick_free(1)
    local = f"http://127.0.0.1:{port}"
    settings = replace(
        settings,
        gateway_port=port,
        public_url="https://leads.example.com",
        twilio_auth_token=KEYS["RODIZIO_TWILIO_AUTH_TOKEN"],
        sendgrid_webhook_key=KEYS["RODIZIO_SENDGRID_WEBHOOK_KEY"],
    )
    calls_back = Gateway(local, settings.address, settings.twilio_auth_token, PRIVATE)
    sandbox = server(0, tmp_path / "ledger.db", calls_back)
    settings = replace(settings, sandbox_url=f"http://127.0.0.1:{sandbox.server_port}")
    for owner in ("gateway", "notifications"):
        upgrade(owner, settings)
    bus, notifications = Bus(), open_database("notifications", settings)
    gateway = create_app(settings, publisher=bus)
    made = Chain(settings, gateway, notifications, bus)
    plain = gateway.wsgi_app

    def tap(environ: dict[str, Any], start_response: Any) -> Any:
        body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        headers = {
            name[5:].replace("_", "-"): value for name, value in environ.items() if name.startswith("HTTP_X_TWILIO")
        }
        target = environ["PATH_INFO"] + (f"?{environ['QUERY_STRING']}" if environ["QUERY_STRING"] else "")
        made.captured.append(Captured(target, body, headers | {"Content-Type": environ["CONTENT_TYPE"]}))
        return plain(environ | {"wsgi.input": BytesIO(body)}, start_response)

    with serving(sandbox), serving(make_server("127.0.0.1", port, tap, threaded=True)):
        yield made
    notifications.close()
    gateway.extensions[EXTENSION].database.close()


def test_played_again_late_and_in_any_order_nothing_changes(chain: Chain) -> None:
    seed = new_seed()
    print(f"FAULT_SEED={seed}")
    dice = random.Random(seed)
    orders = list(itertools.permutations(range(4)))
    sms, email = chain.send(len(orders))
    for kinds, ids in ((SMS, sms), (EMAIL, email)):
        for order, message_id in zip(orders, ids, strict=True):
            for number in order:
                chain.simulate(message_id, kinds[number], "PARAR" if kinds[number] == "replied" else "")
                chain.hear()
    states = chain.states()
    assert {states[message_id] for message_id in sms} == {"delivered"}
    assert {states[message_id] for message_id in email} == {"bounced"}
    assert len(chain.captured) == 8 * len(orders)
    known = chain.everything()
    assert [len(table) for table in known] == [3 * len(orders), 8 * len(orders), 2 * len(orders)]

    again = chain.captured * 3
    dice.shuffle(again)
    heard = 0
    for captured in again:
        assert chain.play(captured) in (200, 204)
        if dice.random() < 0.1:
            heard += chain.hear()
    assert heard + chain.hear() == len(again)
    assert chain.everything() == known


def test_a_stop_played_again_after_a_start_does_not_stop(chain: Chain) -> None:
    (message_id,), _ = chain.send(1)
    held = []
    for word in ("STOP", "VOLTAR"):
        chain.simulate(message_id, "replied", word)
        chain.hear()
        with chain.notifications.read() as connection:
            held.append(connection.execute(sa.select(suppressions.c.lifted_by)).scalar_one())
    assert held == [None, "recipient"]
    known = chain.everything()
    assert chain.play(chain.captured[0]) == 200
    assert chain.hear() == 1
    assert chain.everything() == known


def test_what_somebody_else_signed_changes_nothing(chain: Chain) -> None:
    """An attacker who knows every id and the whole of this code, but not the keys."""
    (sms,), (email,) = chain.send(1)
    for kind in ("delivered", "replied"):
        chain.simulate(sms, kind)
    chain.simulate(email, "delivered")
    genuine = list(chain.captured)
    chain.bus.take()
    known = chain.everything()
    theirs = signing.new_environment()
    forger = signing.private_key(theirs["RODIZIO_SANDBOX_KEY"])
    for captured in genuine:
        headers = {name.title(): value for name, value in captured.headers.items()}
        timestamp = headers.get("X-Twilio-Email-Event-Webhook-Timestamp", "")
        for signature in (
            "",
            signing.sendgrid_signature(forger, timestamp, captured.body),
            signing.twilio_signature(theirs["RODIZIO_TWILIO_AUTH_TOKEN"], chain.settings.address + captured.target, {}),
        ):
            for name in ("X-Twilio-Signature", "X-Twilio-Email-Event-Webhook-Signature"):
                if name in headers:
                    assert chain.play(replace(captured, headers=headers | {name: signature})) == 403
    assert chain.hear() == 0
    assert chain.everything() == known
