"""What an overview shows, added up from sums."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from services.reporting.domain.measures import OVERVIEW

Line = dict[str, Any]

MOST_DAYS = 400
"""The longest span of one overview."""


def whole_days(since: datetime, until: datetime) -> tuple[datetime, datetime]:
    """The days, in UTC, that lie in [since, until): where the first begins and the last ends. The same instant twice,
    `until`, when there is none."""
    first, last = _midnight(since), _midnight(until)
    if first < since:
        first += timedelta(days=1)
    return (first, last) if first < last else (until, until)


def _midnight(at: datetime) -> datetime:
    return at.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)


def days_of(since: datetime, until: datetime, zone: ZoneInfo) -> list[str]:
    """The days of a calendar in `zone` that [since, until) touches, in ISO 8601."""
    first = since.astimezone(zone).date()
    last = (until - timedelta(microseconds=1)).astimezone(zone).date()
    return [(first + timedelta(days=number)).isoformat() for number in range((last - first).days + 1)]


def hours_of_other_days(first: datetime, last: datetime, zone: ZoneInfo) -> list[datetime]:
    """The hours in [first, last), which are days in UTC, that belong to another day of the calendar in `zone`."""
    hours = (first + timedelta(hours=number) for number in range((last - first) // timedelta(hours=1)))
    return [hour for hour in hours if hour.astimezone(zone).day != hour.day]


def lines(rows: Iterable[Any], with_captured: bool) -> dict[str, Line]:
    """Sums (measure, value, currency, count, amount) by their value: every measure of an overview, and "sales" as a
    list of {"currency", "amount" (minor units), "count"}.

    with_captured: whether leads captured are known there; they are None otherwise.
    """
    found: dict[str, Line] = {}
    for measure, value, currency, count, amount in rows:
        line = found.get(value)
        if line is None:
            line = found[value] = empty_line(with_captured)
        name = OVERVIEW[measure]
        if line[name] is not None:
            line[name] += int(count)
        if currency:
            _add_sale(line, currency, int(amount), int(count))
    for line in found.values():
        line["sales"] = [sale for sale in line["sales"] if sale["count"]]  # what was moved to another day left none
    return found


def _add_sale(line: Line, currency: str, amount: int, count: int) -> None:
    for sale in line["sales"]:
        if sale["currency"] == currency:
            sale["amount"] += amount
            sale["count"] += count
            return
    line["sales"].append({"currency": currency, "amount": amount, "count": count})
    line["sales"].sort(key=lambda sale: str(sale["currency"]))


def total(found: Iterable[Line], with_captured: bool) -> Line:
    """Lines added up."""
    added = empty_line(with_captured)
    for line in found:
        for name in OVERVIEW.values():
            if added[name] is not None:
                added[name] += line[name]
        for sale in line["sales"]:
            _add_sale(added, **sale)
    return added


def empty_line(with_captured: bool) -> Line:
    """A line in which nothing happened."""
    line: Line = dict.fromkeys(OVERVIEW.values(), 0)
    if not with_captured:
        line["captured"] = None
    return {**line, "sales": []}
