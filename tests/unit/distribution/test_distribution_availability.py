"""When a seller can be given work, on the days when clocks misbehave too."""

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import assume, given, reject
from hypothesis import strategies as st

from contracts.wall_clock import local_instant
from services.distribution.domain import availability
from services.distribution.domain.availability import (
    BadSchedule,
    Schedule,
    TimeOff,
    absence,
    is_available,
    next_change,
    next_midnight,
    parse_windows,
)

EVERY_DAY = tuple(range(7))


def schedule(*hours: tuple[tuple[int, ...], str, str], zone: str = "Europe/Lisbon", **fields: object) -> Schedule:
    return Schedule(zone, parse_windows(hours), **fields)  # type: ignore[arg-type]


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.feature("DIS-1")
def test_several_windows_a_day_in_the_sellers_own_time_zone() -> None:
    seller = schedule(((0, 1), "09:00", "12:30"), ((0,), "14:00", "18:00"), zone="America/Sao_Paulo")
    working = {"2026-03-02T12:00", "2026-03-02T15:29", "2026-03-02T17:00", "2026-03-03T12:00"}
    idle = {"2026-03-02T11:59", "2026-03-02T15:30", "2026-03-02T21:00", "2026-03-03T17:00", "2026-03-04T12:00"}
    assert all(is_available(seller, utc(at)) for at in working)
    assert {absence(seller, utc(at)) for at in idle} == {"off_hours"}


@pytest.mark.feature("DIS-1")
def test_no_windows_is_always_and_a_window_may_run_over_midnight() -> None:
    assert is_available(schedule(), utc("2026-03-02T03:00"))
    night = schedule(((6,), "22:00", "06:00"))
    assert [is_available(night, utc(at)) for at in ("2026-03-01T21:59", "2026-03-01T22:00")] == [False, True]
    assert [is_available(night, utc(at)) for at in ("2026-03-02T05:59", "2026-03-02T06:00")] == [True, False]
    whole = schedule(((0,), "00:00", "24:00"))
    assert [is_available(whole, utc(f"2026-03-0{day}T23:59")) for day in (1, 2, 3)] == [False, True, False]


@pytest.mark.feature("DIS-1")
@pytest.mark.parametrize(
    ("hours", "code"),
    [
        ([((0,), "09:00", "12:00"), ((0,), "11:59", "13:00")], "overlap"),
        ([((0, 1), "22:00", "06:00"), ((1,), "05:00", "07:00")], "overlap"),
        ([((6,), "22:00", "06:00"), ((0,), "05:00", "07:00")], "overlap"),
        ([((0,), "09:00", "12:00"), ((0,), "09:00", "12:00")], "overlap"),
        ([((0,), "09:00", "09:00")], "invalid"),
        ([((0,), "24:00", "09:00")], "invalid"),
        ([((7,), "09:00", "10:00")], "invalid"),
        ([((), "09:00", "10:00")], "invalid"),
        ([((0,), "9:00", "10:00")], "invalid"),
        ([((0,), "09:00", "25:00")], "invalid"),
        ([((0,), "09:00", "10:00:00")], "invalid"),
    ],
)
def test_hours_that_mean_nothing_or_two_things_are_refused(
    hours: list[tuple[tuple[int, ...], str, str]], code: str
) -> None:
    with pytest.raises(BadSchedule) as refused:
        parse_windows(hours)
    assert refused.value.code == code


def test_windows_that_touch_do_not_overlap() -> None:
    seller = schedule(((0,), "09:00", "12:00"), ((0,), "12:00", "24:00"), ((1,), "00:00", "02:00"))
    assert is_available(seller, utc("2026-03-02T12:00"))
    assert is_available(seller, utc("2026-03-03T00:00"))


@pytest.mark.feature("DIS-1")
def test_a_window_that_starts_inside_the_skipped_hour_starts_at_the_first_real_instant_after_it() -> None:
    # In Lisbon 2026-03-29 01:00 is followed by 02:00: 01:00 UTC.
    seller = schedule((EVERY_DAY, "01:30", "03:00"))
    assert [is_available(seller, utc(f"2026-03-29T{at}")) for at in ("00:59:59", "01:00", "01:59:59", "02:00")] == [
        False,
        True,
        True,
        False,
    ]
    inside = schedule((EVERY_DAY, "01:10", "01:50"))
    assert not any(is_available(inside, utc("2026-03-29T00:00") + timedelta(minutes=minute)) for minute in range(240))


