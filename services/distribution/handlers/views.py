"""What is asked about work: who has it, what waits and for what.

actor: who asks; what they may not see is not there. now: the instant waiting work is judged at; this one when it is
not given.
"""

from collections.abc import Collection
from datetime import datetime
from typing import Any, Final

from sqlalchemy.engine import Connection

from contracts.access import Actor
from contracts.errors import INVALID
from contracts.wall_clock import local_day, local_instant
from runtime.clock import utc_now
from runtime.errors import NotFound, invalid, plain
from runtime.paging import page
from services.distribution import store
from services.distribution.checks import known_id
from services.distribution.domain.decide import Lead, decide
from services.distribution.handlers.distribute import lead_of
from services.distribution.handlers.people import instant, spans
from services.distribution.handlers.pool import open_pools, standing
from services.distribution.tables import work

Page = dict[str, Any]

STATES: Final = ("waiting", "assigned", "closed")

WORK_FIELDS = (
    *("work_id", "state", "seller_id", "team_id", "assignment_version", "assigned_at", "reason", "waiting_reason"),
    *("lead_id", "contact_id", "form_id", "source", "score", "captured_at", "returned_by", "opened_at", "closed_at"),
)


def assignment(connection: Connection, actor: Actor, work_id: str, *, now: datetime | None = None) -> dict[str, Any]:
    """Who has a piece of work, or what it waits for.

    Raises:
        NotFound: no such work.
    """
    found = assignments(connection, actor, [known_id("work", work_id)], now=now)
    if not found:
        raise NotFound("work", work_id)
    return found[0]


def assignments(
    connection: Connection, actor: Actor, work_ids: Collection[str], *, now: datetime | None = None
) -> list[dict[str, Any]]:
    """Those of these that are known, by work id."""
    return describe(connection, actor, store.work.seen(connection, actor, work_ids), now)


def describe(
    connection: Connection, actor: Actor, rows: store.Rows, now: datetime | None = None
) -> list[dict[str, Any]]:
    """Rows of work as answers show them: its fields and, while it waits, `waiting_since` and why at this moment."""
    reasons = _waiting_now(connection, rows, now or utc_now())
    shown = []
    for row in rows:
        is_waiting = row["state"] == "waiting"
        item = {name: row[name] for name in WORK_FIELDS}
        item["waiting_since"] = (row["waiting_since"] or row["arrived_at"]) if is_waiting else None
        item["waiting_reason"] = reasons.get(row["work_id"], row["waiting_reason"])
        if actor.role == "seller":  # who else had it is not theirs to know
            item["returned_by"] = [seller for seller in row["returned_by"] if seller == actor.seller_id]
        shown.append(plain(item))
    return shown


def _waiting_now(connection: Connection, rows: store.Rows, now: datetime) -> dict[str, str]:
    """What waiting work waits for at this moment; nothing when it is about to be assigned."""
    waiting = [row for row in rows if row["state"] == "waiting" and row["team_id"]]
    if not waiting:
        return {}
    opened = open_pools(connection, {row["team_id"] for row in waiting}, now, lock=False)
    pools = {team_id: opened.candidates(team_id) for team_id in opened.pools}
    decided = ((row["work_id"], decide(pools[row["team_id"]], [lead_of(row)]).decisions[0]) for row in waiting)
    return {work_id: decision.waiting_reason or "" for work_id, decision in decided}


def list_work(
    connection: Connection,
    actor: Actor,
    cursor: str | None = None,
    limit: int = 50,
    state: str | None = None,
    seller_id: str | None = None,
    team_id: str | None = None,
    form_id: str | None = None,
    since: str | None = None,
    order: str = "newest",
    *,
    now: datetime | None = None,
) -> Page:
    """Work, the newest to arrive first; each that waits with its reason.

    state: "waiting", "assigned" or "closed". since: what arrived then or later, ISO 8601 with an offset.
    order: or "priority": what its seller has not opened first, then the highest score, then the oldest; what is closed
        has none, and is left out unless it is asked for.

    Raises:
        Invalid: naming the arguments.
    """
    select = store.work.rows(
        actor,
        state=_state(state),
        seller_id=None if seller_id is None else known_id("seller", seller_id),
        team_id=None if team_id is None else known_id("team", team_id),
        form_id=None if form_id is None else known_id("form", form_id),
        since=None if since is None else instant("since", since),
    )
    if _by_priority(order):
        select = select if state else select.where(work.c.state != "closed")
        rows, following = store.priority.page_by_priority(connection, select, cursor, limit)
    else:
        found, following = page(connection, select, work.c.arrived_at, work.c.work_id, cursor, limit)
        rows = [row._mapping for row in found]
    return {"items": describe(connection, actor, rows, now), "next": following}


