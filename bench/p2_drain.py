"""P2: how fast leads that wait are captured, assigned, notified, opened as opportunities and counted.

Like is compared with like: leads waiting in front of capture on both sides, no web side involved. The other usual way
of counting, posts through each side's own gateway until the last is done, is told in the detail.
"""

from collections.abc import Iterator
from typing import Any

from bench.baseline.pipeline import IdiomaticPipeline
from bench.drain import Drain
from bench.figure import figure
from bench.ground import Ground
from bench.measure import median, noise, say, wait_quiet
from bench.options import Options
from bench.system import System

BASELINE_SHARE = 10
"""The baseline drains this many times fewer leads, so that it takes about as long."""

REACH_RATIO = 8.0
REACH_CPU = 2.5


def run(ground: Ground, options: Options) -> Iterator[dict[str, Any]]:
    """Measures each database, taking turns with the baseline."""
    for database in options.databases:
        with System(ground, database) as system, IdiomaticPipeline(ground) as idiomatic:
            yield _compare(system, idiomatic, database, options)


def _compare(system: System, idiomatic: IdiomaticPipeline, database: str, options: Options) -> dict[str, Any]:
    many, few = options.leads, max(10, options.leads // BASELINE_SHARE)
    kept: dict[str, list[Drain]] = {"ours": [], "theirs": [], "ours posted": [], "theirs posted": []}
    plan = (
        ("ours", system.waiting, many),
        ("theirs", idiomatic.waiting, few),
        ("ours posted", system.posted, max(10, many // 4)),
        ("theirs posted", idiomatic.posted, few),
    )
    for number in range(1, options.runs + 1):
        for name, measure, leads in plan:
            wait_quiet(options.quiet_seconds)
            kept[name].append(measure(leads))
        told = ", ".join(f"{name} {drains[-1].per_second:.0f}/s" for name, drains in kept.items())
        say(f"P2 {database} {number}/{options.runs}: {told}")
    return _figure(database, kept)


def _figure(database: str, kept: dict[str, list[Drain]]) -> dict[str, Any]:
    rate = {name: median(each.per_second for each in drains) for name, drains in kept.items()}
    cpu = {name: median(each.cpu_per_thousand for each in drains) for name, drains in kept.items()}
    ratio = rate["ours"] / rate["theirs"]
    return figure(
        "P2",
        value=rate["ours"],
        unit="leads/s",
        database=database,
        baseline=rate["theirs"],
        ratio=ratio,
        reach=f"ratio >= {REACH_RATIO:.0f} and <= {REACH_CPU} CPU s per 1,000 leads",
        met=ratio >= REACH_RATIO and cpu["ours"] <= REACH_CPU,
        baseline_database="postgresql",
        leads=kept["ours"][0].leads,
        cpu_s_per_1000=cpu["ours"],
        baseline_cpu_s_per_1000=cpu["theirs"],
        cpu_s_per_1000_by_process=_by_process(kept["ours"]),
        posted_per_s=rate["ours posted"],
        posted_baseline_per_s=rate["theirs posted"],
        posted_ratio=rate["ours posted"] / rate["theirs posted"],
        posted_cpu_s_per_1000=cpu["ours posted"],
        posted_baseline_cpu_s_per_1000=cpu["theirs posted"],
        noise=noise(each.foreign for drains in kept.values() for each in drains),
    )


def _by_process(drains: list[Drain]) -> dict[str, float]:
    return {name: median(each.cpu_by_process[name] for each in drains) for name in drains[0].cpu_by_process}
