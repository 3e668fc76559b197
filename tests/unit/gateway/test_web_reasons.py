"""Every reason that distribution knows has words."""

from typing import get_args

import pytest
from flask import Flask

from gateway.web.reasons import absence_text, candidate_text, debt_text, decision_text, waiting_text
from services.distribution.domain.availability import Absence
from services.distribution.domain.decide import Reason, WaitingReason

pytestmark = pytest.mark.feature("DIS-13", "GTW-3")


def codes(alias: object) -> list[str]:
    """The literals of a type, those of its members too."""
    return [code for part in get_args(alias) for code in ([part] if isinstance(part, str) else codes(part))]


@pytest.fixture(autouse=True)
def _request(app: Flask) -> object:
    with app.test_request_context("/", headers={"Accept-Language": "en"}):
        yield


@pytest.mark.parametrize("code", codes(Reason))
def test_a_candidates_reason_has_words(code: str) -> None:
    assert candidate_text({"reason": code}) != code


@pytest.mark.parametrize("code", ["", *codes(WaitingReason)])
def test_what_a_lead_waits_for_has_words(code: str) -> None:
    assert waiting_text(code) not in (code, "")


@pytest.mark.parametrize("code", codes(Absence))
def test_why_somebody_is_away_has_words(code: str) -> None:
    assert absence_text(code) != code


WHY = {"state": "assigned", "reason": "rule", "winner": {"seller_id": "a", "name": "Rui"}, "waiting_reason": ""}


def test_a_decision_is_a_sentence_for_whoever_reads_it() -> None:
    assert decision_text(WHY, "a").startswith("It was your turn")
    assert "Rui" in decision_text(WHY, "")
    assert "by hand" in decision_text(WHY | {"reason": "hand"}, "a")
    assert "Rui by hand" in decision_text(WHY | {"reason": "hand"}, "")
    assert "not kept" in decision_text(WHY | {"winner": None}, "a")
    assert decision_text(WHY | {"state": "waiting", "waiting_reason": "no_rule"}, "a") == waiting_text("no_rule")


@pytest.mark.parametrize(
    ("debt", "words"),
    [(0.01, "exactly"), (1.0, "1 lead less"), (0.32, "0.3 leads less"), (-2.0, "2 leads more"), (-1.04, "1 lead more")],
)
def test_what_somebody_was_due_is_in_leads(debt: float, words: str) -> None:
    assert words in debt_text({"debt": debt})