def seller_work(
    connection: Connection,
    actor: Actor,
    seller_id: str,
    cursor: str | None = None,
    limit: int = 50,
    state: str | None = None,
    order: str = "newest",
) -> Page:
    """What a seller has or had when it was closed, what they were given last first.

    state, order: as in `list_work`.

    Raises:
        NotFound: no such seller. Invalid: naming the arguments.
    """
    seller_id = known_id("seller", seller_id)
    if store.staff.seller(connection, actor, seller_id) is None:
        raise NotFound("seller", seller_id)
    if _by_priority(order):
        return list_work(connection, actor, cursor, limit, state, seller_id, order=order)
    select = store.work.rows(actor, state=_state(state), seller_id=seller_id)
    rows, following = page(connection, select, work.c.assigned_at, work.c.work_id, cursor, limit)
    return {"items": describe(connection, actor, [row._mapping for row in rows]), "next": following}


def waiting(
    connection: Connection,
    actor: Actor,
    cursor: str | None = None,
    limit: int = 50,
    team_id: str | None = None,
    *,
    now: datetime | None = None,
) -> Page:
    """What waits, newest first, each with its reason; of one team when it is named."""
    return list_work(connection, actor, cursor, limit, "waiting", team_id=team_id, now=now)


def _state(state: str | None) -> str | None:
    if state is not None and state not in STATES:
        raise invalid("state", INVALID, f"{state!r} is not one of {', '.join(STATES)}")
    return state


def _by_priority(order: str) -> bool:
    if order not in ("newest", "priority"):
        raise invalid("order", INVALID, f"{order!r} is neither newest nor priority")
    return order == "priority"


def work_counts(connection: Connection, actor: Actor, seller_id: str, *, now: datetime | None = None) -> dict[str, int]:
    """Of a seller's work: `new`, not opened yet, `open`, all they have, and `closed_today`, by their own calendar.

    Raises:
        NotFound: no such seller.
    """
    row = store.staff.seller(connection, actor, known_id("seller", seller_id))
    if row is None:
        raise NotFound("seller", seller_id)
    zone = row["time_zone"]
    midnight = local_instant(zone, local_day(zone, now or utc_now()), 0)
    return dict(store.work.counts(connection, actor, row["id"], midnight))


def overview(connection: Connection, actor: Actor, *, now: datetime | None = None) -> dict[str, Any]:
    """How things stand: `waiting`, `waiting_by_reason` (an empty reason: about to be assigned), `sellers` who are
    active, and `on_duty` of these."""
    now = now or utc_now()
    by_reason = _waiting_by_reason(connection, actor, now)
    rows = store.staff.active_sellers(connection, actor)
    away: dict[str, list[Any]] = {}
    for off in store.pools.time_off_of(connection, [row["id"] for row in rows], now):
        away.setdefault(off["seller_id"], []).append(off)
    on_duty = sum(standing(row, spans(away.get(row["id"], ())), now).absence is None for row in rows)
    return {
        "waiting": sum(by_reason.values()),
        "waiting_by_reason": by_reason,
        "on_duty": on_duty,
        "sellers": len(rows),
    }


def _waiting_by_reason(connection: Connection, actor: Actor, now: datetime) -> dict[str, int]:
    """One decision a team tells what all that waits there waits for, but for what everybody on duty has returned."""
    found = store.work.waiting_by_reason(connection, actor)
    opened = open_pools(connection, {row["team_id"] for row in found if row["team_id"]}, now, lock=False)
    at_large = {
        team_id: decide(opened.candidates(team_id), [Lead("")]).decisions[0].waiting_reason for team_id in opened.pools
    }
    counted: dict[str, int] = {}
    for row in found:
        kept = row["waiting_reason"] if row["waiting_reason"] in ("returned", "no_rule") else ""
        reason = at_large.get(row["team_id"]) or kept
        counted[reason] = counted.get(reason, 0) + row["count"]
    return counted
