"""SQLite takes one replica of a service: a second one is told so and the first goes on; PostgreSQL takes several."""

import os
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from faults.installation import ROOT, Installation
from runtime_cases import wait_for

from runtime import ports
from runtime.settings import OWNERS, Settings

pytestmark = pytest.mark.feature("R5")


@pytest.fixture
def running(database_url: str, amqp_url: str, tmp_path: Path) -> Iterator[Installation]:
    """Capture in a process of its own."""
    with Installation(Settings(amqp_url=amqp_url, database_url=database_url, var=tmp_path), ("capture",)) as running:
        yield running.start("capture")


@contextmanager
def another(settings: Settings, said: Path) -> Iterator["subprocess.Popen[bytes]"]:
    """A second process of capture, as somebody would start it by hand; what it says goes to `said`."""
    given = {f"RODIZIO_{name.upper()}": str(value) for name, value in vars(settings).items() if value}
    with said.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-W", "ignore", "-m", "runtime.run", "capture"],
            cwd=ROOT,
            env={**os.environ, "EVENTLET_NO_GREENDNS": "yes", **given},
            stdout=output,
            stderr=output,
        )
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def is_ready(settings: Settings) -> bool:
    """What the process with these settings says of itself."""
    address = f"http://127.0.0.1:{settings.health_port_of('capture')}/health/ready"
    try:
        with urllib.request.urlopen(address, timeout=2):
            return True
    except OSError:
        return False


def elsewhere(settings: Settings) -> Settings:
    """The same installation, its probes on another port."""
    free = next(first for first in ports.pick_free(20) if ports.is_free(first) and first + len(OWNERS) < 65_535)
    return replace(settings, health_port=free)


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_second_replica_is_refused_until_the_first_is_dead(running: Installation, tmp_path: Path) -> None:
    settings, said = elsewhere(running.settings), tmp_path / "second"
    first = running.running["capture"].process
    with another(settings, said) as second:
        assert second.wait(30) == 1
    (message,) = said.read_text().splitlines()
    assert message.startswith(f"another capture process already uses {tmp_path}/capture.db.")
    assert "RODIZIO_DATABASE_URL" in message
    assert first.poll() is None
    assert "items" in running.call("capture", "list_forms")

    running.hold("capture")  # kill -9
    with another(settings, said) as third:
        wait_for(lambda: is_ready(settings), "the next one has taken its place", 30)
        assert "items" in running.call("capture", "list_forms")
        assert third.poll() is None


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_on_postgresql_a_second_replica_is_welcome(running: Installation, tmp_path: Path) -> None:
    settings = elsewhere(running.settings)
    with another(settings, tmp_path / "second") as second:
        wait_for(lambda: is_ready(settings), "the second one is ready", 30)
        assert running.is_ready("capture")
        assert second.poll() is None
