"""What an overview shows, added up from sums."""

from collections.abc import Callable, Iterable
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


def lines(rows: Iterable[Any], place: Callable[[Any], str], with_captured: bool) -> dict[str, Line]:
    """Sums by what `place` makes of their value: every measure of an overview, and "sales" as a list of {"currency",
    "amount" (minor units), "count"}.

    with_captured: whether leads captured are known there; they are None otherwise.
    """
    found: dict[str, Line] = {}
    for row in rows:
        key = place(row.value)
        line = found.get(key)
        if line is None:
            line = found[key] = empty_line(with_captured)
        name = OVERVIEW[row.measure]
        if line[name] is not None:
            line[name] += int(row.count)
        if row.currency:
            _add_sale(line["sales"], row)
    return found


def _add_sale(sales: list[dict[str, Any]], row: Any) -> None:
    known = next((sale for sale in sales if sale["currency"] == row.currency), None)
    if known is None:
        known = {"currency": row.currency, "amount": 0, "count": 0}
        sales.append(known)
        sales.sort(key=lambda sale: str(sale["currency"]))
    known["amount"] += int(row.amount)
    known["count"] += int(row.count)


def empty_line(with_captured: bool) -> Line:
    """A line in which nothing happened."""
    line: Line = dict.fromkeys(OVERVIEW.values(), 0)
    if not with_captured:
        line["captured"] = None
    return {**line, "sales": []}
