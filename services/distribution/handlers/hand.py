"""What people do to work: give it to a seller by hand, give it back.

Fairness is about turns. A hand assignment is nobody's turn, so it moves no debt, but it is work and counts for the
caps. Returning work does not give the turn back: who returns a lead would otherwise be first in line for the next.
"""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from sqlalchemy.engine import Connection

from contracts import limits
from contracts.distribution import WORK_ASSIGNED, WORK_UNASSIGNED, WorkUnassigned
from contracts.errors import NOT_ALLOWED, NOT_FOUND, REQUIRED, TOO_LONG
from runtime.clock import iso, utc_now
from runtime.errors import Conflict, NotFound, invalid
from runtime.ids import new_id
from runtime.transaction import Transaction
from services.distribution import store
from services.distribution.checks import known_id
from services.distribution.handlers.distribute import Work, assigned_fact, decision_row, distribute
from services.distribution.handlers.pool import OpenPools, Standing, open_pools
from services.distribution.handlers.views import assignment

_CHANGED = "somebody changed this assignment meanwhile; look at it again"


def reassign(
    tx: Transaction, work_id: str, seller_id: str, version: int, now: datetime | None = None
) -> dict[str, Any]:
    """Gives work to a seller by hand, whoever has it now; hours and absences do not matter, caps do.

    version: the assignment_version the caller saw.

    Returns: the assignment as it is then.

    Raises:
        NotFound: no such work.
        Invalid: no such seller, one who is not active, one who has it already, or one who has reached a cap.
        Conflict: the version is old, or the work is closed.
    """
    row = _seen(tx.connection, work_id, version)
    if store.staff.seller(tx.connection, known_id("seller", seller_id)) is None:
        raise invalid("seller_id", NOT_FOUND, f"there is no seller {seller_id}")
    if row["seller_id"] == seller_id:
        raise invalid("seller_id", NOT_ALLOWED, "this seller has it already")
    opened = _open_around(tx.connection, row, now or utc_now(), also=[seller_id])
    taker = opened.sellers[seller_id]
    _refuse_unable(taker)
    previous = row["seller_id"]
    row["team_id"] = row["team_id"] or _first_team(tx.connection, seller_id)
    row.update(
        state="assigned",
        seller_id=seller_id,
        assignment_version=version + 1,
        assigned_at=opened.now,
        reason="hand",
        waiting_reason="",
    )
    _change(tx, row, version)
    if previous:
        opened.sellers[previous].release()
    taker.take()
    store.work.add_decisions(tx, [], [decision_row(row, snapshot_id=None, rule_version=None)])
    tx.emit(WORK_ASSIGNED, assigned_fact(row, previous or ""), lane="live")  # somebody did it now and looks on
    distribute(tx, opened)
    return assignment(tx.connection, work_id, now=opened.now)


def return_work(
    tx: Transaction, work_id: str, reason: str, version: int, now: datetime | None = None
) -> dict[str, Any]:
    """Puts work back into its pool; another seller gets it at once or it waits for one, never the one who returned it.

    Returns: the assignment as it is then.

    Raises:
        NotFound: no such work.
        Invalid: no reason was given, or one longer than limits.REASON.
        Conflict: the version is old, or nobody has this work.
    """
    if not reason.strip():
        raise invalid("reason", REQUIRED, "say why the lead comes back")
    if len(reason) > limits.REASON:
        raise invalid("reason", TOO_LONG, f"at most {limits.REASON} characters")
    row = _seen(tx.connection, work_id, version)
    previous = row["seller_id"]
    if previous is None:
        raise Conflict("nobody has this work: it waits")
    row["team_id"] = row["team_id"] or _team_by_rule(tx.connection, row["form_id"])
    opened = _open_around(tx.connection, row, now or utc_now())
    row.update(
        state="waiting",
        seller_id=None,
        assignment_version=version + 1,
        assigned_at=None,
        reason="",
        waiting_reason="" if row["team_id"] else "no_rule",
        returned_by=[*row["returned_by"], previous],
    )
    _change(tx, row, version)
    opened.sellers[previous].release()
    tx.emit(
        WORK_UNASSIGNED,
        WorkUnassigned(
            id=new_id(),
            subject=work_id,
            subject_version=version + 1,
            correlation_id=row["correlation_id"],
            work_id=work_id,
            lead_id=row["lead_id"],
            seller_id=previous,
            unassigned_at=iso(opened.now),
            reason=reason,
        ),
    )
    opened.expect([row["team_id"]] if row["team_id"] else [])
    distribute(tx, opened)
    return assignment(tx.connection, work_id, now=opened.now)


def _seen(connection: Connection, work_id: str, version: int) -> Work:
    rows = store.work.by_id(connection, [known_id("work", work_id)])
    if not rows:
        raise NotFound("work", work_id)
    if rows[0]["assignment_version"] != version:
        raise Conflict(_CHANGED)
    if rows[0]["state"] == "closed":
        raise Conflict("this work is closed")
    return dict(rows[0])


def _open_around(connection: Connection, row: Work, now: datetime, also: Iterable[str] = ()) -> OpenPools:
    """The work's pool, and all pools of the seller who has it, where somebody may now be given something."""
    holder = [row["seller_id"]] if row["seller_id"] else []
    teams = {found["team_id"] for found in store.staff.teams_of(connection, holder)}
    if row["team_id"]:
        teams.add(row["team_id"])
    return open_pools(connection, teams, now, also=[*holder, *also])


def _change(tx: Transaction, row: Work, version: int) -> None:
    columns = ("state", "seller_id", "team_id", "assigned_at", "reason", "waiting_reason", "returned_by")
    values = {name: row[name] for name in (*columns, "assignment_version")}
    if not store.work.change(tx, row["work_id"], version, **values):
        raise Conflict(_CHANGED)


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
