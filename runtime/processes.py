"""Processes by id: whose they are, ending them, waiting for their end."""

import contextlib
import os
import signal
import time
from pathlib import Path


def read_pid(path: Path) -> int | None:
    """The process id written in `path`; None without one."""
    try:
        return int(path.read_text().strip())
    except (OSError, ValueError):
        return None


def is_alive(pid: int) -> bool:
    """Whether process `pid` runs; one that ended and was not reaped yet does not."""
    try:
        status = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False
    return status.rpartition(")")[2].split()[0] not in ("Z", "X")


def mentions(pid: int, text: str) -> bool:
    """Whether the command line or environment of `pid` contains `text`: process ids are used again, this tells."""
    for part in ("cmdline", "environ"):
        with contextlib.suppress(OSError):
            if text.encode() in Path(f"/proc/{pid}/{part}").read_bytes():
                return True
    return False


def send(pid: int, number: signal.Signals) -> None:
    """Signals `pid`; nothing when it is gone."""
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, number)


def wait_gone(pid: int, timeout: float) -> bool:
    """Waits up to `timeout` seconds for `pid` to end; whether it did."""
    deadline = time.monotonic() + timeout
    while is_alive(pid):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


def end(pid: int, timeout: float, number: signal.Signals = signal.SIGTERM) -> None:
    """Asks `pid` to end, and after `timeout` seconds makes it."""
    send(pid, number)
    if not wait_gone(pid, timeout):
        send(pid, signal.SIGKILL)
        wait_gone(pid, timeout)
