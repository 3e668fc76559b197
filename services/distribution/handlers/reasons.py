"""Why this seller, and is it fair.

actor: who asks; what they may not see is not there. now: the instant waiting work is judged at; this one when it is
not given.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy.engine import Connection, RowMapping

from contracts import limits
from contracts.access import Actor
from contracts.errors import TOO_LONG
from runtime.clock import iso, utc_now
from runtime.errors import invalid, plain
from services.distribution import store
from services.distribution.checks import known_id
from services.distribution.domain.decide import Judged, explain
from services.distribution.domain.rotation import UNIT
from services.distribution.handlers.distribute import lead_of, thaw
from services.distribution.handlers.people import get_team
from services.distribution.handlers.pool import open_pools
from services.distribution.handlers.views import assignment

MOST_OF_HISTORY = 200
"""Decisions told together."""


def why(connection: Connection, actor: Actor, work_id: str, *, now: datetime | None = None) -> dict[str, Any]:
    """Why this seller: every candidate of the decision and what spoke against each, recomputed from what was kept.

    For waiting work the candidates are judged as they stand now.

    Returns: work_id, state, winner, reason, waiting_reason, decided_at, rule, candidates: seller_id, name, eligible,
        reason, weight, and the debt before the decision, in leads; and `others`, how many candidates there were that
        are not the actor's to see: a seller sees themself.

    Raises:
        NotFound: no such work.
    """
    now = now or utc_now()
    shown = assignment(connection, actor, work_id, now=now)
    answer = {name: shown[name] for name in ("work_id", "state", "reason", "waiting_reason", "score")}
    answer |= {"winner": None, "decided_at": None, "rule": None, "candidates": [], "others": 0}
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
    seen = [one for one in judged if actor.role != "seller" or one.seller_id == actor.seller_id]
    names = store.staff.names_of(connection, [candidate.seller_id for candidate in seen])
    answer["candidates"] = [_candidate(candidate, names) for candidate in seen]
    answer["others"] = len(judged) - len(seen)
    return answer


def history(connection: Connection, actor: Actor, work_ids: Sequence[str]) -> dict[str, Any]:
    """Who was given this work and why, newest first and at most MOST_OF_HISTORY.

    Returns: items with work_id, seller_id, team_id, reason ("rotation" or "hand") and decided_at.

    Raises:
        Invalid: more than limits.STORIES_AT_ONCE works.
    """
    if len(work_ids) > limits.STORIES_AT_ONCE:
        raise invalid("work_ids", TOO_LONG, f"at most {limits.STORIES_AT_ONCE}, not {len(work_ids)}")
    known = [known_id("work", work_id) for work_id in work_ids]
    names = ("work_id", "seller_id", "team_id", "reason", "decided_at")
    rows = store.work.history(connection, actor, known, MOST_OF_HISTORY)
    return {"items": [plain({name: row[name] for name in names}) for row in rows]}


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


def fairness(connection: Connection, actor: Actor, team_id: str) -> dict[str, Any]:
    """What each seller of a team was due and got by rotation, in leads; who left the team is still shown. A seller sees
    their own line.

    Returns: items with seller_id, name, member, weight, got, due, debt.

    Raises:
        NotFound: no such team.
    """
    team = get_team(connection, actor, team_id)
    opened = open_pools(connection, [team["team_id"]], utc_now(), lock=False)
    pool = opened.pools[team["team_id"]]
    accounts = {seller: [0, 0] for seller in pool.members} | pool.ledger
    if actor.role == "seller":
        accounts = {seller: account for seller, account in accounts.items() if seller == actor.seller_id}
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
