"""What is asked about teams and sellers.

actor: who asks; what they may not see is not there. now: the instant sellers are judged at; this one when not given.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, Final

from sqlalchemy.engine import Connection, RowMapping

from contracts import limits
from contracts.access import Actor
from contracts.errors import INVALID, REQUIRED, TOO_LONG
from runtime.clock import parse_iso, utc_now
from runtime.errors import NotFound, invalid, plain
from runtime.paging import page
from services.distribution import store
from services.distribution.checks import known_id
from services.distribution.domain.availability import TimeOff
from services.distribution.handlers.pool import standing
from services.distribution.tables import sellers, teams

Page = dict[str, Any]

TEAM_FIELDS = ("name", "supervisor", "time_zone", "version", "created_at", "updated_at")
SELLER_FIELDS = (
    *("name", "email", "phone", "locale", "time_zone", "channels", "weight", "daily_cap", "open_cap"),
    *("working_hours", "holidays", "active", "version", "created_at", "updated_at"),
)
MOST_TIME_OFF: Final = 1000
"""In one answer, which says when there is more."""


def get_team(connection: Connection, actor: Actor, team_id: str) -> dict[str, Any]:
    """One team.

    Raises:
        NotFound: no such team.
    """
    row = store.staff.team(connection, actor, known_id("team", team_id))
    if row is None:
        raise NotFound("team", team_id)
    return _teams(connection, actor, [row])[0]


def list_teams(connection: Connection, actor: Actor, cursor: str | None = None, limit: int = 50, q: str = "") -> Page:
    """Teams, newest first; `q`: those with this in their name."""
    select = store.staff.team_rows(actor, _sought(q))
    rows, following = page(connection, select, teams.c.created_at, teams.c.id, cursor, limit)
    return {"items": _teams(connection, actor, [row._mapping for row in rows]), "next": following}


def _teams(connection: Connection, actor: Actor, rows: Sequence[RowMapping]) -> list[dict[str, Any]]:
    identifiers = [row["id"] for row in rows]
    members = store.staff.members_of(connection, actor, identifiers)
    waiting = store.staff.waiting_in(connection, actor, identifiers)
    return [
        plain(
            {
                "team_id": row["id"],
                **{name: row[name] for name in TEAM_FIELDS},
                "members": members.get(row["id"], 0),
                "waiting": waiting.get(row["id"], 0),
            }
        )
        for row in rows
    ]


def get_seller(connection: Connection, actor: Actor, seller_id: str, *, now: datetime | None = None) -> dict[str, Any]:
    """One seller with teams, time off, counters, and whether they can be given work now.

    Raises:
        NotFound: no such seller.
    """
    row = store.staff.seller(connection, actor, known_id("seller", seller_id))
    if row is None:
        raise NotFound("seller", seller_id)
    return describe(connection, actor, [row], now)[0]


def list_sellers(
    connection: Connection,
    actor: Actor,
    team_id: str | None = None,
    cursor: str | None = None,
    limit: int = 50,
    q: str = "",
    active: bool | None = None,
    *,
    now: datetime | None = None,
) -> Page:
    """Sellers, newest first; of one team, with `q` in their name or e-mail address, (not) active."""
    team_id = None if team_id is None else known_id("team", team_id)
    select = store.staff.seller_rows(actor, team_id, _sought(q), active)
    rows, following = page(connection, select, sellers.c.created_at, sellers.c.id, cursor, limit)
    return {"items": describe(connection, actor, [row._mapping for row in rows], now), "next": following}


def describe(
    connection: Connection, actor: Actor, rows: Sequence[RowMapping], now: datetime | None = None
) -> list[dict[str, Any]]:
    """Sellers as answers show them. rows: as `store.staff.seller_rows` gives them.

    Returns: each with its fields and `teams` (those the actor sees), `time_off`, `open_work`, `given_today`,
        `available` and `available_until` (the seller's own switch, and when it turns by itself), `on_duty`, and
        `off_duty_reason`, which is empty when they are.
    """
    now = now or utc_now()
    identifiers = [row["id"] for row in rows]
    joined, away = defaultdict(list), defaultdict(list)
    for found in store.staff.teams_of(connection, identifiers):
        if not actor.sees_teams or found["team_id"] in actor.team_ids:
            joined[found["seller_id"]].append(found["team_id"])
    for off in store.pools.time_off_of(connection, identifiers):
        away[off["seller_id"]].append(off)
    return [plain(_seller(row, joined[row["id"]], away[row["id"]], now)) for row in rows]


def _seller(row: RowMapping, joined: list[str], away: list[RowMapping], now: datetime) -> dict[str, Any]:
    stands = standing(row, spans(away), now)
    turns_at = row["available_until"]
    return {
        "seller_id": row["id"],
        **{name: row[name] for name in SELLER_FIELDS},
        "teams": joined,
        "time_off": [{name: off[name] for name in ("id", "starts_at", "ends_at", "reason")} for off in away],
        "open_work": stands.open_work,
        "given_today": stands.given_today,
        "available": stands.schedule.is_switched_on(now),
        "available_until": turns_at if turns_at and turns_at > now else None,
        "on_duty": stands.absence is None,
        "off_duty_reason": stands.absence or "",
    }


def spans(away: Iterable[RowMapping]) -> list[TimeOff]:
    """Rows of time off as the domain knows them."""
    return [TimeOff(off["starts_at"], off["ends_at"]) for off in away]


def staff_names(connection: Connection, actor: Actor) -> dict[str, dict[str, str]]:
    """`sellers` and `teams`: names by id, for labels."""
    people, groups = store.staff.all_names(connection, actor)
    return {"sellers": people, "teams": groups}


def list_time_off(
    connection: Connection,
    actor: Actor,
    since: str,
    until: str,
    team_id: str | None = None,
    seller_id: str | None = None,
    seller_ids: Sequence[str] | None = None,
) -> Page:
    """Time off that touches the span from `since` until just before `until`, earliest first, for a calendar.

    since, until: ISO 8601 with an offset. team_id, seller_id, seller_ids: of that team's members, of that seller, of
        these sellers, at most limits.SELLERS_AT_ONCE.

    Returns: `items`, at most MOST_TIME_OFF; `is_cut`: whether there is more, later than these.

    Raises:
        Invalid: naming the fields.
    """
    rows = store.staff.time_off_between(
        connection,
        actor,
        instant("since", since),
        instant("until", until),
        None if team_id is None else known_id("team", team_id),
        _sellers_named(seller_id, seller_ids),
        MOST_TIME_OFF + 1,
    )
    names = ("id", "seller_id", "starts_at", "ends_at", "reason")
    items = [plain({name: row[name] for name in names}) for row in rows[:MOST_TIME_OFF]]
    return {"items": items, "next": None, "is_cut": len(rows) > MOST_TIME_OFF}


def _sellers_named(seller_id: str | None, seller_ids: Sequence[str] | None) -> set[str] | None:
    named = None if seller_ids is None else {known_id("seller", each) for each in seller_ids}
    if named is not None and len(named) > limits.SELLERS_AT_ONCE:
        raise invalid("seller_ids", TOO_LONG, f"at most {limits.SELLERS_AT_ONCE}, not {len(named)}")
    if seller_id is None:
        return named
    one = {known_id("seller", seller_id)}
    return one if named is None else one & named


def list_rules(connection: Connection, actor: Actor) -> Page:
    """Every rule, oldest first."""
    names = ("form_id", "team_id", "strategy", "version", "updated_at")
    items = [plain({name: row[name] for name in names}) for row in store.staff.all_rules(connection, actor)]
    return {"items": items, "next": None}


def instant(name: str, text: Any) -> datetime:
    """The instant that a caller wrote.

    Raises:
        Invalid: naming the field `name`.
    """
    if not text:
        raise invalid(name, REQUIRED, "may not be empty")
    try:
        return parse_iso(text)
    except (ValueError, TypeError):
        raise invalid(name, INVALID, f"{text!r} is not a time such as 2026-12-24T12:00:00+00:00") from None


def _sought(q: str) -> str:
    if len(q) > limits.SEARCH:
        raise invalid("q", TOO_LONG, f"at most {limits.SEARCH} characters")
    return q.strip()
