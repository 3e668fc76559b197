"""News of assignments: opportunities open, and change hands."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy.engine import Connection

from contracts.campaigns import OPPORTUNITY_OPENED, OpportunityOpened
from contracts.distribution import WorkAssigned, WorkUnassigned
from runtime.clock import parse_iso
from runtime.ids import new_id
from runtime.transaction import Transaction
from services.campaigns import store
from services.campaigns.domain.opportunities import FIRST_CONTACT_WITHIN, newest
from services.campaigns.domain.working_time import Hours, after_working
from services.campaigns.handlers.sellers import hours_by_seller


def open_opportunities(transaction: Transaction, assignments: Sequence[WorkAssigned]) -> None:
    """Opens an opportunity with its first-contact task for each newly assigned work; a newer assignment of an open
    one changes its seller, an older one changes nothing."""
    latest = newest(assignments)
    known = store.by_work(transaction.connection, latest)
    opportunities, begun, changes, handovers = [], [], [], []
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
            begun.append((opportunity, parse_iso(assigned.assigned_at)))
            transaction.emit(OPPORTUNITY_OPENED, _opened(opportunity["id"], assigned))
        else:
            handovers.append(_handover(row, assigned.subject_version, assigned.seller_id, assigned.assigned_at))
    store.change(transaction.connection, changes, handovers)
    store.add(transaction.connection, opportunities, _first_contacts(transaction.connection, begun))


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
        "team_id": assigned.team_id,
        "source": assigned.source,
        "state": "open",
        "outcome": "",
        "reason": "",
        "amount": None,
        "currency": "",
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
        "team_id": assigned.team_id if is_newer else row.team_id or assigned.team_id,
        "source": assigned.source,
        "state": "open" if row.state == "stub" else row.state,
        "assignment_version": max(assigned.subject_version, row.assignment_version),
        "version": row.version + 1,
    }


def _handover(row: Any, version: int, seller_id: str | None, at: str) -> dict[str, Any]:
    return {
        "opportunity_id": row.id,
        "assignment_version": version,
        "from_seller_id": row.seller_id,
        "seller_id": seller_id,
        "at": parse_iso(at),
    }


def _first_contacts(connection: Connection, begun: Sequence[tuple[dict[str, Any], datetime]]) -> list[dict[str, Any]]:
    """The first tasks of opportunities that were assigned at these instants."""
    hours = hours_by_seller(connection, {opportunity["seller_id"] for opportunity, _ in begun} - {None})
    return [_first_contact(opportunity, at, hours.get(opportunity["seller_id"])) for opportunity, at in begun]


def _first_contact(opportunity: dict[str, Any], assigned_at: datetime, hours: Hours | None) -> dict[str, Any]:
    return {
        "id": new_id(),
        "opportunity_id": opportunity["id"],
        "seller_id": opportunity["seller_id"],
        "kind": "first_contact",
        "state": "open",
        "due_at": after_working(hours, assigned_at, FIRST_CONTACT_WITHIN),
        "created_at": assigned_at,
        "done_at": None,
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
    stubs, changes, handovers = [], [], []
    for work_id, lost in latest.items():
        row = known.get(work_id)
        if row is None:
            stubs.append(_stub(lost))
        elif _is_news(row, lost):
            changes.append(_without_seller(row, lost))
            handovers.append(_handover(row, lost.subject_version, None, lost.unassigned_at))
    store.change(transaction.connection, changes, handovers)
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
        "team_id": None,
        "source": "",
        "state": "stub",
        "outcome": "",
        "reason": "",
        "amount": None,
        "currency": "",
        "assignment_version": lost.subject_version,
        "version": 1,
        "correlation_id": lost.correlation_id,
        "opened_at": parse_iso(lost.unassigned_at),
        "closed_at": None,
    }
