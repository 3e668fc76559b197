"""P1: durable form posts per second through the gateway, against the least a durable form post can be."""

from collections.abc import Iterator
from typing import Any

from bench.baseline.confirm import ConfirmApp
from bench.figure import figure
from bench.ground import Ground
from bench.load import closed_loop
from bench.measure import Meter, median, noise, percentile, say, wait_quiet
from bench.options import Options
from bench.system import System

CONNECTIONS = 32
SECONDS = 8.0
WARM_UP_SECONDS = 1.5
REACH = 1.0


def run(ground: Ground, options: Options) -> Iterator[dict[str, Any]]:
    """Measures the gateway with each database as its own, taking turns with the baseline."""
    for database in options.databases:
        with System(ground, database) as system, ConfirmApp(ground) as bare:
            system.stop_services()
            yield _compare(system, bare, database, options)


def _compare(system: System, bare: ConfirmApp, database: str, options: Options) -> dict[str, Any]:
    ours, theirs = [], []
    for number in range(1, options.runs + 1):
        for side, kept in ((system, ours), (bare, theirs)):
            wait_quiet(options.quiet_seconds)
            kept.append(_measure(side, options.seconds or SECONDS))
        say(f"P1 {database} {number}/{options.runs}: {ours[-1]['rate']:.0f}/s, bare {theirs[-1]['rate']:.0f}/s")
    value, baseline = (median(each["rate"] for each in side) for side in (ours, theirs))
    return figure(
        "P1",
        value=value,
        unit="posts/s",
        database=database,
        baseline=baseline,
        ratio=value / baseline,
        reach=f"ratio >= {REACH}",
        met=value / baseline >= REACH,
        p99_ms=median(each["p99_ms"] for each in ours),
        baseline_p99_ms=median(each["p99_ms"] for each in theirs),
        cpu_ms_per_post=median(each["cpu_ms"] for each in ours),
        baseline_cpu_ms_per_post=median(each["cpu_ms"] for each in theirs),
        ratios=[one["rate"] / other["rate"] for one, other in zip(ours, theirs, strict=True)],
        noise=noise(each["foreign"] for each in ours + theirs),
    )


def _measure(side: System | ConfirmApp, seconds: float) -> dict[str, float]:
    payloads = side.posts()
    closed_loop(side.port, payloads, connections=CONNECTIONS, seconds=min(WARM_UP_SECONDS, seconds))
    with Meter(side.roots) as meter:
        load = closed_loop(side.port, payloads, connections=CONNECTIONS, seconds=seconds)
    side.empty_queue()
    return {
        "rate": load.per_second,
        "p99_ms": percentile(load.latencies, 99) * 1000,
        "cpu_ms": meter.per_thousand(len(load.latencies)),
        "foreign": meter.foreign,
    }
