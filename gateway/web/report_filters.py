"""What a report is asked for: as it stands in an address, and as reporting takes it."""

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from contracts import limits
from gateway.web.filters import Check, Typed, checked, day, identifier, one_of, text
from runtime.clock import iso

NONE = "-"
"""In an address: those without one."""

TABS = ("source", "form", "seller", "team", "to_assignment", "to_contact", "hours", "cross")
OF_SELLERS = ("source", "form", "to_assignment", "to_contact", "hours")
"""What there is in a seller's own results."""

SIDES = ("source", "form", "seller", "team", "channel", "weekday", "hour")
MEASURES = ("won_of_leads", "leads", "won", "income", "to_contact")
SPANS = ("today", "7", "30", "90", "month", "quarter", "year", "days")
"""What can be chosen: the last days, what of a month, quarter or year has passed, or two days that are typed."""

DEFAULT_SPAN = "30"
MOST_DAYS = 3660
NARROWED = ("source", "form", "seller", "team", "channel", "stage", "hour", "weekday", "day", "to_assignment",
            "to_contact")  # fmt: skip
"""Filters that narrow the leads."""

STAGES = ("assigned", "unassigned", "contacted", "uncontacted", "reached", "won", "lost", "closed", "open")
BINS = (1, 10, 60, 300, 900, 3600, 4 * 3600, 24 * 3600, 7 * 24 * 3600)
"""Bounds that waits are told apart by, in seconds; 0 stands for what is beyond the last."""


def _or_none(check: Check) -> Check:
    return lambda typed: NONE if typed == NONE else check(typed)


_BIN = one_of(*map(str, (*BINS, 0)))
_CHECKS: Mapping[str, Check] = {
    "by": one_of(*TABS),
    "span": one_of(*SPANS),
    "since": day,
    "until": day,
    "rows": one_of(*SIDES),
    "columns": one_of(*SIDES),
    "measure": one_of(*MEASURES),
    "source": _or_none(text(limits.SOURCE)),
    "form": _or_none(identifier),
    "seller": _or_none(identifier),
    "team": _or_none(identifier),
    "channel": _or_none(text(limits.SOURCE)),
    "stage": one_of(*STAGES),
    "hour": one_of(*map(str, range(24))),
    "weekday": one_of(*map(str, range(7))),
    "day": day,
    "to_assignment": _BIN,
    "to_contact": _BIN,
}


def typed(given: Mapping[str, str]) -> Typed:
    """What is asked for among what is given; what makes no sense is left out."""
    return checked(given, _CHECKS)


def narrowed(filters: Typed) -> dict[str, str]:
    """The filters as reporting takes them."""
    return {name: "" if filters[name] == NONE else filters[name] for name in NARROWED if name in filters}


def days(filters: Typed, today: date) -> tuple[date | None, date | None]:
    """The first and the last day of the span; None where a day is missing that has to be typed."""
    span = filters.get("span") or ("days" if "since" in filters or "until" in filters else DEFAULT_SPAN)
    if span == "days":
        first, last = filters.get("since"), filters.get("until")
        return (date.fromisoformat(first) if first else None), (date.fromisoformat(last) if last else None)
    starts = {
        "today": today,
        "month": today.replace(day=1),
        "quarter": today.replace(month=today.month - (today.month - 1) % 3, day=1),
        "year": today.replace(month=1, day=1),
    }
    return starts[span] if span in starts else today - timedelta(days=int(span) - 1), today


def problems(first: date | None, last: date | None) -> dict[str, str]:
    """What is wrong with the days, by field, as `problem_text` says it."""
    missing = {name: "required" for name, value in (("since", first), ("until", last)) if value is None}
    if first is None or last is None:
        return missing
    if last < first:
        return {"until": "order"}
    return {"until": "ten_years"} if (last - first).days >= MOST_DAYS - 1 else {}


def asked(first: date, last: date, time_zone: str, filters: Typed) -> dict[str, Any]:
    """What reporting is asked for; both days belong to the span."""
    zone = ZoneInfo(time_zone)
    first, last = max(first, date(1970, 1, 2)), min(last, date(9990, 1, 1))  # where a shift may not leave the calendar
    since, until = (datetime(one.year, one.month, one.day, tzinfo=zone) for one in (first, last + timedelta(days=1)))
    return {"since": iso(since), "until": iso(until), "time_zone": time_zone, "filters": narrowed(filters)}
