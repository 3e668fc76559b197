"""The process that tells open pages of new leads, on a real broker: the right ones, at once, and nobody else."""

import http.client
import json
import os
import queue
import resource
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from faults.installation import ROOT
from faults.proxy import Proxy
from runtime_cases import wait_for

from contracts.notifications import MESSAGE_SENT, MessageSent
from gateway.live.streams import MOST_OF_SELLER
from gateway.live.tokens import sign
from gateway.secret import secret
from runtime import ports
from runtime.clock import iso, utc_now
from runtime.database import open_database
from runtime.ids import new_id
from runtime.migrations import upgrade
from runtime.publisher import Publisher
from runtime.settings import Settings
from runtime.wire import pack

pytestmark = pytest.mark.feature("GTW-4")

RESTLESS = "from gateway.live import __main__, app; app.REST_SECONDS = 0.001; __main__.main()"
IMPATIENT = "from gateway.live import server; server.STALL_SECONDS = server.REQUEST_SECONDS = 1.0; " + RESTLESS

STOP_SECONDS = 6
IDLE_CLIENTS = 500


@dataclass
class Live:
    """The process, and a publisher that stands for notifications."""

    port: int
    settings: Settings
    process: subprocess.Popen[bytes]
    publisher: Publisher
    log: Path

    @cached_property
    def secret(self) -> bytes:
        database = open_database("gateway", self.settings)
        found = secret(database)
        database.close()
        return found

    def token(self, seller_id: str, seconds: float = 600) -> str:
        return sign(self.secret, seller_id, time.time() + seconds)

    def get(self, path: str, **headers: str) -> http.client.HTTPResponse:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        connection.request("GET", path, headers=headers)
        return connection.getresponse()

    def problems(self) -> list[str]:
        try:
            found: list[str] = json.load(self.get("/health/ready"))["problems"]
        except OSError:
            return ["does not answer"]
        return found

    def tell(self, *facts: MessageSent, lane: Any = "live") -> None:
        self.publisher.publish_and_wait(pack(MESSAGE_SENT, facts, lane=lane), 10)

    def streams(self) -> int:
        """How many streams it says are open."""
        text = self.get("/metrics").read().decode()
        return int(
            float(next(line for line in text.splitlines() if line.startswith("rodizio_live_streams ")).split()[1])
        )


class Page:
    """An open page of a seller: reads its stream on a thread, as a browser would."""

    def __init__(self, live: Live, token: str) -> None:
        self._socket = socket.create_connection(("127.0.0.1", live.port), timeout=30)
        self._socket.sendall(request_for(token))
        self._response = http.client.HTTPResponse(self._socket)
        self._response.begin()
        self._lines: queue.Queue[str] = queue.Queue()
        self.heartbeats = 0
        assert self._response.status == 200
        assert self._response.headers["Content-Type"].startswith("text/event-stream")
        threading.Thread(target=self._read, daemon=True).start()
        assert self.next() == "retry: 3000"

    def _read(self) -> None:
        with suppress(OSError, http.client.HTTPException):
            while line := self._response.readline():
                if line == b":\n":
                    self.heartbeats += 1
                elif line.strip():
                    self._lines.put(line.decode().strip())
        self._lines.put("the end")

    def next(self, seconds: float = 10) -> str:
        """The next line that says something."""
        return self._lines.get(timeout=seconds)

    def is_silent(self) -> bool:
        return self._lines.empty()

    def close(self) -> None:
        self._socket.shutdown(socket.SHUT_RDWR)


def request_for(token: str) -> bytes:
    return f"GET /live?token={token} HTTP/1.1\r\nHost: x\r\n\r\n".encode()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """A migrated gateway database."""
    settings = Settings(var=tmp_path_factory.mktemp("live") / "var")
    upgrade("gateway", settings)
    return settings


@contextmanager
def running(folder: Settings, amqp_url: str, *arguments: Any, **changes: Any) -> Iterator[Live]:
    """The process, once it is ready; see `started`."""
    with started(folder, amqp_url, *arguments, **changes) as live:
        wait_for(lambda: not live.problems(), "it is ready", 30)
        yield live


@contextmanager
def started(
    folder: Settings,
    amqp_url: str,
    publish_to: str = "",
    program: tuple[str, str] = ("-m", "gateway.live"),
    **changes: str,
) -> Iterator[Live]:
    (port,) = ports.pick_free(1)
    environment = {
        **os.environ,
        "RODIZIO_VAR": str(folder.var),
        "RODIZIO_AMQP_URL": amqp_url,
        "RODIZIO_LIVE_PORT": str(port),
        "RODIZIO_STOP_SECONDS": str(STOP_SECONDS),
        **changes,
    }
    log = folder.var / f"live-{port}.log"
    publisher = Publisher(publish_to or amqp_url).start()
    with log.open("wb") as output:
        process = subprocess.Popen([sys.executable, *program], cwd=ROOT, env=environment, stdout=output, stderr=output)
    try:
        assert publisher.wait_open(10)
        yield Live(port, folder, process, publisher, log)
    finally:
        process.kill()
        process.wait()
        publisher.stop()


