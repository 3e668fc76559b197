"""P8: the decision core alone. Decisions a second at 100 sellers, and what a lead costs at 1,000 sellers against 10."""

from collections.abc import Sequence
from dataclasses import replace
from statistics import median
from time import process_time
from typing import Any

from bench.figure import figure
from services.distribution.domain.decide import Candidate, Lead, decide

BATCHES = 10
BATCH = 200
RUNS = 5

REACH_RATE = 20_000
REACH_GROWTH = 4.0


def run() -> list[dict[str, Any]]:
    """Medians of RUNS runs, each beside smooth weighted round robin over a list, in alternation; processor time."""
    rate, plain_rate = _rates(100)
    few, plain_few = _rates(10)
    many, plain_many = _rates(1000)
    growth, plain_growth = few / many, plain_few / plain_many
    return [
        figure(
            "P8",
            value=rate,
            unit="decisions/s, 100 sellers",
            database="none",
            baseline=plain_rate,
            ratio=rate / plain_rate,
            reach=f">= {REACH_RATE}",
            met=rate >= REACH_RATE,
        ),
        figure(
            "P8",
            value=growth,
            unit="cost of a lead, 1,000 sellers / 10",
            database="none",
            baseline=plain_growth,
            ratio=growth / plain_growth,
            reach=f"<= {REACH_GROWTH:g}",
            met=growth <= REACH_GROWTH,
        ),
    ]


def _rates(sellers: int) -> tuple[float, float]:
    """Decisions a second: ours, and the baseline's."""
    weights = [1 + number % 10 for number in range(sellers)]
    runs = [(_rotation(weights), _smooth_round_robin(weights)) for _ in range(RUNS)]
    return median(ours for ours, _ in runs), median(plain for _, plain in runs)


def _rotation(weights: Sequence[int]) -> float:
    """Batch after batch as the service decides them, each from the debts the last one left; rows are read untimed."""
    pool = [Candidate(f"seller-{number:05}", weight, open_cap=10**6) for number, weight in enumerate(weights)]
    seconds = 0.0
    for batch in range(BATCHES):
        leads = [Lead(f"lead-{batch:03}-{number:03}", score=number % 5) for number in range(BATCH)]
        started = process_time()
        outcome = decide(pool, leads)
        seconds += process_time() - started
        pool = [replace(seller, debt=outcome.debts[seller.seller_id]) for seller in pool]
    return BATCHES * BATCH / seconds


def _smooth_round_robin(weights: Sequence[int]) -> float:
    """nginx's rule: everybody gains their weight, the largest is chosen and pays the total. No caps, no reasons."""
    current, total = [0] * len(weights), sum(weights)
    started = process_time()
    for _ in range(BATCHES * BATCH):
        best = 0
        for index, weight in enumerate(weights):
            current[index] += weight
            if current[index] > current[best]:
                best = index
        current[best] -= total
    return BATCHES * BATCH / (process_time() - started)
