"""Use cases of campaigns."""

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from contracts import limits
from contracts.campaigns import OPPORTUNITY_CLOSED, OPPORTUNITY_OPENED, OpportunityClosed, OpportunityOpened
from contracts.distribution import WorkAssigned, WorkUnassigned
from contracts.errors import INVALID, REQUIRED, TOO_LONG
from runtime.clock import iso, parse_iso, utc_now
from runtime.errors import Conflict, NotFound, invalid, plain
from runtime.ids import new_id
from runtime.paging import page
from runtime.transaction import Transaction
from services.campaigns import store
from services.campaigns.domain.opportunities import OUTCOMES, first_contact_due, needs_reason, newest


def open_opportunities(transaction: Transaction, assignments: Sequence[WorkAssigned]) -> None:
    """Opens an opportunity with its first-contact task for each newly assigned work; a newer assignment of an open
    one changes its seller, an older one changes nothing."""
    latest = newest(assignments)
    known = store.by_work(transaction.connection, latest)
    opportunities, tasks, changes = [], [], []
    for work_id, assigned in latest.items():
        row = known.get(work_id)
        if row is None:
            opportunity = _opportunity(assigned)
            opportunities.append(opportunity)
        elif row.state == "stub" or _is_news(row, assigned):
            opportunity = _changed(row, assigned)
            changes.append(opportunity)
        else:
            continue
        if row is None or row.state == "stub":
            tasks.append(_first_contact(opportunity, assigned))
            transaction.emit(OPPORTUNITY_OPENED, _opened(opportunity["id"], assigned))
    store.change(transaction.connection, changes)
    store.add(transaction.connection, opportunities, tasks)


def _is_news(row: Any, fact: WorkAssigned | WorkUnassigned) -> bool:
    """What is closed stays with whoever closed it, and was counted for them."""
    return row.state != "closed" and fact.subject_version > int(row.assignment_version)


def _opportunity(assigned: WorkAssigned) -> dict[str, Any]:
    return {
        "id": new_id(),
        "work_id": assigned.work_id,
        "lead_id": assigned.lead_id,
        "contact_id": assigned.contact_id,
        "seller_id": assigned.seller_id,
        "source": assigned.source,
        "state": "open",
        "outcome": "",
        "reason": "",
        "assignment_version": assigned.subject_version,
        "version": 1,
        "correlation_id": assigned.correlation_id,
        "opened_at": parse_iso(assigned.assigned_at),
        "closed_at": None,
    }


def _changed(row: Any, assigned: WorkAssigned) -> dict[str, Any]:
    """A stub is completed; its seller stays when what made the stub is newer than this assignment."""
    is_newer = assigned.subject_version > row.assignment_version
    return {
        **row._mapping,
        "contact_id": row.contact_id or assigned.contact_id,
        "seller_id": assigned.seller_id if is_newer else row.seller_id,
        "source": assigned.source,
        "state": "open" if row.state == "stub" else row.state,
        "assignment_version": max(assigned.subject_version, row.assignment_version),
        "version": row.version + 1,
    }


def _first_contact(opportunity: dict[str, Any], assigned: WorkAssigned) -> dict[str, Any]:
    assigned_at = parse_iso(assigned.assigned_at)
    return {
        "id": new_id(),
        "opportunity_id": opportunity["id"],
        "seller_id": opportunity["seller_id"],
        "kind": "first_contact",
        "state": "open",
        "due_at": first_contact_due(assigned_at),
        "created_at": assigned_at,
    }


def _opened(opportunity_id: str, assigned: WorkAssigned) -> OpportunityOpened:
    return OpportunityOpened(
        id=new_id(),
        subject=opportunity_id,
        subject_version=1,
        correlation_id=assigned.correlation_id,
        opportunity_id=opportunity_id,
        work_id=assigned.work_id,
        contact_id=assigned.contact_id,
        seller_id=assigned.seller_id,
        source=assigned.source,
        opened_at=assigned.assigned_at,
    )


