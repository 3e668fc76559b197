"""Filters of the list of leads: as they stand in an address, as capture takes them, and in words."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from contracts import limits
from gateway.web.shown import by_name, staff_by_name
from runtime.clock import iso

Typed = dict[str, str]
"""Filters as they stand in an address; those that filter nothing are left out."""


def _id(text: str) -> str:
    try:
        return str(UUID(text))
    except ValueError:
        return ""


def _day(text: str) -> str:
    try:
        return date.fromisoformat(text).isoformat()
    except ValueError:
        return ""


def _text(longest: int) -> Callable[[str], str]:
    return lambda text: text.replace("\0", "").strip()[:longest]


_CHECKS: Mapping[str, Callable[[str], str]] = {
    "q": _text(limits.SEARCH),
    "source": _text(limits.SOURCE),
    "form": _id,
    "seller": _id,
    "team": _id,
    "owned": lambda text: text if text in ("yes", "no") else "",
    "since": _day,
    "until": _day,
}


def typed(given: Mapping[str, str]) -> Typed:
    """The filters among what is given; what makes no sense is left out, as the page shows no such filter."""
    checked = {name: check(given.get(name, "")) for name, check in _CHECKS.items()}
    return {name: value for name, value in checked.items() if value}


def asked(filters: Typed, time_zone: str) -> dict[str, Any]:
    """What capture is asked for. time_zone: whose days `since` and `until` are; both days belong to the span."""
    names = {"q": "q", "source": "source", "form": "form_id", "seller": "seller_id", "team": "team_id"}
    wanted: dict[str, Any] = {names[name]: value for name, value in filters.items() if name in names}
    if "owned" in filters:
        wanted["owned"] = filters["owned"] == "yes"
    if "since" in filters:
        wanted["since"] = _midnight(filters["since"], 0, time_zone)
    if "until" in filters:
        wanted["until"] = _midnight(filters["until"], 1, time_zone)
    return wanted


def _midnight(day: str, days_later: int, time_zone: str) -> str:
    wanted = date.fromisoformat(day)
    wanted = min(max(wanted, _FIRST), _LAST) + timedelta(days=days_later)
    return iso(datetime(wanted.year, wanted.month, wanted.day, tzinfo=ZoneInfo(time_zone)))


_FIRST, _LAST = date(1970, 1, 1), date(9990, 1, 1)  # beyond them a time zone's shift may leave the calendar


@dataclass(frozen=True, slots=True)
class Choices:
    """What the filters offer: pairs of what an address has and what people read, in the order of the latter."""

    forms: list[tuple[str, str]]
    sources: list[tuple[str, str]]
    sellers: list[tuple[str, str]]
    teams: list[tuple[str, str]]


def choices(forms: list[Any], names: Mapping[str, Mapping[str, str]]) -> Choices:
    """The choices that there are. forms: as `gateway.store.forms_by_name` has them; names: `staff_names`."""
    return Choices(
        forms=[(form["id"], form["name"]) for form in forms],
        sources=by_name({form["source"]: form["source"] for form in forms}),
        **staff_by_name(names),
    )
