"""When everything is said to have happened in the demo company's past, as far as it has happened; and whether everybody
has heard of it."""

import time
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from functools import cache
from typing import Any, Final

import sqlalchemy as sa

from cli.ageing import A_MOMENT, Times
from cli.kitchens import COMPANY
from cli.stories import Story, conflicting, play, suspicious
from runtime.database import Database
from runtime.errors import Unavailable
from services.campaigns.store import opportunity
from services.capture.tables import owner
from services.distribution.domain.availability import Schedule, is_available, next_change, parse_windows
from services.distribution.tables import decisions, sellers, work
from services.notifications.tables import works as told_works
from services.reporting.store import fact_log

PATIENCE: Final = 60.0
"""Seconds for which a service may stay away, or be late in hearing of something."""

HANDED_ON: Final = timedelta(minutes=2)
RETURNED_AFTER: Final = timedelta(minutes=35)
_PAUSE: Final = 0.01
_VERSIONS: Final = {
    "capture": (owner.c.lead_id, owner.c.version),
    "campaigns": (opportunity.c.work_id, opportunity.c.assignment_version),
    "notifications": (told_works.c.work_id, told_works.c.version),
}
"""The newest assignment that who follows distribution has heard of: columns of the work and the version."""

Databases = Mapping[str, Database]


def rows(databases: Databases, service: str, select: Any) -> Sequence[Any]:
    """What a service keeps."""
    with databases[service].read() as connection:
        return connection.execute(select).all()


def until(happened: Callable[[], bool], what: str, seconds: float = PATIENCE) -> None:
    """Waits for what is on its way.

    Raises:
        Unavailable: it did not come.
    """
    give_up = time.monotonic() + seconds
    while not happened():
        if time.monotonic() > give_up:
            raise Unavailable(f"the demo company's past: {what} took too long")
        time.sleep(_PAUSE)


def times_of(databases: Databases, stories: Sequence[Story], now: datetime) -> Times:
    """When everything that has come so far is said to have happened, by `now`, when the past was begun."""
    times = Times()
    by_id = {story.lead_id: story for story in stories}
    names = dict(rows(databases, "distribution", sa.select(sellers.c.id, sellers.c.name)))
    first_of = sa.select(decisions.c.work_id, decisions.c.seller_id).where(decisions.c.assignment_version == 1)
    first_sellers = {row.work_id: names[row.seller_id] for row in rows(databases, "distribution", first_of)}
    for row in rows(databases, "distribution", sa.select(work).where(work.c.work_id.in_(by_id))):
        story = by_id[row.work_id]
        times.captured[row.work_id] = story.captured_at
        if row.work_id not in first_sellers:
            continue
        first = _given_at(story, first_sellers[row.work_id], now)
        gap = HANDED_ON if story.role else RETURNED_AFTER
        for version in range(1, row.assignment_version + 1):
            times.given[row.work_id, version] = min(first + version // 2 * gap + version % 2 * A_MOMENT, now)
        played = play(story, times.given[row.work_id, row.assignment_version], now)
        if played.opened_at:
            times.opened[row.work_id] = played.opened_at
        if played.closed_at:
            times.closed[row.work_id] = played.closed_at
    times.aside.update({lead_id: now - ago for lead_id, _, _, ago in suspicious(now)})
    story, _ = conflicting(stories)
    times.aside[story.lead_id] = story.captured_at + timedelta(minutes=6)
    return times


def _given_at(story: Story, seller: str, now: datetime) -> datetime:
    """At once, or when the hours of whoever got it began."""
    schedule = _schedules().get(seller)
    if schedule and not story.role and not is_available(schedule, story.captured_at):
        opening = next_change(schedule, story.captured_at)
        if opening and opening < now - timedelta(hours=1):
            return opening
    return story.captured_at


@cache
def _schedules() -> dict[str, Schedule]:
    """Working hours by seller's name; of those who have some."""
    return {
        seller["name"]: Schedule(
            seller["time_zone"],
            parse_windows([(span["days"], span["start"], span["end"]) for span in seller["working_hours"]]),
        )
        for plan in COMPANY
        for seller in plan.sellers
        if seller.get("working_hours")
    }


def wait_heard(databases: Databases, times: Times) -> None:
    """Waits until everybody has heard of every assignment of these leads, and reporting of everything.

    Raises:
        Unavailable: somebody does not.
    """
    ids, counted = list(times.captured), sa.select(sa.func.count())
    works = rows(databases, "distribution", sa.select(work).where(work.c.work_id.in_(ids)))
    newest = {row.work_id: row.assignment_version for row in works if row.assignment_version}

    def has_heard(service: str, work_id: sa.Column[str], version: sa.Column[int]) -> bool:
        known = dict(rows(databases, service, sa.select(work_id, version).where(work_id.in_(newest))))
        return all(known.get(identifier, 0) >= least for identifier, least in newest.items())

    for service, columns in _VERSIONS.items():
        until(lambda service=service, columns=columns: has_heard(service, *columns), f"news in {service}")  # type: ignore[misc]
    closed = counted.where(opportunity.c.work_id.in_(ids), opportunity.c.state == "closed")
    expected = len(works) + sum(newest.values()) + len(newest) + rows(databases, "campaigns", closed)[0][0]
    kinds = ("lead_captured", "work_assigned", "work_unassigned", "opportunity_opened", "opportunity_closed")
    facts = counted.where(fact_log.c.type.in_(kinds))
    until(lambda: rows(databases, "reporting", facts)[0][0] >= expected, "news in reporting")