def take_away(transaction: Transaction, losses: Sequence[WorkUnassigned]) -> None:
    """The opportunities of these works have no seller for now. One that is not known yet becomes a stub, so that the
    late news of its older assignment does not bring that seller back."""
    latest = newest(losses)
    known = store.by_work(transaction.connection, latest)
    stubs, changes = [], []
    for work_id, lost in latest.items():
        row = known.get(work_id)
        if row is None:
            stubs.append(_stub(lost))
        elif _is_news(row, lost):
            changes.append(_without_seller(row, lost))
    store.change(transaction.connection, changes)
    store.add(transaction.connection, stubs, [])


def _without_seller(row: Any, lost: WorkUnassigned) -> dict[str, Any]:
    return {
        **row._mapping,
        "seller_id": None,
        "assignment_version": lost.subject_version,
        "version": row.version + 1,
    }


def _stub(lost: WorkUnassigned) -> dict[str, Any]:
    return {
        "id": new_id(),
        "work_id": lost.work_id,
        "lead_id": lost.lead_id,
        "contact_id": None,
        "seller_id": None,
        "source": "",
        "state": "stub",
        "outcome": "",
        "reason": "",
        "assignment_version": lost.subject_version,
        "version": 1,
        "correlation_id": lost.correlation_id,
        "opened_at": parse_iso(lost.unassigned_at),
        "closed_at": None,
    }


def close_opportunity(
    transaction: Transaction, opportunity_id: str, outcome: str, reason: str, version: int
) -> dict[str, Any]:
    """Ends an opportunity that is open and still at `version`, drops its open tasks and tells everybody.

    Raises:
        NotFound; Invalid: an unknown outcome, lost without a reason, too long a reason; Conflict: closed already, or
            changed since.
    """
    if outcome not in OUTCOMES:
        raise invalid("outcome", INVALID, f"one of {', '.join(OUTCOMES)}")
    if needs_reason(outcome) and not reason.strip():
        raise invalid("reason", REQUIRED, "say why it was lost")
    if len(reason) > limits.REASON:
        raise invalid("reason", TOO_LONG, f"at most {limits.REASON} characters")
    table = store.opportunity
    row = transaction.connection.execute(sa.select(table).where(table.c.id == opportunity_id).with_for_update()).first()
    if row is None or row.state == "stub":
        raise NotFound("opportunity", opportunity_id)
    if row.state == "closed":
        raise Conflict(f"the opportunity was closed already: {row.outcome}")
    if row.version != version:
        raise Conflict(f"the opportunity was changed meanwhile: it is at version {row.version}, not {version}")
    now = utc_now()
    changes = {"state": "closed", "outcome": outcome, "reason": reason, "closed_at": now, "version": version + 1}
    transaction.connection.execute(sa.update(table).where(table.c.id == opportunity_id).values(changes))
    transaction.connection.execute(
        sa.update(store.task)
        .where(store.task.c.opportunity_id == opportunity_id, store.task.c.state == "open")
        .values(state="dropped")
    )
    transaction.emit(
        OPPORTUNITY_CLOSED,
        OpportunityClosed(
            id=new_id(),
            subject=opportunity_id,
            subject_version=version + 1,
            correlation_id=row.correlation_id,
            opportunity_id=opportunity_id,
            work_id=row.work_id,
            seller_id=row.seller_id or "",
            outcome=outcome,
            closed_at=iso(now),
        ),
    )
    return _shown({**row._mapping, **changes})


def opportunities(
    connection: Connection, seller_id: str | None, work_id: str | None, cursor: str | None, limit: int
) -> dict[str, Any]:
    """Opportunities, newest first, of one seller or one work when given."""
    table = store.opportunity
    select = sa.select(table).where(table.c.state != "stub")
    if seller_id:
        select = select.where(table.c.seller_id == seller_id)
    if work_id:
        select = select.where(table.c.work_id == work_id)
    rows, following = page(connection, select, table.c.opened_at, table.c.id, cursor, limit)
    return {"items": [_shown(row._mapping) for row in rows], "next": following}


def _shown(row: Any) -> dict[str, Any]:
    shown: dict[str, Any] = plain({**row, "opportunity_id": row["id"]})
    return shown
