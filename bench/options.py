"""What a run may change, from the environment, so that `make bench` needs no arguments."""

import os
from dataclasses import dataclass


@dataclass(frozen=True)
class Options:
    """How much to measure.

    runs: interleaved repetitions; the median is told.
    leads: leads of one drain (P2); its baseline gets a tenth.
    seconds: length of one timed load; 0 lets each figure choose.
    databases: which databases the system under test is measured on, in this order.
    quiet_seconds: longest wait for the machine to fall quiet before each measurement.
    """

    runs: int = 3
    leads: int = 20_000
    seconds: float = 0.0
    databases: tuple[str, ...] = ("postgresql", "sqlite")
    quiet_seconds: float = 60.0

    @classmethod
    def load(cls) -> "Options":
        """Reads RUNS, N, SECONDS, DATABASES and QUIET_SECONDS.

        Raises:
            ValueError: a variable is not a number, or names an unknown database.
        """
        databases = tuple(os.environ.get("DATABASES", "postgresql sqlite").split())
        if not databases or not set(databases) <= {"postgresql", "sqlite"}:
            raise ValueError(f"DATABASES must name postgresql, sqlite or both, not {' '.join(databases)!r}")
        return cls(
            runs=max(1, int(os.environ.get("RUNS", 3))),
            leads=max(10, int(os.environ.get("N", 20_000))),
            seconds=float(os.environ.get("SECONDS", 0)),
            databases=databases,
            quiet_seconds=float(os.environ.get("QUIET_SECONDS", 60)),
        )
