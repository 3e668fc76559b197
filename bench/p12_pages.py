"""P12: how long the calls behind people's pages take while 20,000 leads are drained, beside the same calls at rest.

A few people look at their pages all the time: sellers at their work, inbox and tasks, managers at lists. Calls are made
at fixed instants, whether or not those before have been answered, and each wait counts from the instant it was due.
"""

import itertools
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from typing import Any

from bench.figure import figure
from bench.ground import Ground
from bench.measure import median, percentile, say, wait_quiet
from bench.options import Options
from bench.system import System
from contracts.access import Actor
from runtime.clock import iso, utc_now
from runtime.rpc_client import RpcPool

PER_SECOND = 20.0
AT_ONCE = 32
SECONDS_AT_REST = 20.0
REACH_P99_MS = 150.0

MANAGER = Actor(role="manager", name="bench")

Call = tuple[str, Callable[[RpcPool], Any]]


@dataclass(slots=True)
class Waits:
    """Milliseconds of each call, by its name."""

    by_call: dict[str, list[float]] = field(default_factory=dict)

    def add(self, name: str, milliseconds: float) -> None:
        """Notes one wait."""
        self.by_call.setdefault(name, []).append(milliseconds)

    def p(self, share: float) -> float:
        """Percentile over all calls."""
        return percentile([wait for waits in self.by_call.values() for wait in waits], share)


def run(ground: Ground, options: Options) -> Iterator[dict[str, Any]]:
    """Measures each database."""
    for database in options.databases:
        with System(ground, database) as system:
            yield _measure(system, database, options)


def _measure(system: System, database: str, options: Options) -> dict[str, Any]:
    pool = RpcPool(system.settings)
    rest, busy, rates = [], [], []
    calls = _calls(pool)
    try:
        for number in range(1, options.runs + 1):
            wait_quiet(options.quiet_seconds)
            rest.append(_ask(pool, calls, partial(_rest, options.seconds or SECONDS_AT_REST)))
            wait_quiet(options.quiet_seconds)
            busy.append(_ask(pool, calls, lambda began: rates.append(system.waiting(options.leads, began).per_second)))
            say(
                f"P12 {database} {number}/{options.runs}: p99 {busy[-1].p(99):.0f} ms during a drain of"
                f" {rates[-1]:.0f}/s, {rest[-1].p(99):.0f} ms at rest"
            )
    finally:
        pool.close()
    return _figure(database, rest, busy, rates)


def _rest(seconds: float, began: Callable[[], object]) -> None:
    began()
    time.sleep(seconds)


def _ask(pool: RpcPool, calls: list[Call], meanwhile: Callable[[Callable[[], object]], object]) -> Waits:
    """Makes the calls, in turn, from when `meanwhile` says that it began until it returns."""
    waits, began, done = Waits(), threading.Event(), threading.Event()

    def one(name: str, call: Callable[[RpcPool], Any], due: float) -> None:
        call(pool)
        waits.add(name, (time.perf_counter() - due) * 1000)

    def pace() -> None:
        began.wait()
        start = time.perf_counter()
        asked = []
        for number, (name, call) in enumerate(itertools.cycle(calls)):
            due = start + number / PER_SECOND
            if done.wait(max(0.0, due - time.perf_counter())):
                break
            asked.append(askers.submit(one, name, call, due))
        for each in asked:
            each.result()

    with ThreadPoolExecutor(AT_ONCE) as askers, ThreadPoolExecutor(1) as pacer:
        pacing = pacer.submit(pace)
        try:
            meanwhile(began.set)
        finally:
            done.set()
            began.set()
        pacing.result()
    return waits


def _calls(pool: RpcPool) -> list[Call]:
    """What pages ask, in the names of sellers and of a manager."""
    sellers = pool.call("distribution", "list_sellers", limit=4)["items"]
    calls: list[Call] = []
    for seller in sellers:
        calls += _sellers_calls(Actor(role="seller", seller_id=seller["seller_id"], name="bench"))
    return calls + _managers_calls()


def _sellers_calls(actor: Actor) -> list[Call]:
    seller_id = actor.seller_id

    def work(pool: RpcPool) -> None:
        found = pool.call_as(actor, "distribution", "seller_work", seller_id=seller_id, limit=25)["items"]
        pool.call_as(actor, "capture", "lead_cards", lead_ids=[item["lead_id"] for item in found])

    return [
        ("seller's work", work),
        (
            "seller's inbox",
            lambda pool: pool.call_as(actor, "notifications", "inbox", seller_id=seller_id, limit=25),
        ),
        ("seller's counts", lambda pool: pool.call_as(actor, "distribution", "work_counts", seller_id=seller_id)),
        (
            "seller's agenda",
            lambda pool: pool.call_as(
                actor, "campaigns", "agenda", seller_id=seller_id, until="2100-01-01T00:00:00+00:00", limit=25
            ),
        ),
    ]


def _managers_calls() -> list[Call]:
    now = utc_now().replace(minute=0, second=0, microsecond=0)

    def ask(service: str, method: str, **arguments: Any) -> Callable[[RpcPool], Any]:
        return lambda pool: pool.call_as(MANAGER, service, method, **arguments)

    return [
        ("leads", ask("capture", "list_leads", limit=50)),
        ("sellers", ask("distribution", "list_sellers", limit=50)),
        ("waiting", ask("distribution", "waiting", limit=50)),
        ("who is on duty", ask("distribution", "overview")),
        ("outbox", ask("notifications", "outbox", limit=50)),
        (
            "overview",
            ask("reporting", "overview", since=iso(now - timedelta(days=30)), until=iso(now + timedelta(days=1))),
        ),
    ]


def _figure(database: str, rest: list[Waits], busy: list[Waits], rates: list[float]) -> dict[str, Any]:
    p99 = median(each.p(99) for each in busy)
    at_rest = median(each.p(99) for each in rest)
    names = busy[0].by_call
    return figure(
        "P12",
        value=p99,
        unit="ms, p99 of the pages' calls during a drain",
        database=database,
        baseline=at_rest,
        ratio=p99 / at_rest,
        reach=f"<= {REACH_P99_MS:.0f} ms",
        met=p99 <= REACH_P99_MS,
        p50_ms=median(each.p(50) for each in busy),
        p50_at_rest_ms=median(each.p(50) for each in rest),
        p99_ms_by_call={name: median(percentile(each.by_call[name], 99) for each in busy) for name in names},
        drained_per_s=median(rates),
        calls_per_s=PER_SECOND,
    )