@pytest.mark.feature("DIS-1")
def test_a_time_that_comes_twice_means_the_first() -> None:
    # In Lisbon 2026-10-25 02:00 is followed by 01:00: 01:00 UTC. 01:30 comes at 00:30 and 01:30 UTC.
    seller = schedule((EVERY_DAY, "01:30", "03:00"))
    assert [is_available(seller, utc(f"2026-10-25T{at}")) for at in ("00:29", "00:30", "01:29", "02:59", "03:00")] == [
        False,
        True,
        True,
        True,
        False,
    ]
    short = schedule((EVERY_DAY, "01:15", "01:45"))
    minutes = [utc("2026-10-25T00:00") + timedelta(minutes=minute) for minute in range(180)]
    assert sum(is_available(short, at) for at in minutes) == 30


@pytest.mark.feature("DIS-1")
def test_a_day_that_does_not_exist_has_no_hours() -> None:
    # Samoa went from 29 to 31 December 2011.
    assert local_instant("Pacific/Apia", date(2011, 12, 30), 9 * 60) == utc("2011-12-30T10:00")
    seller = schedule((EVERY_DAY, "09:00", "17:00"), zone="Pacific/Apia")
    minutes = [utc("2011-12-29T10:00") + timedelta(minutes=10 * step) for step in range(6 * 48)]
    assert sum(is_available(seller, at) for at in minutes) == 2 * 8 * 6


@pytest.mark.feature("DIS-1")
def test_a_holiday_is_a_whole_local_day() -> None:
    night = schedule((EVERY_DAY, "22:00", "06:00"), holidays=frozenset({date(2026, 12, 25)}))
    assert is_available(night, utc("2026-12-24T23:59"))
    assert absence(night, utc("2026-12-25T00:00")) == "holiday"
    assert absence(night, utc("2026-12-25T23:00")) == "holiday"
    assert absence(night, utc("2026-12-26T01:00")) == "off_hours"
    assert next_change(night, utc("2026-12-25T03:00")) == utc("2026-12-26T22:00")
    always = schedule(holidays=frozenset({date(2026, 12, 25), date(2026, 12, 26)}))
    assert next_change(always, utc("2026-12-25T03:00")) == utc("2026-12-27T00:00")


@pytest.mark.feature("DIS-1")
def test_the_active_switch_and_time_off_come_before_hours() -> None:
    off = (TimeOff(utc("2026-03-02T10:00"), utc("2026-03-02T11:00")),)
    seller = schedule((EVERY_DAY, "09:00", "18:00"), time_off=off)
    times = ("09:59", "10:00", "10:59", "11:00", "20:00")
    told = [absence(seller, utc(f"2026-03-02T{at}")) for at in times]
    assert told == [None, "time_off", "time_off", None, "off_hours"]
    assert next_change(seller, utc("2026-03-02T10:00")) == utc("2026-03-02T11:00")
    gone = schedule(active=False)
    assert absence(gone, utc("2026-03-02T10:00")) == "inactive"
    assert next_change(gone, utc("2026-03-02T10:00")) is None


@pytest.mark.feature("DIS-1")
def test_the_sellers_own_switch_comes_before_the_calendar_and_turns_at_its_time() -> None:
    noon = utc("2026-03-02T12:00")
    off = schedule((EVERY_DAY, "09:00", "18:00"), available=False)
    assert absence(off, utc("2026-03-02T10:00")) == absence(off, utc("2026-03-02T20:00")) == "switched_off"
    assert next_change(off, utc("2026-03-02T10:00")) is None
    back = schedule((EVERY_DAY, "09:00", "18:00"), available=False, available_until=noon)
    assert [absence(back, at) for at in (noon - timedelta(seconds=1), noon)] == ["switched_off", None]
    assert next_change(back, utc("2026-03-02T10:00")) == noon
    late = schedule((EVERY_DAY, "14:00", "18:00"), available=False, available_until=noon)
    assert next_change(late, utc("2026-03-02T10:00")) == utc("2026-03-02T14:00")
    leaving = schedule((EVERY_DAY, "09:00", "18:00"), available_until=noon)
    assert [absence(leaving, at) for at in (noon - timedelta(seconds=1), noon)] == [None, "switched_off"]
    assert next_change(leaving, utc("2026-03-02T13:00")) is None
    assert absence(schedule(available=False, active=False), noon) == "inactive"


