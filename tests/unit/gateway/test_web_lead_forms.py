"""What is posted on a card, read."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from gateway.web.lead_forms import action_of, closing_of, next_times, suggested
from runtime.clock import iso, parse_iso
from runtime.errors import Invalid

pytestmark = pytest.mark.feature("GTW-4")

LISBON = ZoneInfo("Europe/Lisbon")
NOON = datetime(2026, 7, 1, 12, 0, tzinfo=LISBON)


def test_nobody_is_called_at_night() -> None:
    evening = NOON.replace(hour=19, minute=45)
    assert list(next_times(evening)) == ["tomorrow", "week"]
    assert suggested("no_answer", evening) == NOON.replace(hour=9) + timedelta(days=1)
    assert suggested("no_answer", NOON) == NOON + timedelta(hours=2)
    assert suggested("busy", NOON) == NOON + timedelta(minutes=30)
    assert suggested("reached", NOON) is None


def test_two_hours_are_two_hours_when_the_clock_changes() -> None:
    before = datetime(2026, 3, 29, 0, 30, tzinfo=LISBON)
    later = suggested("no_answer", before.replace(hour=9))
    assert later is not None
    assert later.astimezone(UTC) - before.replace(hour=9).astimezone(UTC) == timedelta(hours=2)


FORM = {"action_id": "a", "outcome": "no_answer", "kind": "call", "as_of": iso(NOON), "waited": "60"}


def test_times_count_from_when_the_button_was_pressed_not_from_when_it_arrived() -> None:
    sent = [action_of(FORM, LISBON, NOON + later) for later in (timedelta(minutes=1), timedelta(hours=3))]
    assert sent[0] == sent[1]
    assert parse_iso(sent[0]["at"]) == NOON + timedelta(minutes=1)
    assert parse_iso(sent[0]["next_at"]) == NOON + timedelta(minutes=1, hours=2)


def test_without_scripts_an_old_page_counts_from_now() -> None:
    form = FORM | {"waited": ""}
    soon, late = (action_of(form, LISBON, NOON + later) for later in (timedelta(minutes=2), timedelta(hours=3)))
    assert parse_iso(soon["next_at"]) == NOON + timedelta(hours=2)
    assert parse_iso(late["next_at"]) == NOON + timedelta(hours=5)
    assert "at" not in late


@pytest.mark.parametrize(
    "forged",
    [
        *("", "yesterday", "9999-99-99", "2026-07-01T12:00:00"),
        *("0001-01-01T00:00:00+14:00", "0001-01-02T00:00:00+00:00", "9999-12-31T23:59:59+00:00"),
    ],
)
def test_a_page_without_a_time_that_can_be_counts_from_now(forged: str) -> None:
    assert parse_iso(action_of(FORM | {"as_of": forged}, LISBON, NOON)["next_at"]) == NOON + timedelta(hours=2)


@pytest.mark.parametrize(
    ("pressed", "kind", "told"),
    [
        ("reached", "visit", ("visit", "reached")),
        ("note", "call", ("note", "")),
        ("sent", "email", ("email", "")),
        ("sent", "call", ("whatsapp", "")),
    ],
)
def test_a_button_says_what_was_done(pressed: str, kind: str, told: tuple[str, str]) -> None:
    action = action_of(FORM | {"outcome": pressed, "kind": kind}, LISBON, NOON)
    assert (action["kind"], action["outcome"]) == told


def test_another_time_is_read_by_the_sellers_clock() -> None:
    action = action_of(FORM | {"next": "pick", "next_local": "2026-07-03T15:30"}, LISBON, NOON)
    assert parse_iso(action["next_at"]) == datetime(2026, 7, 3, 14, 30, tzinfo=UTC)
    assert action_of(FORM | {"next": "none"}, LISBON, NOON)["next_at"] is None


@pytest.mark.parametrize("typed", ["", "soon", "2026-13-01T00:00", "2026-07-03T15:30+01:00x"])
def test_another_time_that_is_none_is_refused(typed: str) -> None:
    with pytest.raises(Invalid) as refused:
        action_of(FORM | {"next": "pick", "next_local": typed}, LISBON, NOON)
    assert refused.value.errors[0]["field"] == "next_at"


def test_lost_needs_a_reason_and_has_no_amount() -> None:
    with pytest.raises(Invalid):
        closing_of({"outcome": "lost", "amount": "5"})
    assert closing_of({"outcome": "lost", "text": "moved away"}) == {"outcome": "lost", "reason": "moved away"}
