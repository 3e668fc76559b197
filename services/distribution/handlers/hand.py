"""What people do to work: give it to a seller or a team by hand, give it back, look at it.

Fairness is about turns. A hand assignment is nobody's turn, so it moves no debt, but it is work and counts for the
caps. Returning work does not give the turn back: who returns a lead would otherwise be first in line for the next.

actor: who does it; what they may not see is not there.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy.engine import Connection

from contracts import limits
from contracts.access import Actor
from contracts.distribution import WORK_ASSIGNED, WORK_UNASSIGNED, WORK_WAITS, WorkAssigned, WorkUnassigned, WorkWaits
from contracts.errors import CONFLICT, INVALID, NOT_ALLOWED, NOT_FOUND, REQUIRED, TOO_LONG
from runtime.clock import iso, utc_now
from runtime.errors import Conflict, Invalid, NotFound, RuntimeRefusal, invalid
from runtime.transaction import Transaction
from services.distribution import store
from services.distribution.checks import known_id
from services.distribution.handlers.distribute import Work, about, assigned_fact, decision_row, distribute, waits_fact
from services.distribution.handlers.pool import OpenPools, Standing, open_pools
from services.distribution.handlers.views import assignment, assignments, describe

_CHANGED = "somebody changed this assignment meanwhile; look at it again"


def reassign(
    tx: Transaction, actor: Actor, work_id: str, seller_id: str, version: int, now: datetime | None = None
) -> dict[str, Any]:
    """Gives work to a seller by hand, whoever has it now; hours and absences do not matter, caps do.

    version: the assignment_version the caller saw.

    Returns: the assignment as it is then.

    Raises:
        NotFound: no such work.
        Invalid: no such seller, one who is not active, one who has it already, or one who has reached a cap.
        Conflict: the version is old, or the work is closed.
    """
    asked = {known_id("work", work_id): version}
    refused = _hand_over(tx, actor, asked, seller_id=seller_id, now=now or utc_now())
    for error in refused.values():
        raise error
    return assignment(tx.connection, actor, work_id, now=now)


def reassign_many(
    tx: Transaction,
    actor: Actor,
    items: Sequence[Mapping[str, Any]],
    seller_id: str | None = None,
    team_id: str | None = None,
    now: datetime | None = None,
) -> dict[str, Any]:
    """Gives work to a seller, as `reassign`, or to a team, whose rotation gives it out; either of them is named. What a
    person put into a team the rule of its form no longer moves.

    items: `work_id` and the `version` the caller saw, at most limits.REASSIGNED_AT_ONCE.

    Returns: `items`, in the order they were asked for, each with `work_id`, `ok`, `code` and `message` (empty when it
        went well, else an error code and a sentence) and its `assignment`, null when there is none for this actor.

    Raises:
        Invalid: naming the argument: no such seller or team, both or none, too many items, items that are none.
        Conflict: somebody got in between; nothing was done.
    """
    asked = _asked(items)
    if (seller_id is None) == (team_id is None):
        raise invalid("seller_id", INVALID, "name a seller or a team")
    refused = _hand_over(tx, actor, asked, seller_id=seller_id, team_id=team_id, now=now or utc_now())
    shown = {item["work_id"]: item for item in assignments(tx.connection, actor, list(asked), now=now)}
    results = []
    for work_id in asked:
        error = refused.get(work_id)
        code, message = (_code_of(error), str(error)) if error else ("", "")
        results.append({"work_id": work_id, "ok": not error, "code": code, "message": message})
        results[-1]["assignment"] = shown.get(work_id)
    return {"items": results, "next": None}


def _asked(items: Sequence[Mapping[str, Any]]) -> dict[str, int]:
    if len(items) > limits.REASSIGNED_AT_ONCE:
        raise invalid("items", TOO_LONG, f"at most {limits.REASSIGNED_AT_ONCE}, not {len(items)}")
    try:
        return {known_id("work", item["work_id"]): int(item["version"]) for item in items}
    except (NotFound, LookupError, TypeError, ValueError):
        raise invalid("items", INVALID, "each needs work_id and version") from None


def _code_of(error: RuntimeRefusal) -> str:
    if isinstance(error, Invalid):
        return error.errors[0]["code"]
    return NOT_FOUND if isinstance(error, NotFound) else CONFLICT


@dataclass(slots=True)
class _Handover:
    """What one transaction gives by hand, collected so that the number of statements does not depend on how much."""

    opened: OpenPools
    rows: list[Work] = field(default_factory=list)
    decisions: list[dict[str, Any]] = field(default_factory=list)
    assigned: list[WorkAssigned] = field(default_factory=list)
    unassigned: list[WorkUnassigned] = field(default_factory=list)
    waits: list[WorkWaits] = field(default_factory=list)

    def to_seller(self, row: Work, taker: Standing, team_id: str | None) -> None:
        """Gives work to a seller, in this team when it is in none."""
        previous = row["seller_id"]
        if previous == taker.row["id"]:
            raise invalid("seller_id", NOT_ALLOWED, "this seller has it already")
        _refuse_unable(taker)
        self._let_go(row)
        taker.take()
        row.update(
            state="assigned",
            seller_id=taker.row["id"],
            team_id=row["team_id"] or team_id,
            assigned_at=self.opened.now,
            reason="hand",
            waiting_reason="",
        )
        self.decisions.append(decision_row(row, snapshot_id=None, rule_version=None))
        self.assigned.append(assigned_fact(row, previous or ""))

    def to_team(self, row: Work, team_id: str) -> None:
        """Puts work into a team's pool."""
        if row["state"] == "waiting" and row["team_id"] == team_id:
            raise invalid("team_id", NOT_ALLOWED, "it waits in this team already")
        previous = row["seller_id"]
        self._let_go(row)
        row |= _waits(self.opened.now, team_id) | {"team_by_hand": True}
        if previous:
            self.unassigned.append(_unassigned_fact(row, previous, self.opened.now, "moved"))
        else:
            self.waits.append(waits_fact(row, 0))

    def _let_go(self, row: Work) -> None:
        if row["seller_id"]:
            self.opened.sellers[row["seller_id"]].release()
        row.update(assignment_version=row["assignment_version"] + 1, opened_at=None)
        self.rows.append(row)

    def write(self, tx: Transaction) -> None:
        """Everything at once, and what may be given out because of it."""
        if not self.rows:
            return
        if not store.work.hand_over(tx, self.rows):
            raise Conflict(_CHANGED)
        store.work.add_decisions(tx, [], self.decisions)
        tx.emit(WORK_ASSIGNED, *self.assigned, lane="live")  # somebody did it now and looks on
        tx.emit(WORK_UNASSIGNED, *self.unassigned, lane="live")
        tx.emit(WORK_WAITS, *self.waits, lane="live")
        distribute(tx, self.opened)


