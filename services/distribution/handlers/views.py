"""What people ask: who has it, what waits and for what, why this seller, is it fair.

now: the instant waiting work is judged at; this one when it is not given.
"""

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy.engine import Connection, RowMapping

from runtime.clock import iso, utc_now
from runtime.errors import NotFound, plain
from runtime.paging import page
from services.distribution import store
from services.distribution.checks import known_id
from services.distribution.domain.decide import Judged, decide, explain
from services.distribution.domain.rotation import UNIT
from services.distribution.handlers.distribute import lead_of, thaw
from services.distribution.handlers.pool import open_pools
from services.distribution.tables import sellers, teams, work

Page = dict[str, Any]

TEAM_FIELDS = ("name", "supervisor", "time_zone", "version", "created_at", "updated_at")
SELLER_FIELDS = (
    *("name", "email", "phone", "locale", "time_zone", "channels", "weight", "daily_cap", "open_cap"),
    *("working_hours", "holidays", "active", "version", "created_at", "updated_at"),
)
WORK_FIELDS = (
    *("work_id", "state", "seller_id", "team_id", "assignment_version", "assigned_at", "reason", "waiting_reason"),
    *("lead_id", "contact_id", "form_id", "source", "score", "captured_at", "returned_by"),
)


def get_team(connection: Connection, team_id: str) -> dict[str, Any]:
    """One team.

    Raises:
        NotFound: no such team.
    """
    row = store.staff.team(connection, known_id("team", team_id))
    if row is None:
        raise NotFound("team", team_id)
    return _team(row)


def list_teams(connection: Connection, cursor: str | None = None, limit: int = 50) -> Page:
    """Teams, newest first."""
    rows, following = page(connection, store.staff.team_rows(), teams.c.created_at, teams.c.id, cursor, limit)
    return {"items": [_team(row._mapping) for row in rows], "next": following}


def _team(row: Mapping[Any, Any]) -> dict[str, Any]:
    return dict(plain({"team_id": row["id"], **{name: row[name] for name in TEAM_FIELDS}}))


def get_seller(connection: Connection, seller_id: str) -> dict[str, Any]:
    """One seller with teams, time off and counters.

    Raises:
        NotFound: no such seller.
    """
    row = store.staff.seller(connection, known_id("seller", seller_id))
    if row is None:
        raise NotFound("seller", seller_id)
    return _sellers(connection, [row])[0]


def list_sellers(
    connection: Connection, team_id: str | None = None, cursor: str | None = None, limit: int = 50
) -> Page:
    """Sellers, newest first; of one team when it is named."""
    select = store.staff.seller_rows(None if team_id is None else known_id("team", team_id))
    rows, following = page(connection, select, sellers.c.created_at, sellers.c.id, cursor, limit)
    return {"items": _sellers(connection, [row._mapping for row in rows]), "next": following}


def _sellers(connection: Connection, rows: list[RowMapping]) -> list[dict[str, Any]]:
    identifiers = [row["id"] for row in rows]
    memberships = store.staff.teams_of(connection, identifiers)
    away = store.pools.time_off_of(connection, identifiers)
    open_work = {
        row["id"]: row["open_work"] for row in store.pools.sellers_with_load(connection, identifiers, lock=False)
    }
    return [
        plain(
            {
                "seller_id": row["id"],
                **{name: row[name] for name in SELLER_FIELDS},
                "teams": [found["team_id"] for found in memberships if found["seller_id"] == row["id"]],
                "time_off": [_time_off(off) for off in away if off["seller_id"] == row["id"]],
                "open_work": open_work[row["id"]],
            }
        )
        for row in rows
    ]


def _time_off(row: RowMapping) -> dict[str, Any]:
    return {name: row[name] for name in ("id", "starts_at", "ends_at", "reason")}


def list_rules(connection: Connection) -> Page:
    """Every rule, oldest first."""
    names = ("form_id", "team_id", "strategy", "version", "updated_at")
    items = [plain({name: row[name] for name in names}) for row in store.staff.all_rules(connection)]
    return {"items": items, "next": None}


def assignment(connection: Connection, work_id: str, *, now: datetime | None = None) -> dict[str, Any]:
    """Who has a piece of work, or what it waits for.

    Raises:
        NotFound: no such work.
    """
    found = assignments(connection, [known_id("work", work_id)], now=now)
    if not found:
        raise NotFound("work", work_id)
    return found[0]


def assignments(
    connection: Connection, work_ids: Collection[str], *, now: datetime | None = None
) -> list[dict[str, Any]]:
    """Those of these that are known, by work id."""
    return _assignments(connection, store.work.by_id(connection, work_ids), now)


def _assignments(connection: Connection, rows: store.Rows, now: datetime | None = None) -> list[dict[str, Any]]:
    reasons = _waiting_now(connection, rows, now or utc_now())
    shown = ({name: row[name] for name in WORK_FIELDS} for row in rows)
    return [plain(row | {"waiting_reason": reasons.get(row["work_id"], row["waiting_reason"])}) for row in shown]


