"""P3: 20 leads a second, from the instant each post is due to the commit of its seller's notification."""

import json
from collections.abc import Iterator
from contextlib import AbstractContextManager
from typing import Any, Protocol

from bench.baseline.pipeline import IdiomaticPipeline
from bench.drain import wait_for
from bench.figure import figure
from bench.ground import Ground
from bench.importing import importing
from bench.load import open_loop
from bench.measure import Meter, median, noise, percentile, say, wait_quiet
from bench.options import Options
from bench.system import System
from bench.watch import Seen

RATE = 20.0
SECONDS = 20.0
PATIENCE_SECONDS = 30.0
REACH_RATIO = 1.5
REACH_WHILE_IMPORTING_MS = 250.0


class Side(Protocol):
    """What is measured."""

    port: int

    @property
    def roots(self) -> dict[str, int]: ...

    def posts(self) -> Iterator[bytes]: ...

    def watch(self) -> AbstractContextManager[Seen]: ...


def run(ground: Ground, options: Options) -> Iterator[dict[str, Any]]:
    """Measures each database, taking turns with the baseline, then once more during an import."""
    for database in options.databases:
        with System(ground, database) as system, IdiomaticPipeline(ground) as idiomatic:
            yield _compare(system, idiomatic, database, options)


def _compare(system: System, idiomatic: IdiomaticPipeline, database: str, options: Options) -> dict[str, Any]:
    seconds = options.seconds or SECONDS
    ours, theirs, busy = [], [], []
    for number in range(1, options.runs + 1):
        for side, kept in ((system, ours), (idiomatic, theirs)):
            wait_quiet(options.quiet_seconds)
            kept.append(_measure(side, seconds))
        wait_quiet(options.quiet_seconds)
        with importing(system) as rows:
            busy.append(_measure(system, seconds))
        busy[-1]["import_rows_per_s"] = rows.published / rows.seconds
        system.wait_idle()
        say(
            f"P3 {database} {number}/{options.runs}: {_words(ours[-1])}; baseline {_words(theirs[-1])};"
            f" importing {_words(busy[-1])}"
        )
    return _figure(database, ours, theirs, busy)


def _measure(side: Side, seconds: float) -> dict[str, float]:
    due: dict[str, float] = {}

    def answered(scheduled: float, body: bytes) -> None:
        due[str(json.loads(body)["id"])] = scheduled

    with side.watch() as seen:
        with Meter(side.roots) as meter:
            open_loop(side.port, side.posts(), rate=RATE, seconds=seconds, on_answer=answered)
        wait_for(lambda: due.keys() <= seen.keys(), "the last notification", seconds=PATIENCE_SECONDS, every=0.05)
    late = [(seen[identifier] - scheduled) * 1000 for identifier, scheduled in due.items()]
    return {
        "p50": percentile(late, 50),
        "p99": percentile(late, 99),
        "worst": max(late),
        "cpu": meter.per_thousand(len(late)),
        "foreign": meter.foreign,
    }


def _figure(
    database: str, ours: list[dict[str, float]], theirs: list[dict[str, float]], busy: list[dict[str, float]]
) -> dict[str, Any]:
    p50, p99 = (median(each[name] for each in ours) for name in ("p50", "p99"))
    base50, base99 = (median(each[name] for each in theirs) for name in ("p50", "p99"))
    importing99 = median(each["p99"] for each in busy)
    met = p50 <= REACH_RATIO * base50 and p99 <= REACH_RATIO * base99 and importing99 <= REACH_WHILE_IMPORTING_MS
    return figure(
        "P3",
        value=p99,
        unit="ms, p99 from due to committed notification at 20 leads/s",
        database=database,
        baseline=base99,
        ratio=p99 / base99,
        reach=f"p50 and p99 <= {REACH_RATIO} x baseline; p99 <= {REACH_WHILE_IMPORTING_MS:.0f} ms during an import",
        met=met,
        p50_ms=p50,
        baseline_p50_ms=base50,
        p50_ratio=p50 / base50,
        p99_while_importing_ms=importing99,
        p50_while_importing_ms=median(each["p50"] for each in busy),
        import_rows_per_s=median(each["import_rows_per_s"] for each in busy),
        worst_ms=max(each["worst"] for each in ours),
        baseline_worst_ms=max(each["worst"] for each in theirs),
        cpu_s_per_1000=median(each["cpu"] for each in ours),
        baseline_cpu_s_per_1000=median(each["cpu"] for each in theirs),
        noise=noise(each["foreign"] for each in ours + theirs + busy),
    )


def _words(one: dict[str, float]) -> str:
    return f"p50 {one['p50']:.1f} p99 {one['p99']:.1f} ms"
