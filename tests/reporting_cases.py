"""Facts for reporting to count, and how it is told of them."""

from typing import Any

from contracts.campaigns import ACTION_RECORDED, OPPORTUNITY_CLOSED, ActionRecorded, OpportunityClosed
from contracts.capture import LEAD_CAPTURED, LeadCaptured
from contracts.distribution import SELLER_CHANGED, WORK_ASSIGNED, SellerChanged, WorkAssigned
from runtime.database import Database
from runtime.ids import new_id
from services.reporting import handlers

ANA, RUI = "0190a000-0000-7000-8000-00000000000b", "0190a000-0000-7000-8000-00000000000c"
NORTH, SOUTH = "0190a000-0000-7000-8000-00000000000d", "0190a000-0000-7000-8000-00000000000e"
"""Teams: Ana is in the first and Rui in the second."""

_MESSAGES = {
    message.item: message
    for message in (LEAD_CAPTURED, WORK_ASSIGNED, OPPORTUNITY_CLOSED, ACTION_RECORDED, SELLER_CHANGED)
}


def fact(**values: Any) -> dict[str, Any]:
    """The values of a fact, with those that every fact has."""
    return {"id": new_id(), "subject": new_id(), "subject_version": 1, "correlation_id": new_id(), **values}


def captured(source: str, at: str, lead_id: str = "") -> LeadCaptured:
    """A lead came in."""
    ids = {"lead_id": lead_id or new_id(), "contact_id": new_id(), "form_id": new_id()}
    return LeadCaptured(**fact(**ids, source=source, channel="site", captured_at=at))


def assigned(source: str, at: str, seller_id: str = ANA, team_id: str = NORTH, lead_id: str = "") -> WorkAssigned:
    """A lead has a seller."""
    lead_id = lead_id or new_id()
    ids = {"work_id": lead_id, "lead_id": lead_id, "contact_id": new_id(), "form_id": new_id()}
    given = {"seller_id": seller_id, "team_id": team_id, "assigned_at": at, "captured_at": at}
    return WorkAssigned(**fact(**ids, **given, source=source))


def closed(
    source: str,
    at: str,
    outcome: str = "won",
    amount: int | None = None,
    currency: str = "EUR",
    seller_id: str = ANA,
    team_id: str = NORTH,
    lead_id: str = "",
) -> OpportunityClosed:
    """An opportunity was won, or lost."""
    sale = {"amount": amount, "currency": currency} if amount is not None else {}
    whose = {"seller_id": seller_id, "team_id": team_id, "source": source}
    return OpportunityClosed(
        **fact(opportunity_id=new_id(), work_id=lead_id or new_id(), outcome=outcome, closed_at=at, **whose, **sale)
    )


def acted(source: str, at: str, seller_id: str = ANA, team_id: str = NORTH, lead_id: str = "") -> ActionRecorded:
    """A seller called somebody."""
    ids = {"action_id": new_id(), "opportunity_id": new_id(), "work_id": lead_id or new_id(), "contact_id": new_id()}
    whose = {"seller_id": seller_id, "team_id": team_id, "source": source}
    return ActionRecorded(**fact(**ids, **whose, kind="call", outcome="reached", at=at))


def named(seller_id: str, name: str, version: int = 1) -> SellerChanged:
    """A seller's name."""
    return SellerChanged(**{**fact(seller_id=seller_id, name=name), "subject": seller_id, "subject_version": version})


def hear(database: Database, *facts: Any) -> None:
    """Counts facts one at a time."""
    for one in facts:
        with database.write() as transaction:
            if isinstance(one, SellerChanged):
                handlers.keep_sellers(transaction, [one])
            else:
                handlers.count_facts(transaction, _MESSAGES[type(one)], [one])
