"""Who gets each lead, and why nobody else did."""

from collections import Counter
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.distribution.domain.decide import Candidate, Lead, decide, explain, in_turn
from services.distribution.domain.rotation import UNIT

CANDIDATES = st.lists(
    st.builds(
        Candidate,
        seller_id=st.integers(0, 999).map(lambda number: f"s{number:03}"),
        weight=st.sampled_from([1, 2, 5, 1000]),
        debt=st.integers(-UNIT, UNIT),
        absence=st.sampled_from([None, None, None, "inactive", "off_hours", "time_off", "holiday"]),
        given_today=st.integers(0, 3),
        open_work=st.integers(0, 3),
        daily_cap=st.one_of(st.none(), st.integers(0, 5)),
        open_cap=st.one_of(st.none(), st.integers(0, 5)),
    ),
    max_size=6,
    unique_by=lambda candidate: candidate.seller_id,
)


@st.composite
def batches(draw: st.DrawFn) -> tuple[list[Candidate], list[Lead]]:
    """A pool, and leads of which some have been returned."""
    sellers = draw(CANDIDATES)
    returners = (
        st.frozensets(st.sampled_from([seller.seller_id for seller in sellers]), max_size=2)
        if sellers
        else st.just(frozenset())
    )
    lead = st.builds(
        Lead,
        work_id=st.uuids().map(str),
        score=st.integers(0, 3),
        arrived_at=st.sampled_from(["2026-01-01", "2026-01-02"]),
        returned_by=returners,
    )
    return sellers, draw(st.lists(lead, max_size=25, unique_by=lambda lead: lead.work_id))


@pytest.mark.feature("DIS-13")
@given(batches())
def test_the_reasons_recomputed_are_those_of_the_decision(batch: tuple[list[Candidate], list[Lead]]) -> None:
    sellers, leads = batch
    for decision in decide(sellers, leads).decisions:
        judged = explain(sellers, leads, decision.work_id)
        winners = [case.seller_id for case in judged if case.reason == "eligible"]
        assert winners == ([decision.seller_id] if decision.seller_id else [])
        assert any(case.eligible for case in judged) == bool(decision.seller_id)


@pytest.mark.feature("DIS-13")
@given(batches())
def test_leads_that_wait_may_be_left_out_of_the_record(batch: tuple[list[Candidate], list[Lead]]) -> None:
    sellers, leads = batch
    decided = [decision for decision in decide(sellers, leads).decisions if decision.seller_id]
    kept = [lead for lead in leads if lead.work_id in {decision.work_id for decision in decided}]
    assert decide(list(reversed(sellers)), kept).decisions == decided


@pytest.mark.feature("R17", "DIS-1")
@given(batches())
def test_no_cap_is_passed_nobody_away_is_given_work_and_nothing_is_given_back(
    batch: tuple[list[Candidate], list[Lead]],
) -> None:
    sellers, leads = batch
    outcome = decide(sellers, leads)
    by_id = {lead.work_id: lead for lead in leads}
    given = Counter(decision.seller_id for decision in outcome.decisions if decision.seller_id)
    assert len(outcome.decisions) == len(leads)
    for seller in sellers:
        count = given[seller.seller_id]
        if count:
            assert seller.absence is None
            assert seller.daily_cap is None or seller.given_today + count <= seller.daily_cap
            assert seller.open_cap is None or seller.open_work + count <= seller.open_cap
    assert all(decision.seller_id not in by_id[decision.work_id].returned_by for decision in outcome.decisions)
    assert sum(outcome.debts.values()) == sum(seller.debt for seller in sellers)


@pytest.mark.feature("DIS-7")
@given(batches(), st.integers(0, 25))
def test_two_batches_decide_as_one_when_the_order_is_the_same(
    batch: tuple[list[Candidate], list[Lead]], cut: int
) -> None:
    sellers, leads = batch
    leads = in_turn(leads)
    whole = decide(sellers, leads)
    first = decide(sellers, leads[:cut])
    given = Counter(decision.seller_id for decision in first.decisions)
    left = [
        replace(
            seller,
            debt=first.debts[seller.seller_id],
            given_today=seller.given_today + given[seller.seller_id],
            open_work=seller.open_work + given[seller.seller_id],
        )
        for seller in sellers
    ]
    second = decide(left, leads[cut:])
    assert first.decisions + second.decisions == whole.decisions
    assert second.debts == whole.debts


@pytest.mark.feature("DIS-7")
@pytest.mark.parametrize(
    ("sellers", "reason"),
    [
        ([], "no_sellers"),
        ([Candidate("a", 1, absence="inactive")], "all_inactive"),
        ([Candidate("a", 1, absence="inactive"), Candidate("b", 1, absence="holiday")], "all_away"),
        ([Candidate("a", 1, absence="off_hours"), Candidate("b", 1, daily_cap=0)], "all_capped"),
        ([Candidate("a", 1, open_cap=2, open_work=3)], "all_capped"),
        ([Candidate("a", 1), Candidate("b", 1, absence="off_hours")], "returned"),
    ],
)
def test_what_waits_says_for_what(sellers: list[Candidate], reason: str) -> None:
    decision = decide(sellers, [Lead("w", returned_by=frozenset("a"))]).decisions[0]
    assert (decision.seller_id, decision.waiting_reason) == (None, reason)


@pytest.mark.feature("DIS-7")
def test_the_highest_score_is_served_first_then_the_oldest() -> None:
    leads = [Lead("w1", 5, "2026-02"), Lead("w2", 9, "2026-03"), Lead("w3", 5, "2026-01"), Lead("w4", 5, "2026-01")]
    decisions = decide([Candidate("a", 1, open_cap=2)], leads).decisions
    assert [(decision.work_id, decision.seller_id) for decision in decisions] == [
        ("w2", "a"),
        ("w3", "a"),
        ("w4", None),
        ("w1", None),
    ]


@pytest.mark.feature("DIS-13")
def test_every_candidate_has_a_reason_and_a_debt() -> None:
    sellers = [
        Candidate("a", 1),
        Candidate("b", 1),
        Candidate("c", 1, absence="time_off"),
        Candidate("d", 1, daily_cap=1, given_today=1),
        Candidate("e", 1, open_cap=1, open_work=1),
        Candidate("f", 1),
    ]
    leads = [Lead("w1", 2), Lead("w2", 1, returned_by=frozenset("f"))]
    judged = {case.seller_id: (case.reason, case.debt) for case in explain(sellers, leads, "w2")}
    assert judged == {
        "a": ("not_its_turn", pytest.approx(-2 / 3)),
        "b": ("eligible", pytest.approx(1 / 3)),
        "c": ("time_off", 0),
        "d": ("daily_cap", 0),
        "e": ("open_cap", 0),
        "f": ("returned", pytest.approx(1 / 3)),
    }
    with pytest.raises(KeyError):
        explain(sellers, leads, "w3")


@pytest.mark.feature("DIS-3")
def test_a_cap_reached_within_a_batch_hands_the_turns_to_the_others() -> None:
    sellers = [replace(Candidate(name, 1), daily_cap=2 if name == "a" else None) for name in "abc"]
    outcome = decide(sellers, [Lead(f"w{number:02}") for number in range(20)])
    given = Counter(decision.seller_id for decision in outcome.decisions)
    assert given == {"a": 2, "b": 9, "c": 9}
    assert all(abs(debt) < 2 * UNIT for debt in outcome.debts.values())
