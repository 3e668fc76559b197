"""Nobody is ever a whole lead away from their share, and never two after a change."""

import random
from collections import Counter
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.distribution.domain.rotation import UNIT, Rotation, shares

WEIGHTS = st.one_of(
    st.lists(st.integers(1, 12), min_size=1, max_size=12),
    st.lists(st.sampled_from([1, 2, 999, 1_000_000]), min_size=1, max_size=8),
    st.builds(lambda size, weight: [weight] * size, st.integers(1, 40), st.integers(1, 1_000_000)),
)


def named(weights: list[int]) -> dict[str, int]:
    return {f"s{number:03}": weight for number, weight in enumerate(weights)}


@given(WEIGHTS)
def test_shares_add_up_to_one_lead(weights: list[int]) -> None:
    parts = shares(named(weights))
    assert sum(parts.values()) == UNIT
    total = sum(weights)
    assert all(abs(parts[seller] - Fraction(weight * UNIT, total)) <= 1 for seller, weight in named(weights).items())


@pytest.mark.feature("DIS-3")
@given(WEIGHTS, st.integers(1, 400))
def test_every_prefix_is_within_one_lead_of_the_exact_share(weights: list[int], steps: int) -> None:
    by_seller = named(weights)
    total = sum(weights)
    rotation = Rotation(by_seller, {})
    got = Counter[str]()
    for step in range(1, steps + 1):
        got[rotation.choose()] += 1
        for seller, weight in by_seller.items():
            assert abs(Fraction(step * weight, total) - got[seller]) < 1
    assert sum(rotation.debts().values()) == 0


@pytest.mark.feature("DIS-3")
@given(WEIGHTS, st.integers(2, 1000), st.integers(1, 60))
def test_turns_do_not_depend_on_the_scale_of_the_weights(weights: list[int], factor: int, steps: int) -> None:
    one, other = Rotation(named(weights), {}), Rotation(named([weight * factor for weight in weights]), {})
    assert [one.choose() for _ in range(steps)] == [other.choose() for _ in range(steps)]


@pytest.mark.feature("DIS-3")
def test_equals_take_turns_by_id_and_the_heavy_are_interleaved() -> None:
    equal = Rotation({"b": 1, "c": 1, "a": 1}, {})
    assert "".join(equal.choose() for _ in range(6)) == "abcabc"
    heavy = Rotation({"a": 5, "b": 1, "c": 1}, {})
    turns = "".join(heavy.choose() for _ in range(70))
    assert turns.count("a") == 50
    assert "aaaaaa" not in turns
    assert "bb" not in turns
    assert "cc" not in turns


@pytest.mark.feature("DIS-3")
def test_the_smallest_weight_is_served_once_in_a_million_and_not_at_the_end_of_it() -> None:
    rotation = Rotation({"heavy": 1_000_000, "light": 1}, {})
    turns = [rotation.choose() for _ in range(1_000_001)]
    assert turns.count("light") == 1
    assert 400_000 < turns.index("light") < 600_000


@pytest.mark.feature("DIS-3")
@given(WEIGHTS, st.integers(0, 60), st.integers(0, 60))
def test_a_rotation_made_anew_goes_on_where_the_old_one_was(weights: list[int], before: int, after: int) -> None:
    whole, first = Rotation(named(weights), {}), Rotation(named(weights), {})
    turns = [whole.choose() for _ in range(before + after)]
    split = [first.choose() for _ in range(before)]
    second = Rotation(named(weights), first.debts())
    assert split + [second.choose() for _ in range(after)] == turns


class Floor:
    """A sales floor on which things change; every decision is checked against the definition of fairness."""

    def __init__(self, weights: dict[str, int], bound: int = 2) -> None:
        self.weights, self.bound = weights, bound
        self.away: set[str] = set()
        self.debts: dict[str, int] = {}
        self.worst = 0.0

    def lead(self, count: int = 1) -> list[str]:
        able = {seller: weight for seller, weight in self.weights.items() if seller not in self.away}
        rotation = Rotation(able, self.debts)
        turns = []
        for _ in range(count):
            turns.append(rotation.choose())
            self.debts |= rotation.debts()
            furthest = max(abs(debt) for debt in self.debts.values()) / UNIT
            assert furthest < self.bound
            self.worst = max(self.worst, furthest)
        return turns


