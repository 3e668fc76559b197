"""When tasks are due, put off, and over."""

from datetime import UTC, date, datetime, timedelta
from types import SimpleNamespace
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.campaigns.domain.actions import Action
from services.campaigns.domain.tasks import end_of, problems_of_time, read_day, recalled, when_of

pytestmark = pytest.mark.feature("CMP-8")

LISBON = "Europe/Lisbon"
NOW = datetime(2026, 3, 28, 14, 20, tzinfo=UTC)  # the day before summer time


def on_the_wall(by: str, now: datetime = NOW, *, is_free: bool = False, zone: str = LISBON) -> tuple[str, str | None]:
    at, day = recalled(by, now, zone, is_free=is_free)
    return at.astimezone(ZoneInfo(zone)).isoformat()[:16], day


@pytest.mark.feature("CMP-9")
def test_a_recall_counts_from_now_and_keeps_the_time_of_day() -> None:
    assert on_the_wall("2h") == ("2026-03-28T16:20", None)
    assert on_the_wall("1d") == ("2026-03-29T14:20", None)
    assert on_the_wall("1w") == ("2026-04-04T14:20", None)
    night = datetime(2026, 3, 29, 0, 30, tzinfo=UTC)
    assert on_the_wall("2h", night) == ("2026-03-29T03:30", None)  # two real hours, though the clock says three
    assert on_the_wall("1d", datetime(2026, 3, 28, 1, 30, tzinfo=UTC)) == ("2026-03-29T02:00", None)  # is skipped


@pytest.mark.feature("CMP-9")
def test_a_free_task_moves_to_the_day() -> None:
    assert on_the_wall("2h", is_free=True) == ("2026-03-28T00:00", "2026-03-28")
    assert on_the_wall("1w", is_free=True) == ("2026-04-04T00:00", "2026-04-04")
    late = datetime(2026, 7, 1, 22, 30, tzinfo=UTC)
    assert on_the_wall("2h", late, is_free=True) == ("2026-07-02T00:00", "2026-07-02")


@pytest.mark.feature("CMP-9")
@given(
    st.datetimes(datetime(2020, 1, 1), datetime(2035, 1, 1), timezones=st.just(UTC)),
    st.sampled_from([LISBON, "America/Sao_Paulo", "Australia/Lord_Howe", "America/Santiago"]),
    st.sampled_from([("1d", 1), ("1w", 7)]),
)
def test_days_later_the_wall_shows_the_same_time(now: datetime, zone: str, by: tuple[str, int]) -> None:
    at, _ = recalled(by[0], now, zone, is_free=False)
    before, after = now.astimezone(ZoneInfo(zone)), at.astimezone(ZoneInfo(zone))
    wanted = datetime.combine(before.date() + timedelta(days=by[1]), before.time().replace(second=0, microsecond=0))
    shown = after.replace(tzinfo=None)
    is_skipped = wanted.replace(tzinfo=ZoneInfo(zone)).astimezone(UTC).astimezone(ZoneInfo(zone)).replace(tzinfo=None)
    assert shown == wanted if is_skipped == wanted else wanted < shown <= wanted + HOUR


HOUR = timedelta(hours=1)


@pytest.mark.parametrize(
    ("due_at", "start_on", "field"),
    [
        (None, None, "due_at"),
        (NOW, "2026-04-01", "start_on"),
        (NOW - timedelta(minutes=16), None, "due_at"),
        (NOW + timedelta(days=3000), None, "due_at"),
        (None, "2026-03-27", "start_on"),
        (None, "2026-02-30", "start_on"),
        (None, "20260401", "start_on"),
        (None, 5, "start_on"),
        (None, "9999-12-31", "start_on"),
    ],
)
def test_a_time_that_cannot_be_is_named(due_at: datetime | None, start_on: Any, field: str) -> None:
    assert [problem[0] for problem in problems_of_time(due_at, start_on, LISBON, NOW)] == [field]


def test_today_and_now_can_be() -> None:
    assert not list(problems_of_time(NOW, None, LISBON, NOW))
    assert not list(problems_of_time(None, "2026-03-28", LISBON, NOW))
    assert when_of(None, "2026-07-01", LISBON) == (datetime(2026, 6, 30, 23, tzinfo=UTC), "2026-07-01")
    assert read_day("2026-07-01") == date(2026, 7, 1)


def action(kind: str, next_at: datetime | None = None) -> Action:
    return Action(id=None, kind=kind, outcome="", note="", at=None, next_at=next_at, next_kind="call")  # type: ignore[arg-type]


FIRST = SimpleNamespace(id="first", kind="first_contact", by_hand=False, due_at=NOW)
STEP = SimpleNamespace(id="step", kind="call", by_hand=False, due_at=NOW + HOUR)
CALL = SimpleNamespace(id="call", kind="call", by_hand=True, due_at=NOW - HOUR)
LATER = SimpleNamespace(id="later", kind="call", by_hand=True, due_at=NOW + HOUR)
VISIT = SimpleNamespace(id="visit", kind="visit", by_hand=True, due_at=NOW - HOUR)


@pytest.mark.parametrize(
    ("acted", "task_id", "expected"),
    [
        (action("call"), None, ["done", "done", "done", None, None]),
        (action("call"), "later", ["done", None, None, "done", None]),
        (action("visit"), "visit", ["done", None, None, None, "done"]),
        (action("note"), None, [None] * 5),
        (action("note", NOW), None, ["dropped", "dropped", None, None, None]),
        (action("note", NOW), "call", [None, None, "done", None, None]),
        (action("email"), None, ["done", "done", None, None, None]),
    ],
)
def test_what_an_action_ends(acted: Action, task_id: str | None, expected: list[str | None]) -> None:
    assert [end_of(task, acted, task_id, NOW) for task in (FIRST, STEP, CALL, LATER, VISIT)] == expected
