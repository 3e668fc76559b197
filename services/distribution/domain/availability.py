"""When a seller can be given work: working hours in their own time zone, holidays, time off, and two switches, the
company's and their own.

What a wall-clock time means on days when clocks misbehave: see `contracts.wall_clock`. A holiday is a whole local day:
windows that would start on it do not, and one that began the evening before stops at midnight. No windows at all means
always.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final, Literal

from contracts.wall_clock import DAY_MINUTES, local_day, local_instant, minute_of_day

Absence = Literal["inactive", "switched_off", "time_off", "holiday", "off_hours"]

HORIZON_DAYS: Final = 400
"""How far ahead the next change is looked for; nobody plans holidays without a gap for longer."""

WEEK_MINUTES: Final = 7 * 24 * 60


class BadSchedule(ValueError):
    """Working hours that mean nothing, or two things. `code` is "invalid" or "overlap"."""

    def __init__(self, code: Literal["invalid", "overlap"], message: str) -> None:
        super().__init__(message)
        self.code = code


@dataclass(frozen=True, slots=True)
class Window:
    """Hours on one day of the week (Monday is 0), in minutes after that day's midnight.

    end: past 24 × 60 when the window runs over midnight.
    """

    day: int
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class TimeOff:
    """Away from one instant until just before another."""

    starts_at: datetime
    ends_at: datetime


@dataclass(frozen=True, slots=True)
class Schedule:
    """Everything that says when one seller works.

    active: the company's switch.
    available: the seller's own, which turns round at `available_until`; None for one that stays as it is.
    """

    time_zone: str
    windows: tuple[Window, ...] = ()
    holidays: frozenset[date] = frozenset()
    time_off: tuple[TimeOff, ...] = ()
    active: bool = True
    available: bool = True
    available_until: datetime | None = None

    def is_switched_on(self, at: datetime) -> bool:
        """How the seller's own switch stands at an instant."""
        return self.available == (self.available_until is None or at < self.available_until)


def parse_windows(hours: Sequence[tuple[Sequence[int], str, str]]) -> tuple[Window, ...]:
    """Reads (days, start, end) with times as "HH:MM"; an end may be "24:00", and one before its start is next day's.

    Raises:
        BadSchedule: a day outside 0 to 6, a bad time, a window without length, or two windows that overlap.
    """
    windows: list[Window] = []
    for days, start_text, end_text in hours:
        start, end = _minutes(start_text), _minutes(end_text)
        if start in (end, DAY_MINUTES):
            raise BadSchedule("invalid", f"{start_text} to {end_text} has no length; a whole day is 00:00 to 24:00")
        if not days:
            raise BadSchedule("invalid", f"{start_text} to {end_text} is on no day; Monday is 0, Sunday is 6")
        for day in days:
            if not 0 <= day <= 6:
                raise BadSchedule("invalid", f"there is no day {day}; Monday is 0, Sunday is 6")
            windows.append(Window(day, start, end if end > start else end + DAY_MINUTES))
    windows.sort(key=lambda window: (window.day, window.start))
    _refuse_overlap(windows)
    return tuple(windows)


def _minutes(text: str) -> int:
    try:
        return minute_of_day(text)
    except ValueError:
        raise BadSchedule("invalid", f"{text!r} is not a time of day such as 09:00") from None


def _refuse_overlap(windows: list[Window]) -> None:
    spans = sorted(
        (window.day * DAY_MINUTES + window.start, window.day * DAY_MINUTES + window.end) for window in windows
    )
    following = [*spans[1:], *((start + WEEK_MINUTES, end + WEEK_MINUTES) for start, end in spans[:1])]
    for (start, end), (next_start, _) in zip(spans, following, strict=True):
        if next_start < end:
            raise BadSchedule("overlap", f"{_describe(next_start)} is inside the window that starts {_describe(start)}")


def _describe(minute_of_week: int) -> str:
    days = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
    day, minute = divmod(minute_of_week % WEEK_MINUTES, DAY_MINUTES)
    return f"{days[day]} {minute // 60:02}:{minute % 60:02}"


def is_available(schedule: Schedule, at: datetime) -> bool:
    """Whether the seller can be given work at an instant."""
    return absence(schedule, at) is None


def absence(schedule: Schedule, at: datetime) -> Absence | None:
    """Why the seller cannot be given work at an instant; None when they can."""
    if not schedule.active:
        return "inactive"
    if not schedule.is_switched_on(at):
        return "switched_off"
    if any(off.starts_at <= at < off.ends_at for off in schedule.time_off):
        return "time_off"
    today = local_day(schedule.time_zone, at)
    if today in schedule.holidays:
        return "holiday"
    if not schedule.windows:
        return None
    # The day before for windows over midnight, the day after where a clock change moves a date line.
    nearby = (today + timedelta(days=shift) for shift in (-1, 0, 1))
    if any(start <= at < end for day in nearby for start, end in _spans(schedule, day)):
        return None
    return "off_hours"


def next_change(schedule: Schedule, at: datetime, until: datetime | None = None) -> datetime | None:
    """The first instant after `at` at which the seller becomes or may stay available; None when nothing is in sight.

    Only beginnings count: hours that begin, a holiday or time off that ends, a switch that turns on by itself.

    until: what is later is not in sight, and not looked for; without it, HORIZON_DAYS.
    """
    if not schedule.active:
        return None
    turns = [schedule.available_until] if schedule.available_until else []
    ends = sorted(end for end in [*turns, *(off.ends_at for off in schedule.time_off)] if end > at)
    today = local_day(schedule.time_zone, at)
    for shift in range(-1, HORIZON_DAYS):
        day = today + timedelta(days=shift)
        if until and local_instant(schedule.time_zone, day, 0) > until:
            return None
        day_end = local_instant(schedule.time_zone, day + timedelta(days=1), 0)
        beginnings = [start for start, _ in _spans(schedule, day)]
        beginnings += [end for end in ends if end < day_end]
        ends = [end for end in ends if end >= day_end]
        if day - timedelta(days=1) in schedule.holidays:
            beginnings.append(local_instant(schedule.time_zone, day, 0))
        for instant in sorted(beginnings):
            if instant > at and is_available(schedule, instant):
                return instant if until is None or instant <= until else None
    return None


def next_midnight(time_zone: str, at: datetime) -> datetime:
    """When the next local day begins: daily counters start again."""
    return local_instant(time_zone, local_day(time_zone, at) + timedelta(days=1), 0)


def _spans(schedule: Schedule, day: date) -> Iterator[tuple[datetime, datetime]]:
    if day in schedule.holidays:
        return
    weekday = day.weekday()
    for window in schedule.windows:
        if window.day == weekday:
            zone = schedule.time_zone
            yield local_instant(zone, day, window.start), local_instant(zone, day, window.end)