@pytest.fixture
def live(folder: Settings, amqp_url: str) -> Iterator[Live]:
    with running(folder, amqp_url) as one:
        yield one


def sent(seller_id: str, **changes: Any) -> MessageSent:
    """What notifications tells when a lead is in a seller's inbox."""
    message_id = new_id()
    values: dict[str, Any] = {
        "id": new_id(),
        "subject": message_id,
        "subject_version": 1,
        "correlation_id": new_id(),
        "message_id": message_id,
        "channel": "in_app",
        "recipient_kind": "seller",
        "recipient_id": seller_id,
        "work_id": new_id(),
        "status": "sent",
        "sent_at": iso(utc_now()),
    }
    return MessageSent(**{**values, **changes})


def shown(fact: MessageSent) -> str:
    return f'data: {{"work_id":"{fact.work_id}","message_id":"{fact.message_id}"}}'


def test_an_event_reaches_its_sellers_pages_within_a_second_and_nobody_elses(live: Live) -> None:
    ana, rui = new_id(), new_id()
    phone, desk, other = Page(live, live.token(ana)), Page(live, live.token(ana)), Page(live, live.token(rui))
    for lane in ("live", "bulk"):
        fact = sent(ana)
        began = time.monotonic()
        live.tell(sent(ana, channel="sms"), sent(ana, recipient_kind="contact"), sent(ana, status="failed"), lane=lane)
        live.tell(sent(new_id()), fact, lane=lane)
        for page in (phone, desk):
            assert page.next() == "event: lead"
            assert page.next() == shown(fact)
        assert time.monotonic() - began < 1
    # Had any of the earlier events been for Rui, it would have come before this one.
    last = sent(rui)
    live.tell(last)
    assert other.next() == "event: lead"
    assert other.next() == shown(last)
    assert phone.is_silent()
    assert desk.is_silent()


@pytest.mark.feature("R14")
def test_without_a_good_token_there_is_no_stream(live: Live) -> None:
    forged = sign(b"another secret of thirty-two bytes", "ana", time.time() + 60)
    for token in ("", "nonsense", forged, live.token("ana", seconds=-1)):
        assert live.get(f"/live?token={token}").status == 401
    assert live.get("/live").status == 401
    assert live.streams() == 0


def test_a_stream_ends_with_its_token(live: Live) -> None:
    page = Page(live, live.token(new_id(), seconds=2))
    assert page.next() == "the end"
    wait_for(lambda: live.streams() == 0, "its room is free")


@pytest.mark.parametrize(
    ("public_url", "allowed"),
    [("", "*"), ("https://leads.example.com/x", "https://leads.example.com")],
    ids=["any page", "our pages"],
)
def test_pages_of_the_gateway_may_listen(folder: Settings, amqp_url: str, public_url: str, allowed: str) -> None:
    with running(folder, amqp_url, RODIZIO_PUBLIC_URL=public_url) as live:
        ours = live.get(f"/live?token={live.token('ana')}", Origin="https://leads.example.com")
        assert ours.headers["Access-Control-Allow-Origin"] == allowed
        theirs = live.get(f"/live?token={live.token('ana')}", Origin="https://elsewhere.example.com")
        assert theirs.headers["Access-Control-Allow-Origin"] == ("*" if allowed == "*" else None)


@pytest.mark.feature("R9")
def test_the_broker_goes_and_comes_back_and_pages_are_told_to_look(folder: Settings, amqp_url: str) -> None:
    with Proxy(urlsplit(amqp_url).port or 5672) as proxy, running(folder, proxy.instead_of(amqp_url), amqp_url) as live:
        ana = new_id()
        page = Page(live, live.token(ana))
        proxy.mode = "refuse"
        proxy.reset()
        wait_for(lambda: live.problems() == ["broker: not listening"], "it says so")
        assert live.get("/health/live").status == 200
        live.tell(sent(ana))
        proxy.mode = "pass"
        wait_for(lambda: not live.problems(), "it is back")
        assert page.next() == "event: missed"
        assert page.next() == "data: {}"
        later = sent(ana)
        live.tell(later)
        assert page.next() == "event: lead"
        assert page.next() == shown(later)


def test_a_quiet_stream_beats(folder: Settings, amqp_url: str) -> None:
    program = "from gateway.live import __main__, app; app.HEARTBEAT_SECONDS = 0.05; __main__.main()"
    with running(folder, amqp_url, program=("-c", program)) as live:
        page = Page(live, live.token(new_id()))
        wait_for(lambda: page.heartbeats > 2, "it beats")
        assert page.is_silent()


@pytest.mark.feature("R9")
def test_without_the_gateways_database_it_says_so_and_waits(amqp_url: str, tmp_path: Path) -> None:
    settings = Settings(var=tmp_path / "var")
    settings.var.mkdir()
    program = "from gateway.live import __main__; __main__.SECRET_AGAIN_SECONDS = 0.05; __main__.main()"
    with started(settings, amqp_url, program=("-c", program)) as live:
        wait_for(lambda: live.problems() == ["database: the secret is not known yet"], "it says so", 30)
        assert live.get("/health/live").status == 200
        assert live.get("/live?token=any").status == 503
        upgrade("gateway", settings)
        wait_for(lambda: not live.problems(), "it is ready", 30)
        Page(live, live.token("ana"))


