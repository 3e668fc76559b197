"""Clients that send a byte now and then, before a real gunicorn: they are cut off, and the others never notice."""

import json
import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from faults.installation import ROOT
from runtime_cases import wait_for

from contracts.capture import FormChanged
from gateway import store
from runtime import ports
from runtime.database import open_database
from runtime.migrations import upgrade
from runtime.settings import Settings

pytestmark = pytest.mark.feature("R9", "R10")

THREADS = 4
READ_SECONDS = 2.0
TURN = 1.0
"""The worker looks at least this often."""

IMPATIENT = f"""
from gateway.gunicorn import *

def when_ready(_server):
    import gateway.worker
    gateway.worker.READ_SECONDS = {READ_SECONDS}
"""

HEAD = b"POST /f/contact HTTP/1.1\r\nHost: x\r\nAccept: application/json\r\nContent-Type: application/json\r\n"
BODY = json.dumps({"name": "Ana Sofia", "email": "ana@example.com"}).encode()


@pytest.fixture
def address(tmp_path: Path, form: FormChanged) -> Iterator[tuple[str, int]]:
    """One worker of a gateway that knows `form`; without a broker its own database takes the posts."""
    (port,) = ports.pick_free(1)
    var = tmp_path / "var"
    settings = {
        "RODIZIO_VAR": str(var),
        "RODIZIO_AMQP_URL": "amqp://guest:guest@127.0.0.1:1/",
        "RODIZIO_GATEWAY_PORT": str(port),
        "RODIZIO_GATEWAY_WORKERS": "1",
        "RODIZIO_GATEWAY_THREADS": str(THREADS),
    }
    configuration = tmp_path / "impatient.py"
    configuration.write_text(IMPATIENT)
    process = subprocess.Popen(
        [sys.executable, "-m", "gunicorn", "-c", str(configuration)], cwd=ROOT, env={**os.environ, **settings}
    )
    try:
        wait_for(lambda: not ports.is_free(port), "gunicorn listens", 30)
        yield "127.0.0.1", port
    finally:
        process.terminate()
        process.wait(20)


@pytest.fixture
def gateway_settings(tmp_path: Path) -> Settings:
    """The gateway's database on SQLite alone: the worker does not know which it is."""
    settings = Settings(var=tmp_path / "var")
    upgrade("gateway", settings)
    return settings


class Dribbler:
    """A client that has sent `first` and goes on, a byte each time it is told."""

    def __init__(self, address: tuple[str, int], first: bytes) -> None:
        self.connection = socket.create_connection(address)
        self.connection.sendall(first)
        self.connection.setblocking(False)
        self.heard = b""
        self.ended_after: float | None = None
        self._began = time.monotonic()

    def go_on(self) -> None:
        """One more byte, and whatever there is to hear."""
        if self.ended_after is not None:
            return
        try:
            self.connection.send(b" ")
            received = self.connection.recv(65_536)
        except BlockingIOError:
            return
        except OSError:
            received = b""
        self.heard += received
        if not received:
            self.ended_after = time.monotonic() - self._began
            self.connection.close()


def post(address: tuple[str, int]) -> tuple[int, float]:
    """Status of a good post, and the seconds its answer took."""
    url = f"http://{address[0]}:{address[1]}/f/contact"
    headers = {"Content-Type": "application/json", "Accept": "application/json"}
    began = time.monotonic()
    with urllib.request.urlopen(urllib.request.Request(url, BODY, headers), timeout=30) as response:
        return response.status, time.monotonic() - began


@contextmanager
def dribbling(address: tuple[str, int], count: int, first: bytes) -> Iterator[list[Dribbler]]:
    clients = [Dribbler(address, first) for _ in range(count)]
    try:
        yield clients
    finally:
        for client in clients:
            client.connection.close()


SLOW_BODY = HEAD + b"Content-Length: 100000\r\n\r\n{"
SLOW_HEAD = HEAD + b"X-Long: "


@pytest.mark.parametrize(
    ("first", "status"), [(SLOW_BODY, b"HTTP/1.1 408 "), (SLOW_HEAD, b"")], ids=["slow body", "slow head"]
)
def test_a_dribbling_client_is_cut_off_and_healthy_posts_go_on_meanwhile(
    address: tuple[str, int], first: bytes, status: bytes
) -> None:
    assert post(address)[0] == 200
    answered: list[tuple[int, float]] = []
    with dribbling(address, THREADS - 1, first) as clients:
        until = time.monotonic() + READ_SECONDS + 5 * TURN
        while any(client.ended_after is None for client in clients):
            assert time.monotonic() < until, "somebody still holds a thread"
            for client in clients:
                client.go_on()
            answered.append(post(address))
            time.sleep(0.05)
    for client in clients:
        assert client.ended_after is not None
        assert client.ended_after > READ_SECONDS - 0.1
        assert client.heard.startswith(status), client.heard
        if status:
            assert b'"too_slow"' in client.heard
    assert len(answered) > 5
    assert {code for code, _ in answered} == {200}
    assert max(seconds for _, seconds in answered) < READ_SECONDS / 2
    assert post(address)[0] == 200


def test_more_dribbling_clients_than_threads_hold_a_post_up_but_not_for_ever(
    address: tuple[str, int], gateway_settings: Settings
) -> None:
    with dribbling(address, 2 * THREADS, SLOW_BODY):
        status, seconds = post(address)
    assert status == 200
    assert seconds < 2 * (READ_SECONDS + TURN) + 2 * TURN
    database = open_database("gateway", gateway_settings)
    with database.read() as connection:
        kept = store.held(connection)
    database.close()
    assert kept == 1  # of those that were cut off nothing is kept
