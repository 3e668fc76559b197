"""The one path on which work finds a seller by itself: one decision for a whole batch, written in one go.

Everything that can make somebody available (a rule, a seller, a cap, closed work, the clock) ends here, so that what
waits is assigned the moment somebody can take it.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any, Final

from contracts.distribution import WORK_ASSIGNED, WORK_WAITS, WorkAssigned, WorkWaits
from contracts.message import Lane
from runtime.clock import iso
from runtime.errors import Conflict
from runtime.ids import new_id
from runtime.transaction import Transaction
from services.distribution import store
from services.distribution.domain.decide import Candidate, Lead, decide
from services.distribution.handlers.pool import OpenPools, Pool

BATCH: Final = 500
"""Most waiting work looked at for one pool in one transaction."""

LONGEST_SLEEP: Final = timedelta(minutes=5)
"""A pool in which work waits is looked at this often even when no change is in sight."""

Work = dict[str, Any]
"""A row of the table `work`."""


def distribute(
    tx: Transaction, opened: OpenPools, arriving: Iterable[Work] = (), rule_versions: Mapping[str, int] | None = None
) -> int:
    """Gives sellers to work that arrives and to what waits in the open pools, and writes everything down.

    arriving: rows not in the table yet, their `team_id` None or one of the open pools.
    rule_versions: of the rules that brought the arriving, by form.

    Returns: how much was assigned.

    Raises:
        Conflict: waiting work was changed by somebody who did not hold its pool.
    """
    batch = _Batch(opened, rule_versions or {})
    for row in arriving:
        batch.arrive(row)
    waiting: dict[str, list[Work]] = {team_id: [] for team_id in opened.pools if opened.has_room(team_id)}
    some_wait = [team_id for team_id in waiting if opened.pools[team_id].wake_at]
    for found in store.work.waiting(tx.connection, some_wait, BATCH) if some_wait else ():
        waiting[found["team_id"]].append(dict(found))
    for team_id in sorted(opened.pools):
        batch.decide(opened.pools[team_id], waiting.get(team_id))
    batch.write(tx)
    return len(batch.decisions)


class _Batch:
    """What one transaction decides, collected so that the number of statements does not depend on its size."""

    def __init__(self, opened: OpenPools, rule_versions: Mapping[str, int]) -> None:
        self.opened = opened
        self.rule_versions = rule_versions
        self.new: dict[str | None, list[Work]] = {}
        self.moved: list[Work] = []
        self.decisions: list[dict[str, Any]] = []
        self.snapshots: list[dict[str, Any]] = []
        self.facts: dict[Lane, list[WorkAssigned]] = {}

    def arrive(self, row: Work) -> None:
        """Work that is not in the table yet."""
        self.new.setdefault(row["team_id"], []).append(row)
        if row["team_id"] is None:
            row["waiting_reason"] = "no_rule"

    def decide(self, pool: Pool, waiting: list[Work] | None) -> None:
        """Decides one pool. waiting: what waits there; None when nobody had room, so that it was not looked up."""
        found = {row["work_id"]: row for row in waiting or ()}
        rows = found | {row["work_id"]: row for row in self.new.get(pool.team_id, ())}
        candidates = self.opened.candidates(pool.team_id)
        outcome = decide(candidates, map(lead_of, rows.values()))
        snapshot_id, given = new_id(), 0
        for decision in outcome.decisions:
            row, waited_for = rows[decision.work_id], rows[decision.work_id]["waiting_reason"]
            if decision.seller_id:
                given += 1
                self._assign(pool, row, decision.seller_id, snapshot_id)
            row["waiting_reason"] = decision.waiting_reason or ""
            if decision.work_id in found and (decision.seller_id or row["waiting_reason"] != waited_for):
                self.moved.append(row)
        if given:
            self._keep(pool, snapshot_id, candidates, outcome.debts)
        self._set_alarm(pool, waiting, given, left=len(rows) - given)

    def _assign(self, pool: Pool, row: Work, seller_id: str, snapshot_id: str) -> None:
        now = self.opened.now
        row.update(
            state="assigned",
            seller_id=seller_id,
            assignment_version=row["assignment_version"] + 1,
            assigned_at=now,
            reason="rule",
        )
        self.opened.sellers[seller_id].take()
        pool.ledger.setdefault(seller_id, [0, 0])[1] += 1
        self.facts.setdefault(row["lane"], []).append(assigned_fact(row))
        rule_version = self.rule_versions.get(row["form_id"])
        self.decisions.append(decision_row(row, snapshot_id=snapshot_id, rule_version=rule_version))

    def _keep(self, pool: Pool, snapshot_id: str, before: list[Candidate], debts: Mapping[str, int]) -> None:
        for seller_id, debt in debts.items():
            pool.ledger.setdefault(seller_id, [0, 0])[0] = debt
        pool.changed = True
        frozen = freeze(before)
        self.snapshots.append(
            {"id": snapshot_id, "team_id": pool.team_id, "taken_at": self.opened.now, "sellers": frozen}
        )

    def _set_alarm(self, pool: Pool, waiting: list[Work] | None, given: int, *, left: int) -> None:
        now = self.opened.now
        wake_at: datetime | None
        if waiting is None:
            expected = pool.wake_at is not None or left > 0
            still_good = pool.wake_at is not None and pool.wake_at > now
            wake_at = pool.wake_at if still_good or not expected else self._next_chance(pool)
        elif len(waiting) >= BATCH and given:
            wake_at = now  # there may be more where these came from
        else:
            wake_at = self._next_chance(pool) if left else None
        if wake_at != pool.wake_at:
            pool.wake_at, pool.changed = wake_at, True

    def _next_chance(self, pool: Pool) -> datetime:
        now = self.opened.now
        latest = now + LONGEST_SLEEP
        chances = (self.opened.sellers[seller].next_chance(now, latest) for seller in pool.members)
        return min([latest, *(chance for chance in chances if chance)])

    def write(self, tx: Transaction) -> None:
        """Everything at once."""
        store.work.add(tx, [row for rows in self.new.values() for row in rows])
        if not store.work.assign_waiting(tx, self.moved):
            raise Conflict("waiting work was changed meanwhile")
        store.work.add_decisions(tx, self.snapshots, self.decisions)
        save(tx, self.opened)
        for lane, facts in self.facts.items():  # not tx.lane: who wakes what waited came another way
            tx.emit(WORK_ASSIGNED, *facts, lane=lane)
        arrived = (row for team_id, rows in self.new.items() if team_id for row in rows)
        for row in arrived:
            if row["state"] == "waiting":
                tx.emit(WORK_WAITS, waits_fact(row, self.rule_versions.get(row["form_id"], 0)), lane=row["lane"])


def save(tx: Transaction, opened: OpenPools) -> None:
    """Writes back the debts, alarms and counters that changed."""
    store.pools.save(
        tx,
        [
            {"team_id": pool.team_id, "ledger": pool.ledger, "wake_at": pool.wake_at}
            for pool in opened.pools.values()
            if pool.changed
        ],
    )
    store.pools.save_loads(
        tx,
        [
            {
                "seller_id": seller_id,
                "open_work": standing.open_work,
                "day": standing.today,
                "given": standing.given_today,
            }
            for seller_id, standing in opened.sellers.items()
            if standing.changed
        ],
    )


def lead_of(row: Mapping[Any, Any]) -> Lead:
    """What `domain.decide` needs of a piece of work, or of a decision about it."""
    return Lead(row["work_id"], row["score"], iso(row["captured_at"]), frozenset(row["returned_by"]))


def decision_row(row: Work, *, snapshot_id: str | None, rule_version: int | None) -> dict[str, Any]:
    """The record of an assignment that has just been made."""
    return {
        "id": new_id(),
        "work_id": row["work_id"],
        "assignment_version": row["assignment_version"],
        "seller_id": row["seller_id"],
        "team_id": row["team_id"],
        "reason": row["reason"],
        "rule_version": rule_version,
        "score": row["score"],
        "captured_at": row["captured_at"],
        "returned_by": row["returned_by"],
        "snapshot_id": snapshot_id,
        "decided_at": row["assigned_at"],
    }


def about(row: Mapping[Any, Any]) -> dict[str, Any]:
    """What every fact about a work says first; with an id of its own each time."""
    return {
        "id": new_id(),
        "subject": row["work_id"],
        "subject_version": row["assignment_version"],
        "correlation_id": row["correlation_id"],
        "work_id": row["work_id"],
        "lead_id": row["lead_id"],
    }


def assigned_fact(row: Work, previous_seller_id: str = "") -> WorkAssigned:
    """What others are told of an assignment that has just been made."""
    return WorkAssigned(
        **about(row),
        contact_id=row["contact_id"],
        form_id=row["form_id"],
        source=row["source"],
        team_id=row["team_id"] or "",
        seller_id=row["seller_id"],
        assigned_at=iso(row["assigned_at"]),
        captured_at=iso(row["captured_at"]),
        reason=row["reason"],
        previous_seller_id=previous_seller_id,
    )


def waits_fact(row: Mapping[Any, Any], rule_version: int) -> WorkWaits:
    """What others are told of work that waits in a pool to which the rule of this version brought it; 0: a person."""
    return WorkWaits(
        **about(row),
        team_id=row["team_id"],
        captured_at=iso(row["captured_at"]),
        rule_version=rule_version,
    )


def follow_rule(tx: Transaction, form_id: str, team_id: str, rule_version: int) -> None:
    """Moves the waiting work of a form into a team's pool, but for what a person put where it is, and tells of it."""
    for row in store.work.follow_rule(tx, form_id, team_id):
        tx.emit(WORK_WAITS, waits_fact(row, rule_version), lane=row["lane"])


_FIELDS = tuple(Candidate.__dataclass_fields__)


def freeze(candidates: Iterable[Candidate]) -> dict[str, list[Any]]:
    """Candidates as a snapshot keeps them: a list for each of their fields."""
    everybody = list(candidates)
    return {name: [getattr(candidate, name) for candidate in everybody] for name in _FIELDS}


def thaw(kept: Mapping[str, list[Any]]) -> list[Candidate]:
    """Candidates as they were when a snapshot was taken."""
    return [Candidate(**dict(zip(kept, values, strict=True))) for values in zip(*kept.values(), strict=True)]
