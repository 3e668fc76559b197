"""Working time of a seller: an hour of it ends when they have been at work for an hour."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Final

from contracts.wall_clock import DAY_MINUTES, local_day, local_instant, minute_of_day, zone_named

HORIZON: Final = timedelta(days=30)
"""How far ahead working time is looked for."""

WHOLE_DAYS: Final = tuple((day, 0, DAY_MINUTES) for day in range(7))

Span = tuple[datetime, datetime]
"""From one instant until just before another."""


@dataclass(frozen=True, slots=True)
class Hours:
    """When a seller works.

    shifts: (day of the week, Monday is 0; start; end) in minutes after that day's midnight on the seller's wall, past
        24 × 60 when it runs over midnight; in order, without overlap.
    holidays: whole days on the seller's wall; a shift of the evening before stops at midnight.
    away: time off, earliest first.
    """

    time_zone: str
    shifts: tuple[tuple[int, int, int], ...] = WHOLE_DAYS
    holidays: frozenset[date] = frozenset()
    away: tuple[Span, ...] = ()

    @property
    def is_always(self) -> bool:
        """Whether there is no time at which they do not work."""
        return self.shifts is WHOLE_DAYS and not self.holidays and not self.away


def hours_of(time_zone: str, told: Mapping[str, Any]) -> Hours:
    """The hours of a seller as `contracts.distribution.SellerChanged` tells them.

    told: "working_hours", "holidays" and "time_off" of it, plain; without working hours they always work.

    Raises:
        ValueError, KeyError: they cannot be read.
    """
    zone_named(time_zone)
    return Hours(
        time_zone,
        tuple(sorted(_shifts(told["working_hours"]))) or WHOLE_DAYS,
        frozenset(date.fromisoformat(day) for day in told["holidays"]),
        tuple(sorted(_away(off["starts_at"], off["ends_at"]) for off in told["time_off"])),
    )


def _shifts(told: Any) -> Iterator[tuple[int, int, int]]:
    for shift in told:
        start, end = minute_of_day(shift["start"]), minute_of_day(shift["end"])
        for day in shift["days"]:
            yield day, start, end if end > start else end + DAY_MINUTES


def _away(starts_at: str, ends_at: str) -> Span:
    return datetime.fromisoformat(starts_at), datetime.fromisoformat(ends_at)


def after_working(hours: Hours | None, at: datetime, span: timedelta) -> datetime:
    """When somebody who begins at `at` has worked for `span`.

    Nights, weekends, holidays and time off do not count. Of a seller who is not known, and of one who does not work for
    so long within `HORIZON`, every hour counts.
    """
    if hours is None or hours.is_always:
        return at + span
    left = span
    for start, end in _working(hours, at):
        if end - start >= left:
            return start + left
        left -= end - start
    return at + span


def _working(hours: Hours, at: datetime) -> Iterator[Span]:
    """Spans of working time from `at` on, in order."""
    today, until = local_day(hours.time_zone, at), at + HORIZON
    for shift in range(-1, HORIZON.days + 2):
        for start, end in _on(hours, today + timedelta(days=shift)):
            begins = max(start, at)
            for off_from, off_until in hours.away:
                if off_until <= begins:
                    continue
                if off_from >= end:
                    break
                if off_from > begins:
                    yield begins, off_from
                begins = off_until
            if begins >= until:
                return
            if begins < end:
                yield begins, end


def _on(hours: Hours, day: date) -> Iterator[Span]:
    """Shifts that start on a day."""
    if day in hours.holidays:
        return
    weekday, zone = day.weekday(), hours.time_zone
    tomorrow = day + timedelta(days=1)
    stop = local_instant(zone, tomorrow, 0) if tomorrow in hours.holidays else None
    for on_day, start, end in hours.shifts:
        if on_day == weekday:
            ends = local_instant(zone, day, end)
            yield local_instant(zone, day, start), min(ends, stop) if stop else ends
