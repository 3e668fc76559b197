"""An hour of working time, on the days when clocks misbehave too."""

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from services.campaigns.domain.working_time import HORIZON, after_working, hours_of
from services.distribution.domain.availability import BadSchedule, Schedule, TimeOff, is_available, parse_windows

pytestmark = pytest.mark.feature("CMP-7")

HOUR = timedelta(hours=1)
OFFICE = [{"days": [0, 1, 2, 3, 4], "start": "09:00", "end": "13:00"},
          {"days": [0, 1, 2, 3, 4], "start": "14:00", "end": "18:00"}]  # fmt: skip


def due(at: str, *, shifts: list[Any] = OFFICE, zone: str = "Europe/Lisbon", **told: Any) -> str:
    """When an hour from a local time on is worked, as the wall shows it."""
    hours = hours_of(zone, {"working_hours": shifts, "holidays": [], "time_off": [], **told})
    begun = datetime.fromisoformat(at).replace(tzinfo=ZoneInfo(zone)).astimezone(UTC)
    return after_working(hours, begun, HOUR).astimezone(ZoneInfo(zone)).isoformat()[:16]


def away(start: str, end: str) -> dict[str, str]:
    return {"starts_at": f"{start}+00:00", "ends_at": f"{end}+00:00"}


@pytest.mark.parametrize(
    ("at", "expected"),
    [
        ("2026-03-02T10:15", "2026-03-02T11:15"),
        ("2026-03-02T12:30", "2026-03-02T14:30"),  # over lunch
        ("2026-03-02T12:00", "2026-03-02T13:00"),
        ("2026-03-02T17:40", "2026-03-03T09:40"),  # over night
        ("2026-03-02T03:00", "2026-03-02T10:00"),
        ("2026-03-06T17:59", "2026-03-09T09:59"),  # over the weekend
        ("2026-03-07T12:00", "2026-03-09T10:00"),
    ],
)
def test_only_working_time_counts(at: str, expected: str) -> None:
    assert due(at) == expected


def test_holidays_and_time_off_do_not_count() -> None:
    assert due("2026-12-24T17:30", holidays=["2026-12-25"]) == "2026-12-28T09:30"
    assert due("2026-03-02T10:30", time_off=[away("2026-03-02T11:00", "2026-03-03T15:00")]) == "2026-03-03T15:30"
    middle = [away("2026-03-02T10:40", "2026-03-02T10:50"), away("2026-03-02T11:00", "2026-03-02T11:30")]
    assert due("2026-03-02T10:30", time_off=middle) == "2026-03-02T12:10"


def test_a_shift_over_midnight_stops_where_a_holiday_begins() -> None:
    night = [{"days": [3], "start": "22:00", "end": "06:00"}]
    assert due("2026-12-24T23:30", shifts=night) == "2026-12-25T00:30"
    assert due("2026-12-24T23:30", shifts=night, holidays=["2026-12-25"]) == "2026-12-31T22:30"


def test_an_hour_is_an_hour_when_the_clock_changes() -> None:
    every_night = [{"days": [*range(7)], "start": "00:00", "end": "03:00"}]
    assert due("2026-03-29T00:30", shifts=every_night) == "2026-03-29T02:30"  # from one straight to two
    assert due("2026-10-25T00:30", shifts=every_night) == "2026-10-25T01:30"
    begun = datetime(2026, 10, 25, 0, 45, tzinfo=UTC)  # a quarter to two, for the first time
    hours = hours_of("Europe/Lisbon", {"working_hours": every_night, "holidays": [], "time_off": []})
    assert after_working(hours, begun, HOUR) == begun + HOUR


def test_who_is_unknown_has_no_hours_or_does_not_work_soon_has_a_plain_hour() -> None:
    at = datetime(2026, 3, 7, 3, tzinfo=UTC)
    assert after_working(None, at, HOUR) == at + HOUR
    assert due("2026-03-07T03:00", shifts=[]) == "2026-03-07T04:00"
    assert due("2026-03-07T03:00", shifts=[], holidays=["2026-03-07"]) == "2026-03-08T01:00"
    assert due("2026-03-02T10:00", time_off=[away("2026-03-01T00:00", "2026-06-01T00:00")]) == "2026-03-02T11:00"


GRID = 30
slots = st.integers(0, 24 * 60 // GRID)


def clock(slot: int) -> str:
    return f"{slot * GRID // 60:02}:{slot * GRID % 60:02}"


shifts = st.builds(
    lambda days, start, end: {"days": sorted(days), "start": clock(start % 48), "end": clock(end)},
    st.sets(st.integers(0, 6), min_size=1), slots, slots,
)  # fmt: skip
zones = st.sampled_from(["Europe/Lisbon", "America/Sao_Paulo", "Australia/Lord_Howe", "Asia/Kathmandu", "UTC"])
begun = st.builds(
    lambda base, steps: base + timedelta(minutes=GRID * steps),
    st.sampled_from([datetime(2026, 3, 27, tzinfo=UTC), datetime(2026, 10, 23, tzinfo=UTC)]),
    st.integers(0, 48 * 5),
)
absences = st.lists(st.tuples(st.integers(-50, 300), st.integers(1, 200)), max_size=2)


@settings(max_examples=60, deadline=None)
@given(st.lists(shifts, min_size=1, max_size=2), zones, begun, st.sets(st.integers(-1, 4)), absences)
def test_whoever_distribution_calls_at_work_has_worked_an_hour(
    working_hours: list[Any], zone: str, at: datetime, holidays: set[int], absent: list[tuple[int, int]]
) -> None:
    """Counted half hour by half hour by the function that decides who gets a lead."""
    try:
        windows = parse_windows([(tuple(shift["days"]), shift["start"], shift["end"]) for shift in working_hours])
    except BadSchedule:
        assume(False)
    days = {(at + timedelta(days=shift)).date() for shift in holidays}
    spans = [(at + timedelta(minutes=GRID * start), timedelta(minutes=GRID * length)) for start, length in absent]
    schedule = Schedule(
        zone, windows, frozenset(days), tuple(TimeOff(start, start + length) for start, length in spans)
    )
    told = {
        "working_hours": working_hours,
        "holidays": [day.isoformat() for day in days],
        "time_off": [{"starts_at": start.isoformat(), "ends_at": (start + long).isoformat()} for start, long in spans],
    }
    # Shifts and offsets are on half hours, but for Kathmandu, whose clock is a quarter beside them.
    step = timedelta(minutes=15)
    worked, now = timedelta(), at
    while worked < HOUR and now < at + HORIZON:
        worked += step if is_available(schedule, now) else timedelta()
        now += step
    expected = now if worked == HOUR else at + HOUR
    assert after_working(hours_of(zone, told), at, HOUR) == expected
