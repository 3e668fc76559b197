"""Measuring tools: CPU of process trees, a quiet machine, medians, percentiles. Linux, standard library only."""

import os
import statistics
import sys
import time
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Self

TICKS = os.sysconf("SC_CLK_TCK")
CORES = os.cpu_count() or 1
QUIET_SHARE = 0.10
NOISY_SHARE = 0.10


def say(text: str) -> None:
    """Progress, on standard error: standard output is for the figures."""
    print(f"{time.strftime('%H:%M:%S')} {text}", file=sys.stderr, flush=True)


def median(values: Iterable[float]) -> float:
    """The middle value."""
    return statistics.median(values)


def percentile(values: Sequence[float], percent: float) -> float:
    """The smallest value that at least `percent` of the values do not exceed (nearest rank)."""
    ordered = sorted(values)
    rank = -(-len(ordered) * percent // 100)
    return ordered[max(0, int(rank) - 1)]


def _process_times() -> dict[int, tuple[int, int]]:
    """Parent and ticks, reaped children included, of every process there is."""
    times = {}
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            numbers = (entry / "stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue  # it ended meanwhile
        # fields 4 (parent) and 14 to 17 (user, system, and both of reaped children) of proc(5)
        times[int(entry.name)] = int(numbers[1]), sum(int(number) for number in numbers[11:15])
    return times


def cpu_seconds(roots: Mapping[str, int]) -> dict[str, float]:
    """CPU seconds used so far by each named process and all its descendants, dead ones included once reaped."""
    times = _process_times()
    children: dict[int, list[int]] = {}
    for pid, (parent, _) in times.items():
        children.setdefault(parent, []).append(pid)
    used = {}
    for name, root in roots.items():
        ticks, waiting = 0, [root]
        while waiting:
            pid = waiting.pop()
            ticks += times.get(pid, (0, 0))[1]
            waiting += children.get(pid, ())
        used[name] = ticks / TICKS
    return used


def busy_seconds() -> float:
    """CPU seconds the whole machine has worked since it booted (steal counts: it was wanted and not given)."""
    with open("/proc/stat") as stat:
        user, nice, system, _idle, _iowait, irq, softirq, steal = (int(n) for n in stat.readline().split()[1:9])
    return (user + nice + system + irq + softirq + steal) / TICKS


def wait_quiet(patience: float) -> None:
    """Waits until two seconds pass with the machine nearly idle, at most `patience` seconds."""
    give_up = time.monotonic() + patience
    while time.monotonic() < give_up:
        before = busy_seconds()
        time.sleep(2)
        if (busy_seconds() - before) / (2 * CORES) < QUIET_SHARE:
            return
    if patience > 0:
        say("the machine did not fall quiet: measuring all the same")


class Meter:
    """Clock and CPU of one measured stretch: `with Meter({"broker": pid}) as meter: …`.

    cpu: seconds by name. seconds: on the clock. foreign: share of the machine that others used meanwhile.
    """

    def __init__(self, roots: Mapping[str, int]) -> None:
        self.roots = dict(roots)
        self.cpu: dict[str, float] = {}
        self.seconds = 0.0
        self.foreign = 0.0

    def __enter__(self) -> Self:
        self._used, self._busy, self._own = cpu_seconds(self.roots), busy_seconds(), _own_cpu()
        self._began = time.monotonic()
        return self

    def __exit__(self, *_error: object) -> None:
        self.seconds = time.monotonic() - self._began
        used, busy = cpu_seconds(self.roots), busy_seconds() - self._busy
        self.cpu = {name: used[name] - self._used[name] for name in used}
        ours = sum(self.cpu.values()) + _own_cpu() - self._own
        self.foreign = max(0.0, busy - ours) / (self.seconds * CORES)

    def per_thousand(self, leads: int) -> float:
        """CPU seconds of all named processes per 1,000 leads."""
        return sum(self.cpu.values()) * 1000 / leads


def _own_cpu() -> float:
    """CPU seconds of this process alone: the load generator."""
    times = os.times()
    return times.user + times.system


def noise(shares: Iterable[float]) -> str:
    """A remark on how undisturbed the measurements were."""
    worst = max(shares, default=0.0)
    verdict = "noisy, do not quote" if worst > NOISY_SHARE else "quiet"
    return f"{verdict}: other processes used up to {worst:.0%} of {CORES} cores"
