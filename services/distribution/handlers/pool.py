"""The one path on which work finds a seller: pools locked, then sellers, one decision for the whole batch, one write.

Everything that can make somebody available (a rule, a seller, a cap, closed work, the clock) ends in `distribute`, so
that what waits is assigned the moment somebody can take it.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from functools import lru_cache
from typing import Any, Final

from sqlalchemy.engine import Connection, RowMapping

from contracts.distribution import WORK_ASSIGNED, WorkAssigned
from runtime.clock import iso
from runtime.errors import Conflict
from runtime.ids import new_id
from runtime.transaction import Transaction
from services.distribution import store
from services.distribution.domain.availability import (
    Absence,
    Schedule,
    TimeOff,
    Window,
    absence,
    local_day,
    next_change,
    next_midnight,
    parse_windows,
)
from services.distribution.domain.decide import Candidate, Decision, Lead, decide

BATCH: Final = 500
"""Most waiting work looked at for one pool in one transaction."""

LONGEST_SLEEP: Final = timedelta(minutes=5)
"""A pool in which work waits is looked at this often even when no change is in sight."""

Work = dict[str, Any]
"""A row of the table `work`."""


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

    def next_chance(self, now: datetime) -> datetime | None:
        """When this seller may be able to take work again without anybody's doing; None when that is not in sight."""
        if self.absence:
            return next_change(self.schedule, now)
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
        """Work has begun to wait in these pools, or may be assigned sooner than was thought."""
        for team_id in team_ids:
            self.pools[team_id].wake_at = self.now


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
        for row in store.pools_of(connection, team_ids, lock=lock)
    }
    for row in store.members_of(connection, pools):
        pools[row["team_id"]].members.append(row["seller_id"])
    for pool in pools.values():
        pool.members.sort()
    seller_ids = {seller for pool in pools.values() for seller in pool.members} | set(also)
    rows = store.sellers_with_load(connection, seller_ids, lock=lock)
    away = store.time_off_of(connection, seller_ids, now)
    return OpenPools(now, pools, {row["id"]: _standing(row, away, now) for row in rows})


def _standing(row: RowMapping, away: store.Rows, now: datetime) -> Standing:
    schedule = schedule_of(row, (off for off in away if off["seller_id"] == row["id"]))
    today = local_day(schedule.time_zone, now).isoformat()
    given = row["given"] if row["day"] == today else 0
    return Standing(row, schedule, today, row["open_work"], given, absence(schedule, now))


def schedule_of(row: RowMapping, away: Iterable[RowMapping]) -> Schedule:
    """When a seller works, from their row and their time off."""
    hours = tuple((tuple(span["days"]), span["start"], span["end"]) for span in row["working_hours"])
    return Schedule(
        time_zone=row["time_zone"],
        windows=_windows(hours),
        holidays=_dates(tuple(row["holidays"])),
        time_off=tuple(TimeOff(off["starts_at"], off["ends_at"]) for off in away),
        active=row["active"],
    )


@lru_cache(maxsize=5000)
def _windows(hours: tuple[tuple[tuple[int, ...], str, str], ...]) -> tuple[Window, ...]:
    return parse_windows(hours)


@lru_cache(maxsize=5000)
def _dates(texts: tuple[str, ...]) -> frozenset[date]:
    return frozenset(map(date.fromisoformat, texts))


def distribute(tx: Transaction, opened: OpenPools, arriving: Iterable[Work] = ()) -> int:
    """Gives sellers to work that arrives and to what waits in the open pools, and writes everything down.

    arriving: rows not in the table yet, their `team_id` None or one of the open pools.

    Returns: how much was assigned.

    Raises:
        Conflict: waiting work was changed by somebody who did not hold its pool.
    """
    batch = _Batch(opened)
    arrivals: dict[str, list[Work]] = {}
    for row in arriving:
        if row["team_id"] is None:
            row["waiting_reason"] = "no_rule"
        else:
            arrivals.setdefault(row["team_id"], []).append(row)
        batch.new.append(row)
    waiting: dict[str, list[Work]] = {team_id: [] for team_id in opened.pools if opened.has_room(team_id)}
    for found in store.waiting_work(tx.connection, waiting, BATCH) if waiting else ():
        waiting[found["team_id"]].append(dict(found))
    for team_id in sorted(opened.pools):
        batch.decide(opened.pools[team_id], arrivals.get(team_id, []), waiting.get(team_id))
    batch.write(tx)
    return len(batch.decisions)


class _Batch:
    """What one transaction decides, collected to be written at once."""

    def __init__(self, opened: OpenPools) -> None:
        self.opened = opened
        self.new: list[Work] = []
        self.moved: list[Work] = []
        self.decisions: list[dict[str, Any]] = []
        self.snapshots: list[dict[str, Any]] = []
        self.facts: list[WorkAssigned] = []

    def decide(self, pool: Pool, arriving: list[Work], waiting: list[Work] | None) -> None:
        """Decides one pool. waiting: None when nobody had room, so that nothing was looked up."""
        rows = {row["work_id"]: row for row in (*arriving, *(waiting or ()))}
        candidates = self.opened.candidates(pool.team_id)
        outcome = decide(candidates, map(lead_of, rows.values()))
        given = [decision for decision in outcome.decisions if decision.seller_id]
        if given:
            snapshot_id = self._keep_snapshot(pool.team_id, candidates)
            for decision in given:
                self._assign(pool, rows[decision.work_id], str(decision.seller_id), snapshot_id)
            for candidate in outcome.sellers:
                pool.ledger.setdefault(candidate.seller_id, [0, 0])[0] = candidate.debt
            pool.changed = True
        self._leave_waiting(outcome.decisions, rows)
        known = {row["work_id"] for row in waiting or () if row["moved"]}
        self.moved += [rows[work_id] for work_id in known]
        self._set_alarm(pool, waiting, len(given), left=len(rows) - len(given))

    def _keep_snapshot(self, team_id: str, candidates: list[Candidate]) -> str:
        identifier = new_id()
        self.snapshots.append(
            {"id": identifier, "team_id": team_id, "taken_at": self.opened.now, "sellers": freeze(candidates)}
        )
        return identifier

    def _assign(self, pool: Pool, row: Work, seller_id: str, snapshot_id: str) -> None:
        raise NotImplementedError

    def _leave_waiting(self, decisions: list[Decision], rows: dict[str, Work]) -> None:
        raise NotImplementedError
