"""What a drain measured, for the system and for its baseline alike."""

import time
from collections.abc import Callable
from dataclasses import dataclass

from bench.measure import Meter


@dataclass(frozen=True)
class Drain:
    """Leads per second until the last was done, CPU seconds per 1,000 by process, share of the machine others used."""

    leads: int
    per_second: float
    cpu_per_thousand: float
    cpu_by_process: dict[str, float]
    foreign: float

    @classmethod
    def of(cls, leads: int, meter: Meter) -> "Drain":
        """Reads a finished meter."""
        shares = {name: seconds * 1000 / leads for name, seconds in meter.cpu.items()}
        return cls(leads, leads / meter.seconds, meter.per_thousand(leads), shares, meter.foreign)


def wait_for(is_done: Callable[[], bool], what: str, *, seconds: float, every: float = 0.1) -> None:
    """Asks `is_done` again and again.

    Raises:
        TimeoutError: not within `seconds`.
    """
    give_up = time.monotonic() + seconds
    while not is_done():
        if time.monotonic() > give_up:
            raise TimeoutError(f"{what}: not within {seconds:.0f} s")
        time.sleep(every)