def _hand_over(
    tx: Transaction,
    actor: Actor,
    asked: Mapping[str, int],
    *,
    seller_id: str | None = None,
    team_id: str | None = None,
    now: datetime,
) -> dict[str, RuntimeRefusal]:
    """Gives work to a seller or a team. asked: the versions the caller saw, by work id.

    Returns: why some of it was not given, by work id.
    """
    if seller_id is not None:
        seller_id = known_id("seller", seller_id)
        if store.staff.seller(tx.connection, actor, seller_id) is None:
            raise invalid("seller_id", NOT_FOUND, f"there is no seller {seller_id}")
    if team_id is not None:
        team_id = known_id("team", team_id)
        if not store.staff.teams_run_by(tx.connection, actor, [team_id]):
            raise invalid("team_id", NOT_FOUND, f"there is no team {team_id}")
    seen = store.work.seen(tx.connection, actor, list(asked)) if store.sight.leads(actor) else []
    takers, pools = [seller_id] if seller_id else [], [team_id] if team_id else []
    handover = _Handover(_open_around(tx.connection, seen, now, takers, pools))
    first_team = _first_team(tx.connection, seller_id) if seller_id else None
    # Read again: while the pools were not ours, somebody may have changed it.
    current = {row["work_id"]: dict(row) for row in store.work.by_id(tx.connection, [row["work_id"] for row in seen])}
    refused: dict[str, RuntimeRefusal] = {}
    for work_id, version in asked.items():
        try:
            row = _still_as_seen(current.get(work_id), work_id, version, handover.opened)
            if seller_id:
                handover.to_seller(row, handover.opened.sellers[seller_id], first_team)
            elif team_id:
                handover.to_team(row, team_id)
        except RuntimeRefusal as error:
            refused[work_id] = error
    if team_id and handover.rows:
        handover.opened.expect([team_id])
    handover.write(tx)
    return refused