CHANGES = st.sampled_from(["away", "back", "join", "leave", "weight", "cap"])


@pytest.mark.feature("DIS-3")
@settings(max_examples=150)
@given(
    st.lists(st.sampled_from([1, 1, 2, 3, 10, 1000]), min_size=2, max_size=8),
    st.lists(st.tuples(CHANGES, st.integers(0, 10**6), st.integers(1, 25)), max_size=30),
)
def test_debts_stay_within_two_leads_across_changes(weights: list[int], changes: list[tuple[str, int, int]]) -> None:
    floor = Floor(named(weights))
    floor.lead(10)
    for number, (change, choice, leads) in enumerate(changes):
        present = sorted(floor.weights.keys() - floor.away)
        seller = sorted(floor.weights)[choice % len(floor.weights)]
        if change in ("away", "cap") and len(present) > 1:
            floor.away.add(present[choice % len(present)])
        elif change == "back" and floor.away:
            floor.away.remove(sorted(floor.away)[choice % len(floor.away)])
        elif change == "join":
            floor.weights[f"t{number:03}"] = 1 + choice % 10
        elif change == "leave" and len(present) > 1:
            gone = present[choice % len(present)]
            del floor.weights[gone]
        elif change == "weight":
            floor.weights[seller] = 1 + choice % 10
        floor.lead(leads)


@pytest.mark.feature("DIS-3")
@pytest.mark.parametrize("weights", [[1, 1, 1], [5, 1, 1, 1], [1000, 1], [3, 2, 2, 1, 1, 1]])
def test_a_newcomer_meets_neither_a_flood_nor_a_drought(weights: list[int]) -> None:
    floor = Floor(named(weights))
    floor.lead(1000)
    floor.weights["newcomer"] = max(weights)
    share = max(weights) / sum(floor.weights.values())
    turns = floor.lead(200)
    for step in range(1, 201):
        assert abs(turns[:step].count("newcomer") - share * step) < 2


@pytest.mark.feature("DIS-3")
@pytest.mark.parametrize("weights", [[1, 1, 1], [5, 1, 1, 1], [1000, 1]])
def test_a_returner_starts_level_however_long_they_were_away(weights: list[int]) -> None:
    floor = Floor(named(weights))
    for leads_meanwhile in (1, 50, 5000):
        floor.away = {"s000"}
        floor.lead(leads_meanwhile)
        floor.away = set()
        share = weights[0] / sum(weights)
        turns = floor.lead(100)
        assert abs(turns.count("s000") - share * 100) < 2


@pytest.mark.feature("DIS-3")
def test_the_gap_does_not_grow_with_the_number_of_leads() -> None:
    worst = []
    for leads in (300, 3000, 30_000):
        chance = random.Random(7)
        floor = Floor(named([chance.randint(1, 10) for _ in range(8)]))
        for shift in range(leads // 15):
            floor.away = set(chance.sample(sorted(floor.weights), chance.randint(0, 7)))
            if shift % 20 == 0:
                floor.weights[chance.choice(sorted(floor.weights))] = chance.randint(1, 10)
            floor.lead(15)
        worst.append(floor.worst)
    assert worst[-1] < 2
    assert worst[-1] - worst[0] < 0.6


@pytest.mark.feature("DIS-3")
def test_those_past_a_whole_lead_are_served_by_debt() -> None:
    debts = {"a": UNIT * 9 // 10, **{f"b{number}": UNIT * 9 // 10 for number in range(5)}, "z": -UNIT * 54 // 10}
    weights = {"a": 1000, **{f"b{number}": 1 for number in range(5)}, "z": 1}
    rotation = Rotation(weights, debts)
    for _ in range(200):
        rotation.choose()
        assert max(rotation.debts().values()) < 2 * UNIT
