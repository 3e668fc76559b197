"""What a time of day on somebody's wall means: working hours travel between services as the wall clock shows them.

A wall-clock time means the first instant at which the clock shows that time or a later one. So a shift that starts
inside the hour skipped in spring starts at the first real instant after it, and a time that comes twice in autumn means
the first. A shift that ends at or before its start runs over midnight.
"""

from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from typing import Final
from zoneinfo import ZoneInfo

DAY_MINUTES: Final = 24 * 60


@lru_cache(maxsize=1000)
def zone_named(name: str) -> ZoneInfo:
    """The time zone of that IANA name, such as Europe/Lisbon."""
    return ZoneInfo(name)


def local_day(time_zone: str, at: datetime) -> date:
    """The date on the wall at an instant."""
    return at.astimezone(zone_named(time_zone)).date()


@lru_cache(maxsize=10_000)
def local_instant(time_zone: str, day: date, minute: int) -> datetime:
    """The first instant, in UTC, at which the clocks of a time zone show this minute of this day or a later one.

    minute: minutes after midnight as the clock shows them; past 24 × 60 for the next day.
    """
    wall = datetime.combine(day + timedelta(days=minute // DAY_MINUTES), time(minute % DAY_MINUTES // 60, minute % 60))
    zone = zone_named(time_zone)
    first = wall.replace(tzinfo=zone).astimezone(UTC)
    if first.astimezone(zone).replace(tzinfo=None) == wall:
        return first
    return _end_of_gap(zone, wall.replace(tzinfo=zone, fold=1).astimezone(UTC), first)


def _end_of_gap(zone: ZoneInfo, before: datetime, after: datetime) -> datetime:
    offset = before.astimezone(zone).utcoffset()
    while after - before > timedelta(seconds=1):
        middle = (before + (after - before) / 2).replace(microsecond=0)
        if middle.astimezone(zone).utcoffset() == offset:
            before = middle
        else:
            after = middle
    return after


def minute_of_day(text: str) -> int:
    """Minutes after midnight of "HH:MM"; "24:00" is the end of the day.

    Raises:
        ValueError: not a time of day.
    """
    if text == "24:00":
        return DAY_MINUTES
    at = time.fromisoformat(text)
    if len(text) != 5 or at.tzinfo:
        raise ValueError(f"not HH:MM: {text!r}")
    return at.hour * 60 + at.minute
