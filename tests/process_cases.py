"""Waiting for things to happen, and finding the processes that belong to a folder."""

import os
import time
from collections.abc import Callable
from pathlib import Path

from runtime import processes


def until(condition: Callable[[], object], what: str, timeout: float = 20) -> None:
    deadline = time.monotonic() + timeout
    while not condition():
        assert time.monotonic() < deadline, f"not within {timeout:.0f} s: {what}"
        time.sleep(0.02)


def belonging_to(folder: Path) -> dict[int, str]:
    """Command line by process id of every live process that knows `folder`, but for ourselves."""
    numbers = [int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit()]
    found = {}
    for number in numbers:
        if number != os.getpid() and processes.is_alive(number) and processes.mentions(number, str(folder)):
            try:
                found[number] = Path(f"/proc/{number}/cmdline").read_bytes().replace(b"\0", b" ").decode()
            except OSError:
                continue
    return found
