"""Filters of lists, as they stand in an address."""

from collections.abc import Callable, Mapping
from datetime import date, datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from runtime.clock import iso

Typed = dict[str, str]
"""Filters as they stand in an address; those that filter nothing are left out."""

Check = Callable[[str], str]
"""What a filter is when it is typed so; empty where that makes no sense."""


def checked(given: Mapping[str, str], checks: Mapping[str, Check]) -> Typed:
    """The filters among what is given; what makes no sense is left out, as the page shows no such filter."""
    found = {name: check(given.get(name, "")) for name, check in checks.items()}
    return {name: value for name, value in found.items() if value}


def identifier(text: str) -> str:
    """An id."""
    try:
        return str(UUID(text))
    except ValueError:
        return ""


def day(text: str) -> str:
    """A day such as 2026-12-31."""
    try:
        return date.fromisoformat(text).isoformat()
    except ValueError:
        return ""


def text(longest: int) -> Check:
    """A text of at most so many characters."""
    return lambda typed: typed.replace("\0", "").strip()[:longest]


def one_of(*words: str) -> Check:
    """One of a few words."""
    return lambda typed: typed if typed in words else ""


def span(filters: Typed, time_zone: str) -> dict[str, str]:
    """`since` and `until` of the filters as instants. time_zone: whose days they are; both belong to the span."""
    later = {"since": 0, "until": 1}
    return {name: _midnight(filters[name], later[name], time_zone) for name in later if name in filters}


def _midnight(typed: str, days_later: int, time_zone: str) -> str:
    wanted = date.fromisoformat(typed)
    wanted = min(max(wanted, _FIRST), _LAST) + timedelta(days=days_later)
    return iso(datetime(wanted.year, wanted.month, wanted.day, tzinfo=ZoneInfo(time_zone)))


_FIRST, _LAST = date(1970, 1, 1), date(9990, 1, 1)  # beyond them a time zone's shift may leave the calendar
