"""Pools and those in them, opened for one transaction: pools locked, then sellers, both in the order of their ids."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import lru_cache
from itertools import groupby
from operator import itemgetter

from sqlalchemy.engine import Connection, RowMapping

from contracts.wall_clock import local_day
from services.distribution import store
from services.distribution.domain.availability import (
    Absence,
    Schedule,
    TimeOff,
    Window,
    absence,
    next_change,
    next_midnight,
    parse_windows,
)
from services.distribution.domain.decide import Candidate


@dataclass(slots=True)
class Standing:
    """A seller while the pools are open: who they are, whether they work now, and what counts for their caps."""

    row: RowMapping
    schedule: Schedule
    today: str
    open_work: int
    given_today: int
    absence: Absence | None
    changed: bool = False

    def take(self) -> None:
        """One more piece of work."""
        self.open_work += 1
        self.given_today += 1
        self.changed = True

    def release(self) -> None:
        """One piece of work less; it still counts as given today."""
        self.open_work -= 1
        self.changed = True

    def cap_reached(self) -> str:
        """ "daily_cap", "open_cap", or nothing."""
        if self.row["daily_cap"] is not None and self.given_today >= self.row["daily_cap"]:
            return "daily_cap"
        if self.row["open_cap"] is not None and self.open_work >= self.row["open_cap"]:
            return "open_cap"
        return ""

    def next_chance(self, now: datetime, until: datetime) -> datetime | None:
        """When this seller may be able to take work again without anybody's doing; None when that is not in sight.

        until: an absence that ends later need not be told.
        """
        if self.absence:
            return next_change(self.schedule, now, until)
        return next_midnight(self.schedule.time_zone, now) if self.cap_reached() == "daily_cap" else None


@dataclass(slots=True)
class Pool:
    """A team's pool while it is open. ledger: {seller id: [debt, got]}."""

    team_id: str
    ledger: dict[str, list[int]]
    wake_at: datetime | None
    members: list[str] = field(default_factory=list)
    changed: bool = False


@dataclass(slots=True)
class OpenPools:
    """Pools and everybody in them, as of one instant."""

    now: datetime
    pools: dict[str, Pool]
    sellers: dict[str, Standing]

    def candidates(self, team_id: str) -> list[Candidate]:
        """Everybody in a pool as `domain.decide` sees them, by id."""
        pool = self.pools[team_id]
        return [_candidate(self.sellers[seller], pool.ledger.get(seller)) for seller in pool.members]

    def has_room(self, team_id: str) -> bool:
        """Whether anybody in a pool can take work."""
        standings = (self.sellers[seller] for seller in self.pools[team_id].members)
        return any(standing.absence is None and not standing.cap_reached() for standing in standings)

    def expect(self, team_ids: Iterable[str]) -> None:
        """Work has come to wait in these pools that `distribute` has not been told of."""
        for team_id in team_ids:
            self.pools[team_id].wake_at = self.now

    def look_again(self) -> None:
        """Somebody in these pools has changed: the hour at which waiting work may be assigned is found anew."""
        self.expect([pool.team_id for pool in self.pools.values() if pool.wake_at])


def _candidate(standing: Standing, account: list[int] | None) -> Candidate:
    return Candidate(
        seller_id=standing.row["id"],
        weight=standing.row["weight"],
        debt=account[0] if account else 0,
        absence=standing.absence,
        given_today=standing.given_today,
        open_work=standing.open_work,
        daily_cap=standing.row["daily_cap"],
        open_cap=standing.row["open_cap"],
    )


def open_pools(
    connection: Connection, team_ids: Collection[str], now: datetime, *, also: Iterable[str] = (), lock: bool = True
) -> OpenPools:
    """Opens pools with all their members; with `lock`, until the transaction ends nobody else changes them.

    also: sellers to be opened although they may be in none of these pools.
    """
    pools = {
        row["team_id"]: Pool(row["team_id"], row["ledger"], row["wake_at"])
        for row in store.pools.of_teams(connection, team_ids, lock=lock)
    }
    opened = OpenPools(now, pools, {})
    people = store.pools.people_of(connection, pools, set(also), now, lock=lock)
    for seller_id, rows in ((key, list(group)) for key, group in groupby(people, key=itemgetter("id"))):
        for team_id in {row["team_id"] for row in rows} - {None}:
            pools[team_id].members.append(seller_id)  # in the order of their ids
        away = {(row["starts_at"], row["ends_at"]) for row in rows if row["starts_at"]}
        opened.sellers[seller_id] = standing(rows[0], (TimeOff(*span) for span in sorted(away)), now)
    return opened


def standing(row: RowMapping, away: Iterable[TimeOff], now: datetime) -> Standing:
    """A seller as they stand. row: their columns and those of their counters. away: time off that has not ended."""
    schedule = schedule_of(row, away)
    today = local_day(schedule.time_zone, now).isoformat()
    given = row["given"] if row["day"] == today else 0
    return Standing(row, schedule, today, row["open_work"], given, absence(schedule, now))


def schedule_of(row: RowMapping, away: Iterable[TimeOff]) -> Schedule:
    """When a seller works, from their row and their time off."""
    hours = tuple((tuple(span["days"]), span["start"], span["end"]) for span in row["working_hours"])
    return Schedule(
        time_zone=row["time_zone"],
        windows=_windows(hours),
        holidays=_dates(tuple(row["holidays"])),
        time_off=tuple(away),
        active=row["active"],
        available=row["available"],
        available_until=row["available_until"],
    )


@lru_cache(maxsize=5000)
def _windows(hours: tuple[tuple[tuple[int, ...], str, str], ...]) -> tuple[Window, ...]:
    return parse_windows(hours)


@lru_cache(maxsize=5000)
def _dates(texts: tuple[str, ...]) -> frozenset[date]:
    return frozenset(map(date.fromisoformat, texts))