@pytest.mark.feature("R9")
def test_hundreds_of_idle_pages_cost_little_and_do_not_hold_up_the_end(live: Live) -> None:
    allow_descriptors(IDLE_CLIENTS * 2)
    ana, before = new_id(), memory(live.process.pid)
    with ExitStack() as stack:
        for number in range(IDLE_CLIENTS):
            idle = stack.enter_context(socket.create_connection(("127.0.0.1", live.port), timeout=20))
            idle.sendall(request_for(live.token(f"seller {number}")))
        wait_for(lambda: live.streams() == IDLE_CLIENTS, "all are there")
        page = Page(live, live.token(ana))
        fact, began = sent(ana), time.monotonic()
        live.tell(fact)
        assert page.next() == "event: lead"
        assert page.next() == shown(fact)
        assert time.monotonic() - began < 1
        assert memory(live.process.pid) - before < 40_000
        began = time.monotonic()
        live.process.send_signal(signal.SIGTERM)
        assert live.process.wait(STOP_SECONDS) == 0
        assert time.monotonic() - began < STOP_SECONDS / 2
        assert page.next() == "the end"
    assert "token" not in live.log.read_text()
    assert "Traceback" not in live.log.read_text()


@pytest.mark.feature("R9")
def test_a_seller_has_so_many_pages_and_no_more(live: Live) -> None:
    ana = new_id()
    pages = [Page(live, live.token(ana)) for _ in range(MOST_OF_SELLER)]
    refused = live.get(f"/live?token={live.token(ana)}")
    assert (refused.status, refused.headers["Retry-After"]) == (429, "30")
    Page(live, live.token(new_id()))
    pages.pop().close()
    wait_for(lambda: live.streams() == MOST_OF_SELLER, "the one that left is gone")
    Page(live, live.token(ana))


@pytest.mark.feature("R9")
def test_the_end_does_not_wait_for_the_broker_nor_for_who_does_not_read(folder: Settings, amqp_url: str) -> None:
    with (
        Proxy(urlsplit(amqp_url).port or 5672) as proxy,
        running(folder, proxy.instead_of(amqp_url), amqp_url, program=("-c", RESTLESS)) as live,
    ):
        ana = new_id()
        page = Page(live, live.token(ana))
        with deaf_page(live, ana):
            wait_for(lambda: live.streams() == 2, "both are there")
            for _ in range(100):  # more than the kernel and uvicorn keep for one client
                live.tell(sent(ana, work_id="x" * 4000))
                assert page.next() == "event: lead"
                page.next()
            proxy.mode = "black hole"
            began = time.monotonic()
            live.process.send_signal(signal.SIGTERM)
            assert live.process.wait(STOP_SECONDS + 1) == 0
            assert page.next() == "the end"
        assert time.monotonic() - began < STOP_SECONDS
        assert "Traceback" not in live.log.read_text()


@pytest.mark.feature("R9")
def test_who_does_not_read_is_dropped_and_the_others_hear_everything(folder: Settings, amqp_url: str) -> None:
    with running(folder, amqp_url, program=("-c", IMPATIENT)) as live:
        ana = new_id()
        page, deaf = Page(live, live.token(ana)), deaf_page(live, ana)
        wait_for(lambda: live.streams() == 2, "both are there")

        def only_one_is_left() -> bool:
            fact = sent(ana)
            live.tell(fact)
            assert page.next() == "event: lead"
            assert page.next() == shown(fact)
            return live.streams() == 1

        wait_for(only_one_is_left, "the deaf one is gone", 30)
        deaf.close()


@pytest.mark.feature("R9")
@pytest.mark.parametrize("said", [b"", b"GET /live?tok"], ids=["nothing", "half a request"])
def test_who_asks_for_nothing_is_dropped(folder: Settings, amqp_url: str, said: bytes) -> None:
    with running(folder, amqp_url, program=("-c", IMPATIENT)) as live:
        page = Page(live, live.token(new_id()))
        with socket.create_connection(("127.0.0.1", live.port), timeout=5) as idle:
            idle.sendall(said)
            with suppress(ConnectionResetError):
                assert idle.recv(1) == b""
        assert page.is_silent()
        assert live.streams() == 1


def deaf_page(live: Live, seller_id: str) -> socket.socket:
    """A page that asks and never reads."""
    page = socket.socket()
    page.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1024)
    page.connect(("127.0.0.1", live.port))
    page.sendall(request_for(live.token(seller_id)))
    return page


def memory(pid: int) -> int:
    """Memory that is this process's own or its share, in kB."""
    rollup = Path(f"/proc/{pid}/smaps_rollup").read_text()
    return int(next(line for line in rollup.splitlines() if line.startswith("Pss:")).split()[1])


def allow_descriptors(wanted: int) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, min(wanted, hard)), hard))
