"""Processes a bench starts: each with a log of its own, stopped by their ids and waited for."""

import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from runtime.launch import launch_command, launch_environment
from runtime.ports import is_free, pick_free

ROOT = Path(__file__).resolve().parent.parent
STOP_SECONDS = 12.0


class Processes:
    """A family of processes, by name. All of them end with `stop()`, or when the bench does."""

    def __init__(self, logs: Path, environment: Mapping[str, str]) -> None:
        self.logs = logs
        self.environment = {**launch_environment(), "PYTHONWARNINGS": "ignore", **environment}
        self._running: dict[str, subprocess.Popen[bytes]] = {}

    def start(self, name: str, arguments: Sequence[str]) -> None:
        """Starts `python <arguments>` from the root of the project, with `<name>.log` beside the others."""
        with open(self.logs / f"{name}.log", "ab") as log:
            self._running[name] = subprocess.Popen(
                launch_command([sys.executable, *arguments]),
                cwd=ROOT,
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    @property
    def pids(self) -> dict[str, int]:
        """Process id by name."""
        return {name: process.pid for name, process in self._running.items()}

    def check(self) -> None:
        """Raises RuntimeError when one of them has ended by itself; the message ends with its log."""
        for name, process in self._running.items():
            if process.poll() is not None:
                raise RuntimeError(f"{name} ended with {process.returncode}:\n{self.log_tail(name)}")

    def log_tail(self, name: str, lines: int = 25) -> str:
        """Last lines of one log."""
        log = self.logs / f"{name}.log"
        if not log.exists():
            return ""
        return "\n".join(line[:400] for line in log.read_text(errors="replace").splitlines()[-lines:])

    def last_words(self, lines: int = 4) -> str:
        """The end of every log: what to read first when something failed."""
        return "\n".join(f"--- {name}\n{self.log_tail(name, lines)}" for name in self._running)

    def wait_until(self, ready: Callable[[], bool], what: str, seconds: float = 60.0) -> None:
        """Polls `ready` until it says so.

        Raises:
            RuntimeError: a process ended, or the time is over.
        """
        give_up = time.monotonic() + seconds
        while not ready():
            self.check()
            if time.monotonic() > give_up:
                raise RuntimeError(f"{what}: not in {seconds:.0f} s\n{self.last_words()}")
            time.sleep(0.1)

    @contextmanager
    def held(self, name: str) -> Iterator[None]:
        """Keeps one process from running for the length of the block: what is sent to it has to wait."""
        group = os.getpgid(self._running[name].pid)
        os.killpg(group, signal.SIGSTOP)
        try:
            yield
        finally:
            os.killpg(group, signal.SIGCONT)

    def stop(self, *names: str) -> None:
        """Asks the named processes (all of them by default) to end, and ends for certain those that do not."""
        leaving = [self._running.pop(name) for name in (names or list(self._running))]
        for process in leaving:
            if process.poll() is None:
                process.terminate()
        give_up = time.monotonic() + STOP_SECONDS
        for process in leaving:
            try:
                process.wait(max(0.1, give_up - time.monotonic()))
            except subprocess.TimeoutExpired:
                # sessions of their own: the group is this process and its children, nobody else's
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()


def free_port() -> int:
    """A TCP port nobody listens on at this moment."""
    return pick_free(1)[0]


def free_row(count: int) -> int:
    """The first of `count` neighbouring free ports."""
    while True:
        first = free_port()
        if all(is_free(port) for port in range(first, first + count)):
            return first


def answers(url: str) -> bool:
    """Whether a GET of `url` succeeds now."""
    try:
        with urllib.request.urlopen(url, timeout=3) as response:
            return bool(200 <= response.status < 300)
    except (urllib.error.URLError, OSError):
        return False