def test_nothing_in_sight_is_said_so() -> None:
    forever = schedule(time_off=(TimeOff(utc("2026-01-01T00:00"), utc("2036-01-01T00:00")),))
    assert next_change(forever, utc("2026-03-02T10:00")) is None


def test_what_is_too_late_is_not_looked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    at = utc("2026-03-02T10:00")
    forever = schedule((EVERY_DAY, "09:00", "18:00"), time_off=(TimeOff(at, utc("2036-01-01T00:00")),))
    days: list[date] = []
    spans = availability._spans
    monkeypatch.setattr(availability, "_spans", lambda who, day: days.append(day) or spans(who, day))
    assert next_change(forever, at, at + timedelta(minutes=5)) is None
    assert len(set(days)) <= 4


@pytest.mark.feature("DIS-1")
def test_the_day_turns_where_the_seller_is() -> None:
    assert next_midnight("America/Sao_Paulo", utc("2026-03-02T02:59")) == utc("2026-03-02T03:00")
    assert next_midnight("America/Sao_Paulo", utc("2026-03-02T03:00")) == utc("2026-03-03T03:00")
    # In Santiago clocks skip from 24:00 to 01:00 on 2026-09-06: the day begins at one.
    assert next_midnight("America/Santiago", utc("2026-09-06T03:00")) == utc("2026-09-06T04:00")


ZONES = st.sampled_from(
    ["Europe/Lisbon", "America/Sao_Paulo", "Australia/Lord_Howe", "America/Santiago", "Asia/Kolkata"]
)
TIMES = st.sampled_from(["00:00", "00:30", "01:30", "02:15", "06:00", "09:00", "13:00", "18:00", "22:00", "24:00"])
INSTANTS = st.datetimes(datetime(2026, 3, 1), datetime(2026, 11, 30)).map(lambda at: at.replace(tzinfo=UTC))


@pytest.mark.feature("DIS-7")
@given(
    ZONES, st.lists(st.tuples(st.sets(st.integers(0, 6), min_size=1), TIMES, TIMES), max_size=3), INSTANTS, st.data()
)
def test_nobody_becomes_available_before_the_next_change(
    zone: str, hours: list[tuple[set[int], str, str]], at: datetime, data: st.DataObject
) -> None:
    try:
        windows = parse_windows([(sorted(days), start, end) for days, start, end in hours])
    except BadSchedule:
        reject()
    some_days = st.lists(st.integers(0, 6).map(lambda days: at.date() + timedelta(days)), max_size=3)
    some_hours = st.lists(st.integers(1, 90), max_size=2)
    off = tuple(TimeOff(at, at + timedelta(hours=length)) for length in data.draw(some_hours))
    turns_at = data.draw(st.none() | st.integers(-5, 90).map(lambda length: at + timedelta(hours=length)))
    switched_on = data.draw(st.booleans()) if turns_at else True
    seller = Schedule(zone, windows, frozenset(data.draw(some_days)), off, True, switched_on, turns_at)
    assume(not is_available(seller, at))
    change = next_change(seller, at)
    if turns_at and switched_on:
        assume(change is not None)  # it may have turned off for good
    assert change is not None
    assert change > at
    assert is_available(seller, change)
    for until in (at, change - timedelta(seconds=1), change, change + timedelta(hours=1)):
        assert next_change(seller, at, until) == (change if until >= change else None)
    quarters = (at + timedelta(minutes=15 * step) for step in range(1, 4 * 24 * 8))
    assert not any(is_available(seller, moment) for moment in quarters if moment < change)
