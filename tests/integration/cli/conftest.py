"""Processes that the command line talks to, on an empty virtual host and SQLite."""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import requests

from gateway.keys import issue
from runtime.database import open_database
from runtime.launch import launch_command, launch_environment
from runtime.migrations import upgrade
from runtime.ports import is_free, pick_free
from runtime.settings import OWNERS, Settings

ROOT = Path(__file__).parents[3]
START_SECONDS = 90


class Installation:
    """Starts what a test needs, and ends all of it. key: of the API."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.key = ""
        self._processes: list[subprocess.Popen[bytes]] = []

    @property
    def address(self) -> str:
        """Of the gateway."""
        return f"http://127.0.0.1:{self.settings.gateway_port}"

    @property
    def environment(self) -> dict[str, str]:
        """What a command needs to find it."""
        return {
            "RODIZIO_VAR": str(self.settings.var),
            "RODIZIO_AMQP_URL": self.settings.amqp_url,
            "RODIZIO_GATEWAY_PORT": str(self.settings.gateway_port),
            "RODIZIO_HEALTH_PORT": str(self.settings.health_port),
            "RODIZIO_DATABASE_URL": self.settings.database_url,
            "RODIZIO_API_KEY": self.key,
        }

    def start_service(self, name: str) -> None:
        """Starts a service and waits until it consumes."""
        self.start_services(name)

    def start_services(self, *names: str) -> None:
        """Starts services side by side and waits until they consume."""
        for name in names:
            upgrade(name, self.settings)
            self._start("-m", "runtime.run", name)
        for name in names:
            self._wait(f"http://127.0.0.1:{self.settings.health_port_of(name)}/health/ready", name)

    def start_gateway(self) -> None:
        """Starts the gateway with one worker and its projection, and makes a key."""
        upgrade("gateway", self.settings)
        database = open_database("gateway", self.settings)
        self.key = database.transact(issue, "test")
        database.close()
        self._start("-m", "gunicorn", "-c", "python:gateway.gunicorn", "-w", "1")
        self._start("-m", "gateway.projection")
        self._wait(f"{self.address}/health/ready", "gateway")

    def start_loader(self) -> None:
        """Starts what looks at files and loads them."""
        self._start("-m", "services.capture.loader")

    def wait_for_form(self, key: str) -> None:
        """Waits until the gateway has heard of a form."""
        until(lambda: requests.post(f"{self.address}/f/{key}", json={}, timeout=5).status_code != 404, f"form {key}")

    def stop(self) -> None:
        """Ends everything."""
        for process in self._processes:
            process.terminate()
        for process in self._processes:
            try:
                process.wait(15)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    def _start(self, *arguments: str) -> None:
        environment = {**os.environ, **launch_environment(), **self.environment, "PYTHONWARNINGS": "ignore"}
        with (self.settings.var.parent / "processes.log").open("ab") as log:
            self._processes.append(
                subprocess.Popen(
                    launch_command([sys.executable, *arguments]), cwd=ROOT, env=environment, stdout=log, stderr=log
                )
            )

    def _wait(self, address: str, name: str) -> None:
        def is_ready() -> bool:
            try:
                return requests.get(address, timeout=2).ok
            except requests.RequestException:
                return False

        until(is_ready, f"{name} to be ready", START_SECONDS)


def until(happened: Callable[[], object], what: str, seconds: float = 15) -> None:
    """Waits for something that is on its way."""
    deadline = time.monotonic() + seconds
    while not happened():
        assert time.monotonic() < deadline, f"waited {seconds:g} s in vain for {what}"
        time.sleep(0.05)


@pytest.fixture
def installation(amqp_url: str, tmp_path: Path) -> Iterator[Installation]:
    """Nothing started yet."""
    ports = pick_free(1)
    settings = Settings(amqp_url=amqp_url, var=tmp_path / "var", gateway_port=ports[0], health_port=_free_row())
    settings.var.mkdir()
    installation = Installation(replace(settings, log_level="WARNING"))
    yield installation
    installation.stop()


def _free_row() -> int:
    """The first of neighbouring ports, one for each owner, none of which is taken."""
    while True:
        first = pick_free(1)[0]
        if all(is_free(port) for port in range(first, first + len(OWNERS))):
            return first
