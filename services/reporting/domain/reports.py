"""What reports are made of: what can be counted by, what they can be narrowed to, and figures from sums."""

import bisect
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from math import ceil
from typing import Any, Final
from zoneinfo import ZoneInfo

Line = dict[str, Any]

MOST_DAYS: Final = 3660
"""The longest span of a report: ten years."""

MOST_BY_DAY: Final = 400
"""The longest span by day; beyond it nobody reads the days."""

MOST_LINES: Final = 5000
MOST_ROWS, MOST_COLUMNS = 100, 31
"""Of a cross table, those with the most leads."""

BY_VALUE: Final = ("source", "form", "seller", "team", "channel")
BY_TIME: Final = ("hour", "weekday", "day")
BY_WAIT: Final = ("to_assignment", "to_contact")
DIMENSIONS: Final = (*BY_VALUE, *BY_TIME, *BY_WAIT)

STAGES: Final = ("assigned", "unassigned", "contacted", "uncontacted", "reached", "won", "lost", "closed", "open")

BINS: Final = (1, 10, 60, 300, 900, 3600, 4 * 3600, 24 * 3600, 7 * 24 * 3600)
"""Waits are told apart by these: shorter than so many seconds, and not by the one before."""

LONGEST: Final = 0
"""Stands for a wait that is in none of `BINS`."""


@dataclass(frozen=True, slots=True)
class Span:
    """The leads of a report: captured from since to before until. zone: whose hours and days they are."""

    since: datetime
    until: datetime
    zone: ZoneInfo

    @property
    def before(self) -> "Span":
        """The span of the same length just before."""
        return Span(self.since - (self.until - self.since), self.since, self.zone)


@dataclass(slots=True)
class Sums:
    """What leads that belong together came to. sales: (amount in minor units, how many) by currency. to_assignment,
    to_contact: how long each waited, in milliseconds, in no order."""

    leads: int = 0
    assigned: int = 0
    contacted: int = 0
    reached: int = 0
    won: int = 0
    lost: int = 0
    closed: int = 0
    sales: dict[str, tuple[int, int]] = field(default_factory=dict)
    to_assignment: list[int] = field(default_factory=list)
    to_contact: list[int] = field(default_factory=list)

    def add(self, other: "Sums") -> None:
        """Takes in what others came to."""
        for name in COUNTS:
            setattr(self, name, getattr(self, name) + getattr(other, name))
        for currency, (amount, count) in other.sales.items():
            sold, times = self.sales.get(currency, (0, 0))
            self.sales[currency] = sold + amount, times + count
        self.to_assignment.extend(other.to_assignment)
        self.to_contact.extend(other.to_contact)

    def line(self) -> Line:
        """As it is answered: the counts, what is still open, conversions as shares of 1, sales by currency, and the
        median and ninth decile of the waits in seconds; None where there is nothing to divide or to look at."""
        return {**self.crossed(), "to_assignment": waits(self.to_assignment)}

    def crossed(self) -> Line:
        """The same without how long they waited for a seller."""
        return {
            **{name: getattr(self, name) for name in COUNTS},
            "open": self.leads - self.closed,
            "won_of_leads": self.won / self.leads if self.leads else None,
            "won_of_closed": self.won / self.closed if self.closed else None,
            "sales": [
                {"currency": currency, "amount": amount, "count": count}
                for currency, (amount, count) in sorted(self.sales.items())
            ],
            "to_contact": waits(self.to_contact),
        }


COUNTS: Final = ("leads", "assigned", "contacted", "reached", "won", "lost", "closed")


def total(found: Iterable[Sums]) -> Sums:
    """All of them together."""
    added = Sums()
    for sums in found:
        added.add(sums)
    return added


def waits(milliseconds: list[int]) -> dict[str, float | None]:
    """Median and ninth decile in seconds."""
    milliseconds.sort()
    return {"median": percentile(milliseconds, 50), "p90": percentile(milliseconds, 90)}


def percentile(in_order: Sequence[int], share: int) -> float | None:
    """The least value that at least `share` percent do not exceed, in seconds; None of nothing."""
    return in_order[max(0, ceil(len(in_order) * share / 100) - 1)] / 1000 if in_order else None


def shifts(span: Span) -> list[tuple[datetime, timedelta]]:
    """How far the wall clock is from UTC: from which instant on, the first being the beginning of the span."""
    offsets = [(span.since, _offset(span.since, span.zone))]
    at = span.since
    while at < span.until:
        following = min(at + timedelta(days=1), span.until)
        if _offset(following, span.zone) != offsets[-1][1]:
            changes = _change(at, following, span.zone)
            offsets.append((changes, _offset(changes, span.zone)))
        at = following
    return offsets


def _offset(at: datetime, zone: ZoneInfo) -> timedelta:
    return at.astimezone(zone).utcoffset() or timedelta()


def _change(before: datetime, after: datetime, zone: ZoneInfo) -> datetime:
    """The second in which the clock is set between two instants, no more than once."""
    first = before.astimezone(UTC)
    seconds = range(int((after - before).total_seconds()) + 1)
    was = _offset(before, zone)
    moved = bisect.bisect_left(
        seconds, True, key=lambda passed: _offset(first + timedelta(seconds=passed), zone) != was
    )
    return first + timedelta(seconds=moved)


def problem_of(filters: Mapping[str, str]) -> str:
    """The name of the first filter that makes no sense; empty when all do."""
    for name, value in filters.items():
        if not _makes_sense(name, value):
            return name
    return ""


def _makes_sense(name: str, value: object) -> bool:
    if not isinstance(value, str) or "\0" in value:
        return False
    if name == "stage":
        return value in STAGES
    if name in BY_VALUE:
        return True
    if name == "day":
        try:
            datetime.strptime(value, "%Y-%m-%d")
        except ValueError:
            return False
        return True
    allowed: Mapping[str, Iterable[int]] = {
        "hour": range(24),
        "weekday": range(7),
        "to_assignment": (*BINS, LONGEST),
        "to_contact": (*BINS, LONGEST),
    }
    return name in allowed and value in map(str, allowed[name])