def _waiting_now(connection: Connection, rows: store.Rows, now: datetime) -> dict[str, str]:
    """What waiting work waits for at this moment; nothing when it is about to be assigned."""
    waiting = [row for row in rows if row["state"] == "waiting" and row["team_id"]]
    if not waiting:
        return {}
    opened = open_pools(connection, {row["team_id"] for row in waiting}, now, lock=False)
    pools = {team_id: opened.candidates(team_id) for team_id in opened.pools}
    decided = ((row["work_id"], decide(pools[row["team_id"]], [lead_of(row)]).decisions[0]) for row in waiting)
    return {work_id: decision.waiting_reason or "" for work_id, decision in decided}


def seller_work(connection: Connection, seller_id: str, cursor: str | None = None, limit: int = 50) -> Page:
    """What a seller has or had when it was closed, newest first."""
    select = store.work.rows().where(work.c.seller_id == known_id("seller", seller_id))
    rows, following = page(connection, select, work.c.assigned_at, work.c.work_id, cursor, limit)
    return {"items": _assignments(connection, [row._mapping for row in rows]), "next": following}


def waiting(
    connection: Connection,
    cursor: str | None = None,
    limit: int = 50,
    team_id: str | None = None,
    *,
    now: datetime | None = None,
) -> Page:
    """What waits, newest first, each with its reason; of one team when it is named."""
    select = store.work.rows().where(work.c.state == "waiting")
    if team_id is not None:
        select = select.where(work.c.team_id == known_id("team", team_id))
    rows, following = page(connection, select, work.c.arrived_at, work.c.work_id, cursor, limit)
    return {"items": _assignments(connection, [row._mapping for row in rows], now), "next": following}


def why(connection: Connection, work_id: str, *, now: datetime | None = None) -> dict[str, Any]:
    """Why this seller: every candidate of the decision and what spoke against each, recomputed from what was kept.

    For waiting work the candidates are judged as they stand now.

    Returns: work_id, state, winner, reason, waiting_reason, decided_at, rule and candidates: seller_id, name, eligible,
        reason, weight, and the debt before the decision, in leads.

    Raises:
        NotFound: no such work.
    """
    now = now or utc_now()
    shown = assignment(connection, work_id, now=now)
    answer = {name: shown[name] for name in ("work_id", "state", "reason", "waiting_reason", "score")}
    answer |= {"winner": None, "decided_at": None, "rule": None, "candidates": []}
    if shown["state"] == "waiting":
        rule = store.staff.rules_of(connection, [shown["form_id"]]).get(shown["form_id"])
        judged = _judged_now(connection, shown["work_id"], now) if shown["team_id"] else []
        version = rule["version"] if rule else None
    else:
        decision = store.work.decision_of(connection, shown["work_id"], shown["assignment_version"])
        if decision is None:
            return answer
        answer["winner"] = _named(connection, decision["seller_id"])
        answer["decided_at"] = iso(decision["decided_at"])
        judged = _judged_then(connection, decision) if decision["snapshot_id"] else []
        version = decision["rule_version"]
    if version:
        answer["rule"] = {"form_id": shown["form_id"], "team_id": shown["team_id"], "version": version}
    names = store.staff.names_of(connection, [candidate.seller_id for candidate in judged])
    answer["candidates"] = [_candidate(candidate, names) for candidate in judged]
    return answer


def _judged_then(connection: Connection, decision: RowMapping) -> list[Judged]:
    snapshot, decided = store.work.snapshot_with_decisions(connection, decision["snapshot_id"])
    if snapshot is None:
        return []
    return explain(thaw(snapshot["sellers"]), map(lead_of, decided), decision["work_id"])


def _judged_now(connection: Connection, work_id: str, now: datetime) -> list[Judged]:
    row = store.work.by_id(connection, [work_id])[0]
    opened = open_pools(connection, [row["team_id"]], now, lock=False)
    return explain(opened.candidates(row["team_id"]), [lead_of(row)], work_id)


def _named(connection: Connection, seller_id: str) -> dict[str, str]:
    return {"seller_id": seller_id, "name": store.staff.names_of(connection, [seller_id]).get(seller_id, "")}


def _candidate(judged: Judged, names: Mapping[str, str]) -> dict[str, Any]:
    return {
        "seller_id": judged.seller_id,
        "name": names.get(judged.seller_id, ""),
        "eligible": judged.eligible,
        "reason": judged.reason,
        "weight": judged.weight,
        "debt": judged.debt,
    }


def fairness(connection: Connection, team_id: str) -> dict[str, Any]:
    """What each seller of a team was due and got by rotation, in leads; who left the team is still shown.

    Returns: items with seller_id, name, member, weight, got, due, debt.

    Raises:
        NotFound: no such team.
    """
    team = get_team(connection, team_id)
    opened = open_pools(connection, [team["team_id"]], utc_now(), lock=False)
    pool = opened.pools[team["team_id"]]
    accounts = {seller: [0, 0] for seller in pool.members} | pool.ledger
    rows = {row["id"]: row for row in store.pools.sellers_with_load(connection, list(accounts), lock=False)}
    items = [
        {
            "seller_id": seller,
            "name": rows[seller]["name"],
            "member": seller in pool.members,
            "weight": rows[seller]["weight"],
            "got": got,
            "due": (got * UNIT + debt) / UNIT,
            "debt": debt / UNIT,
        }
        for seller, (debt, got) in sorted(accounts.items())
    ]
    return {"items": items, "next": None}
