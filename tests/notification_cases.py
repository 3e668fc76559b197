"""What tests of notifications share: facts as distribution tells them, and the sandbox on a port of its own."""

import threading
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import requests
import sqlalchemy as sa

from contracts.distribution import SellerChanged, WorkAssigned, WorkUnassigned
from contracts.message import Lane
from contracts.notifications import Provider, ProviderEvent, ProviderEventKind
from runtime.clock import iso, utc_now
from runtime.database import Database
from runtime.ids import new_id
from runtime.settings import Settings
from sandbox.server import server
from services.notifications import callbacks, handlers
from services.notifications.channels.build import channels
from services.notifications.domain.sending import WAITS_FOR_A_PERSON_AFTER
from services.notifications.sending import Sender
from services.notifications.store import messages


class Sandbox:
    """The sandbox, served by threads of this process: outside of any sender that a test starts and kills."""

    def __init__(self, ledger: Path) -> None:
        self._server = server(0, ledger)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)

    @contextmanager
    def running(self) -> Iterator["Sandbox"]:
        """Serves until the end of the block; requests that are stalled then are left to their threads."""
        self._thread.start()
        yield self
        self._server.shutdown()
        self._server.server_close()

    def fault(self, channel: str, kind: str | None, **options: Any) -> None:
        """Switches a fault on, or off with None."""
        answer = requests.post(f"{self.url}/faults", json={"channel": channel, "kind": kind, **options}, timeout=5)
        assert answer.ok, answer.text

    def ledger(self, **narrowed: str) -> list[dict[str, Any]]:
        """Everything accepted so far."""
        found: list[dict[str, Any]] = []
        while True:
            after = {"after": str(found[-1]["id"])} if found else {}
            page = requests.get(f"{self.url}/ledger", params={**narrowed, **after}, timeout=5).json()["items"]
            if not page:
                return found
            found += page

    def per_intent(self) -> Counter[str]:
        """How many messages were accepted for each intent."""
        return Counter(row["reference"] for row in self.ledger())


def seller(seller_id: str, version: int = 1, **changes: Any) -> SellerChanged:
    """A seller who wants SMS and e-mail."""
    values: dict[str, Any] = {
        "name": "Rita",
        "email": f"{seller_id[-12:]}@example.org",
        "phone": f"+3519{int(seller_id[-8:], 16) % 10**8:08}",
        "channels": ("sms", "email"),
    } | changes
    return SellerChanged(
        id=new_id(), subject=seller_id, subject_version=version, correlation_id=new_id(), seller_id=seller_id, **values
    )


def assigned(
    seller_id: str, work_id: str | None = None, version: int = 1, source: str = "Landing", team_id: str | None = None
) -> WorkAssigned:
    """Work given to a seller."""
    work_id = work_id or new_id()
    now = iso(utc_now())
    return WorkAssigned(
        id=new_id(), subject=work_id, subject_version=version, correlation_id=new_id(), work_id=work_id,
        lead_id=new_id(), contact_id=new_id(), form_id=new_id(), source=source,
        team_id=team_id or new_id(), seller_id=seller_id,
        assigned_at=now, captured_at=now,
    )  # fmt: skip


def unassigned(work_id: str, version: int, seller_id: str = "") -> WorkUnassigned:
    """Work taken away."""
    return WorkUnassigned(
        id=new_id(), subject=work_id, subject_version=version, correlation_id=new_id(), work_id=work_id,
        lead_id=new_id(), seller_id=seller_id or new_id(), unassigned_at=iso(utc_now()),
    )  # fmt: skip


def event(kind: ProviderEventKind, provider: Provider = "twilio", **values: Any) -> ProviderEvent:
    """What a provider tells, of now unless `at` says otherwise."""
    identifier = new_id()
    told = {"event_id": identifier, "at": iso(utc_now())} | values
    return ProviderEvent(
        id=identifier, subject=identifier, subject_version=1, correlation_id=identifier, provider=provider, kind=kind,
        **told,
    )  # fmt: skip


def receive(database: Database, *facts: Any, lane: Lane = "live") -> None:
    """Hands facts of one type to their handler, as the bus does: in one transaction."""
    handle: Any = {
        WorkAssigned: handlers.work_assigned,
        WorkUnassigned: handlers.work_unassigned,
        SellerChanged: handlers.seller_changed,
        ProviderEvent: callbacks.record_provider_events,
    }[type(facts[0])]
    with database.write(lane=lane) as tx:
        handle(tx, facts)


def rows(database: Database, channel: str | None = None) -> Sequence[Any]:
    """All messages, or those of one channel."""
    select = sa.select(messages).order_by(messages.c.created_at, messages.c.message_id)
    with database.read() as connection:
        return connection.execute(select if channel is None else select.where(messages.c.channel == channel)).all()


def states(database: Database, channel: str = "sms") -> Counter[str]:
    """How many messages of a channel are in which state."""
    return Counter(row.state for row in rows(database, channel))


def age_doubts(database: Database, age: timedelta = WAITS_FOR_A_PERSON_AFTER) -> None:
    """Makes what is unknown as old as that; without `age`, so old that a person may settle it in any way."""
    aged = sa.update(messages).where(messages.c.state == "unknown").values(unknown_at=utc_now() - age)
    with database.write() as tx:
        tx.connection.execute(aged)


def sender(database: Database, settings: Settings, clock: Callable[[], datetime] = utc_now) -> Sender:
    """A sender put together as the service does it."""
    return Sender(database, channels(settings), settings.address, clock=clock)
