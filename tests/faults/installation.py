"""Our real processes, as an installation runs them, to be killed and started again at will."""

import contextlib
import os
import random
import signal
import subprocess
import sys
import threading
import time
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import requests

from contracts.catalogue import SERVICES
from runtime import ports
from runtime.database import Database, open_database
from runtime.migrations import upgrade
from runtime.publisher import Publisher
from runtime.rpc_client import RpcPool
from runtime.settings import OWNERS, Settings

ROOT = Path(__file__).resolve().parents[2]
START_SECONDS = 40.0

SOAK_SECONDS = float(os.environ.get("RODIZIO_SOAK_SECONDS", "600"))
"""How long a soak run lasts."""


def new_seed() -> int:
    """The seed of a schedule: `FAULT_SEED` repeats a run that failed."""
    return int(os.environ.get("FAULT_SEED") or random.SystemRandom().randrange(1_000_000))


@dataclass
class Running:
    """One process and where its output goes."""

    command: list[str]
    log: Path
    changes: dict[str, str]
    process: subprocess.Popen[bytes]
    killed: int = 0
    wanted: bool = True


@dataclass
class Installation:
    """Processes of one installation on `settings`; those that end unasked are started again, as a supervisor would.

    settings: amqp_url, database_url and var decide where it lives; ports are chosen.
    """

    settings: Settings
    owners: tuple[str, ...]
    running: dict[str, Running] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.settings = replace(self.settings, health_port=free_row(len(OWNERS)), gateway_port=ports.pick_free(1)[0])
        self._stopping = threading.Event()
        self._lock = threading.RLock()
        self._keeper = threading.Thread(target=self._keep, daemon=True)
        self._rpc: RpcPool | None = None

    def __enter__(self) -> Self:
        for owner in self.owners:
            upgrade(owner, self.settings)
        self._keeper.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, _error: BaseException | None, _at: TracebackType | None
    ) -> None:
        self._stopping.set()
        self._keeper.join()
        if kind is not None:
            print(self.last_words())
        for one in self.running.values():
            _signal(one, signal.SIGKILL)
        for one in self.running.values():
            one.process.wait(10)
        if self._rpc is not None:
            self._rpc.close()

    def start(self, *names: str, **changes: object) -> Self:
        """Starts processes (a service's name, "gateway" or "projection") and waits until they are ready. A second
        replica of a service is called "service#2"; it needs a `health_port` of its own.

        changes: settings that these processes get different ones of.
        """
        for name in names:
            self._spawn(name, {f"RODIZIO_{option.upper()}": str(value) for option, value in changes.items()})
        for name in names:
            self.wait_ready(name)
        return self

    def wait_ready(self, name: str, within: float = START_SECONDS) -> None:
        """Waits until `name` says that it is ready."""
        deadline = time.monotonic() + within
        while not self.is_ready(name):
            assert time.monotonic() < deadline, f"{name} is not ready after {within:g} s\n{self.last_words(name)}"
            time.sleep(0.05)

    def is_ready(self, name: str) -> bool:
        """What /health/ready says."""
        try:
            return requests.get(f"{self._probe_of(name)}/health/ready", timeout=2).ok
        except requests.RequestException:
            return False

    def metrics(self, name: str) -> str:
        """What /metrics says; nothing while it does not answer."""
        try:
            return requests.get(f"{self._probe_of(name)}/metrics", timeout=2).text
        except requests.RequestException:
            return ""

    def problems(self, name: str) -> list[str]:
        """What keeps `name` from being ready, in its own words."""
        answer = requests.get(f"{self._probe_of(name)}/health/ready", timeout=15)
        return [str(problem) for problem in answer.json()["problems"]]

    def kill9(self, name: str) -> None:
        """Ends a process and its children without a word; it is started again."""
        with self._lock:
            _signal(self.running[name], signal.SIGKILL)
            self.running[name].killed += 1

    def hold(self, name: str) -> None:
        """Ends a process as `kill9` does and leaves it ended until `start`."""
        with self._lock:
            self.running[name].wanted = False
            self.kill9(name)
            self.running[name].process.wait(10)

    def terminate(self, name: str, within: float) -> float:
        """Asks a process to end and returns the seconds it took; it is not started again."""
        one = self.running[name]
        one.wanted = False
        asked = time.monotonic()
        one.process.send_signal(signal.SIGTERM)
        one.process.wait(within)
        return time.monotonic() - asked

    def database(self, owner: str) -> Database:
        """The owner's database, for a witness to read."""
        return open_database(owner, self.settings)

    def call(self, service: str, method: str, /, **arguments: Any) -> Any:
        """Calls a service as the gateway would."""
        if self._rpc is None:
            self._rpc = RpcPool(self.settings)
        return self._rpc.call(service, method, **arguments)

    def publisher(self) -> Publisher:
        """A publisher of our own, connected."""
        made = Publisher(self.settings.amqp_url, "witness").start()
        assert made.wait_open(20)
        return made

    @property
    def url(self) -> str:
        """Address of the gateway."""
        return f"http://127.0.0.1:{self.settings.gateway_port}"

    def last_words(self, *names: str) -> str:
        """The end of the processes' logs."""
        told = []
        for name in names or self.running:
            lines = self.running[name].log.read_text(errors="replace").splitlines()
            told += [f"--- {name}", *(line[:600] for line in lines[-12:])]
        return "\n".join(told)

    def _probe_of(self, name: str) -> str:
        if name == "gateway":
            return self.url
        owner = {"projection": "gateway", "fragile_receiver": "distribution"}.get(name, name.partition("#")[0])
        first = self.running[name].changes.get("RODIZIO_HEALTH_PORT") if name in self.running else None
        settings = replace(self.settings, health_port=int(first)) if first else self.settings
        return f"http://127.0.0.1:{settings.health_port_of(owner)}"

    def _spawn(self, name: str, changes: dict[str, str]) -> None:
        with self._lock:
            log = self.settings.var / f"{name}.log"
            command = _command(name)
            self.running[name] = Running(command, log, changes, self._launch(command, log, changes))

    def _launch(self, command: list[str], log: Path, changes: dict[str, str]) -> "subprocess.Popen[bytes]":
        given = {f"RODIZIO_{name.upper()}": str(value) for name, value in vars(self.settings).items() if value}
        environment = {**os.environ, "PYTHONPATH": str(ROOT), "EVENTLET_NO_GREENDNS": "yes", **given, **changes}
        with log.open("ab") as output:
            return subprocess.Popen(
                command,
                env=environment,
                cwd=ROOT,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )

    def _keep(self) -> None:
        while not self._stopping.wait(0.1):
            with self._lock:
                for one in self.running.values():
                    if one.wanted and one.process.poll() is not None:
                        one.process = self._launch(one.command, one.log, one.changes)


def _command(name: str) -> list[str]:
    name = name.partition("#")[0]
    if name in SERVICES:
        return [sys.executable, "-W", "ignore", "-m", "runtime.run", name]
    if name == "fragile_receiver":
        return [sys.executable, str(Path(__file__).with_name("fragile_receiver.py"))]
    if name == "projection":
        return [sys.executable, "-m", "gateway.projection"]
    return [sys.executable, "-m", "gunicorn", "-c", "python:gateway.gunicorn"]


def _signal(one: Running, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(one.process.pid, number)


def free_row(length: int) -> int:
    """The first of `length` free ports in a row."""
    while True:
        first = random.SystemRandom().randrange(20_000, 30_000)
        if all(ports.is_free(first + step) for step in range(length)):
            return first