def return_work(
    tx: Transaction, actor: Actor, work_id: str, reason: str, version: int, now: datetime | None = None
) -> dict[str, Any]:
    """Puts work back into its pool; another seller gets it at once or it waits for one, never the one who returned it.

    Returns: the assignment as it is then; for who does not see it any longer, as it was when it had come back.

    Raises:
        NotFound: no such work.
        Invalid: no reason was given, or one longer than limits.REASON.
        Conflict: the version is old, or nobody has this work.
    """
    if not reason.strip():
        raise invalid("reason", REQUIRED, "say why the lead comes back")
    if len(reason) > limits.REASON:
        raise invalid("reason", TOO_LONG, f"at most {limits.REASON} characters")
    now, work_id = now or utc_now(), known_id("work", work_id)
    seen = store.work.seen(tx.connection, actor, [work_id])
    if not seen:
        raise NotFound("work", work_id)
    team_id = seen[0]["team_id"] or _team_by_rule(tx.connection, seen[0]["form_id"])
    opened = _open_around(tx.connection, seen, now, teams=[team_id] if team_id else [])
    row = _still_as_seen(dict(seen[0]), work_id, version, opened)
    previous = row["seller_id"]
    if previous is None:
        raise Conflict("nobody has this work: it waits")
    row |= _waits(now, team_id)
    row.update(assignment_version=version + 1, opened_at=None, returned_by=[*row["returned_by"], previous])
    if not store.work.hand_over(tx, [row]):
        raise Conflict(_CHANGED)
    came_back = describe(tx.connection, actor, store.work.by_id(tx.connection, [work_id]), now)
    opened.sellers[previous].release()
    tx.emit(WORK_UNASSIGNED, _unassigned_fact(row, previous, now, reason))
    opened.expect([team_id] if team_id else [])
    distribute(tx, opened)
    return (assignments(tx.connection, actor, [work_id], now=now) or came_back)[0]


def open_work(tx: Transaction, actor: Actor, work_id: str, now: datetime | None = None) -> dict[str, Any]:
    """Keeps when the seller who has it first looked at work; somebody else's look changes nothing.

    Returns: the assignment.

    Raises:
        NotFound: no such work.
    """
    now = now or utc_now()
    if is_first_look(actor, assignment(tx.connection, actor, work_id, now=now)):
        store.work.open_first(tx, known_id("work", work_id), actor.seller_id, now)
    return assignment(tx.connection, actor, work_id, now=now)


def is_first_look(actor: Actor, shown: Mapping[str, Any]) -> bool:
    """Whether an assignment would be opened by this actor's looking at it."""
    is_theirs = bool(actor.seller_id) and shown["seller_id"] == actor.seller_id
    return is_theirs and shown["state"] == "assigned" and shown["opened_at"] is None


def _still_as_seen(row: Work | None, work_id: str, version: int, opened: OpenPools) -> Work:
    if row is None:
        raise NotFound("work", work_id)
    if row["assignment_version"] != version:
        raise Conflict(_CHANGED)
    if row["state"] == "closed":
        raise Conflict("this work is closed")
    moved = row["team_id"] and row["team_id"] not in opened.pools  # by the rule of its form
    if moved or (row["seller_id"] and row["seller_id"] not in opened.sellers):
        raise Conflict(_CHANGED)
    return row


def _open_around(
    connection: Connection, rows: store.Rows, now: datetime, sellers: Iterable[str] = (), teams: Iterable[str] = ()
) -> OpenPools:
    """The pools of this work, and all pools of the sellers who have it, where somebody may now be given something."""
    holders = {row["seller_id"] for row in rows if row["seller_id"]}
    around = {found["team_id"] for found in store.staff.teams_of(connection, holders)}
    around |= {row["team_id"] for row in rows if row["team_id"]}
    return open_pools(connection, around | set(teams), now, also=[*holders, *sellers])


def _waits(now: datetime, team_id: str | None) -> dict[str, Any]:
    """The columns of work that begins to wait."""
    return {
        "state": "waiting",
        "seller_id": None,
        "team_id": team_id,
        "assigned_at": None,
        "reason": "",
        "waiting_reason": "" if team_id else "no_rule",
        "waiting_since": now,
    }


def _unassigned_fact(row: Work, seller_id: str, now: datetime, reason: str) -> WorkUnassigned:
    return WorkUnassigned(
        **about(row),
        seller_id=seller_id,
        unassigned_at=iso(now),
        reason=reason,
        team_id=row["team_id"] or "",
    )


def _refuse_unable(taker: Standing) -> None:
    if not taker.row["active"]:
        raise invalid("seller_id", NOT_ALLOWED, f"{taker.row['name']} is not active")
    cap = taker.cap_reached()
    if cap:
        words = "a day" if cap == "daily_cap" else "open at once"
        raise invalid("seller_id", NOT_ALLOWED, f"{taker.row['name']} may have {taker.row[cap]} leads {words}, no more")


def _team_by_rule(connection: Connection, form_id: str) -> str | None:
    """Where the form's leads go now: somebody in no team may have been given one before there was a rule."""
    rule = store.staff.rules_of(connection, [form_id]).get(form_id)
    return rule["team_id"] if rule else None


def _first_team(connection: Connection, seller_id: str) -> str | None:
    teams = store.staff.teams_of(connection, [seller_id])
    return teams[0]["team_id"] if teams else None
