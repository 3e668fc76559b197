"""Working hours as pages show and take them: for every day of the week its shifts, each a beginning and an end."""

from collections.abc import Iterable, Mapping
from datetime import date, datetime, time, timedelta
from typing import Any, Literal
from zoneinfo import ZoneInfo

from babel.dates import format_date, format_time, get_day_names
from flask_babel import get_locale
from werkzeug.datastructures import MultiDict

Week = list[list[tuple[str, str]]]
"""Seven days from Monday on; an end at midnight is "00:00", for that is what a time field of a browser can hold."""

WEEKDAYS = range(7)
_MIDNIGHT, _DAY_ENDS = "00:00", "24:00"


class HalfAShift(ValueError):
    """A shift that begins and does not end, or the other way round."""


def week_of(working_hours: Iterable[Mapping[str, Any]]) -> Week:
    """The shifts of each day of what a seller's `working_hours` say."""
    week: Week = [[] for _ in WEEKDAYS]
    for span in working_hours:
        for day in span["days"]:
            week[day].append((span["start"], _MIDNIGHT if span["end"] == _DAY_ENDS else span["end"]))
    return [sorted(shifts) for shifts in week]


def typed_week(form: MultiDict[str, str]) -> Week:
    """What somebody typed: fields `start_0` and `end_0` for Monday's shifts, and so on. Shifts left empty are none."""
    return [
        [
            (start.strip()[:5], end.strip()[:5])
            for start, end in zip(form.getlist(f"start_{day}"), form.getlist(f"end_{day}"), strict=False)
            if start.strip() or end.strip()
        ]
        for day in WEEKDAYS
    ]


def working_hours_of(week: Week) -> list[dict[str, Any]]:
    """`working_hours` of a seller: equal shifts of several days together.

    Raises:
        HalfAShift.
    """
    days: dict[tuple[str, str], list[int]] = {}
    for day, shifts in enumerate(week):
        for start, end in shifts:
            if not start or not end:
                raise HalfAShift
            days.setdefault((start, _DAY_ENDS if end == _MIDNIGHT else end), []).append(day)
    return [{"days": sorted(set(on)), "start": start, "end": end} for (start, end), on in days.items()]


def day_name(weekday: int, width: Literal["wide", "abbreviated"] = "wide") -> str:
    """A day of the week, Monday being 0."""
    return str(get_day_names(width, "stand-alone", get_locale())[weekday])


def shift_text(shift: tuple[str, str]) -> str:
    """ "09:00–18:00"."""
    start, end = shift
    return f"{start}–{_DAY_ENDS if end == _MIDNIGHT else end}"


def week_lines(working_hours: Iterable[Mapping[str, Any]]) -> list[tuple[str, str]]:
    """Days and their hours, neighbours with equal hours together: ("Mon – Fri", "09:00–13:00, 14:00–18:00")."""
    lines: list[tuple[list[int], str]] = []
    for day, shifts in enumerate(week_of(working_hours)):
        text = ", ".join(map(shift_text, shifts))
        if lines and lines[-1][1] == text:
            lines[-1][0].append(day)
        else:
            lines.append(([day], text))
    return [(_days_text(days), text) for days, text in lines if text]


def _days_text(days: list[int]) -> str:
    names = [day_name(day, "abbreviated") for day in (days[0], days[-1])]
    return names[0] if len(days) == 1 else " – ".join(names)


def absence_span(starts_at: str, ends_at: str, time_zone: str) -> str:
    """From when until when somebody is away, by the clock where they are; whole days without hours."""
    zone = ZoneInfo(time_zone)
    start, end = (datetime.fromisoformat(text).astimezone(zone) for text in (starts_at, ends_at))
    if start.time() == end.time() == time():
        last = (end - timedelta(days=1)).date()
        return _day(start.date()) if last <= start.date() else f"{_day(start.date())} – {_day(last)}"
    if start.date() == end.date():
        return f"{_day(start.date())}, {_clock(start)}–{_clock(end)}"
    return f"{_day(start.date())}, {_clock(start)} – {_day(end.date())}, {_clock(end)}"


def local_start(day: date, at: str, time_zone: str) -> datetime:
    """The instant at which a day begins where somebody is; or a time of that day, such as "14:00".

    Raises:
        ValueError: that is no time.
    """
    return datetime.combine(day, time.fromisoformat(at) if at else time(), tzinfo=ZoneInfo(time_zone))


def local_end(day: date, at: str, time_zone: str) -> datetime:
    """The instant at which a day ends where somebody is; or a time of that day.

    Raises:
        ValueError: that is no time.
    """
    return local_start(day, at, time_zone) if at else local_start(day + timedelta(days=1), "", time_zone)


def _day(day: date) -> str:
    return str(format_date(day, "medium", get_locale()))


def _clock(at: datetime) -> str:
    return str(format_time(at, "short", tzinfo=at.tzinfo, locale=get_locale()))
