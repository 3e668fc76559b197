"""From when to when, as it is asked."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo, available_timezones

from contracts.errors import INVALID, REQUIRED
from runtime.clock import parse_iso
from runtime.errors import invalid

_ZONES = frozenset(available_timezones())
_YEARS = range(1970, 9991)
"""Far enough from both ends of the calendar for the span before and any time zone."""


def span_of(since: str, until: str, time_zone: str, most_days: int) -> tuple[datetime, datetime, ZoneInfo]:
    """Both instants and the time zone.

    Raises:
        Invalid: naming the field.
    """
    start, end = instant("since", since), instant("until", until)
    if start is None or end is None:
        raise invalid("since" if start is None else "until", REQUIRED, "say from when to when")
    for field, at in (("since", start), ("until", end)):
        if at.year not in _YEARS:
            raise invalid(field, INVALID, f"in the years {_YEARS[0]} to {_YEARS[-1]}")
    if not timedelta() < end - start <= timedelta(days=most_days):
        raise invalid("until", INVALID, f"later than since, by at most {most_days} days")
    if time_zone not in _ZONES:
        raise invalid("time_zone", INVALID, "an IANA name such as Europe/Lisbon")
    return start, end, ZoneInfo(time_zone)


def instant(field: str, text: str | None) -> datetime | None:
    """The instant; None of nothing.

    Raises:
        Invalid: it is not ISO 8601 with an offset.
    """
    if not text:
        return None
    try:
        return parse_iso(text)
    except ValueError:
        raise invalid(field, INVALID, "a time in ISO 8601 with its offset, such as 2026-11-22T09:00:00+00:00") from None
