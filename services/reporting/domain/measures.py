"""Which measure a fact adds to, and in which hour."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from contracts.campaigns import OpportunityClosed, OpportunityOpened
from contracts.capture import LeadCaptured
from contracts.distribution import WorkAssigned, WorkUnassigned
from contracts.notifications import MessageSent


@dataclass(frozen=True, slots=True, order=True)
class Cell:
    """One number of a report: a measure in one hour (UTC), of one source and seller where the fact names them."""

    measure: str
    hour: datetime
    source: str
    seller_id: str


def cell_of(fact: Any) -> Cell:
    """The cell that a fact counts in.

    Raises:
        TypeError: no measure is made of facts of this type.
    """
    match fact:
        case LeadCaptured():
            return Cell("leads_captured", hour_of(fact.captured_at), fact.source, "")
        case WorkAssigned():
            return Cell("leads_assigned", hour_of(fact.assigned_at), fact.source, fact.seller_id)
        case WorkUnassigned():
            return Cell("leads_returned", hour_of(fact.unassigned_at), "", fact.seller_id)
        case OpportunityOpened():
            # Of two assignments told out of order either may open it: the seller would depend on which came first.
            return Cell("opportunities_opened", hour_of(fact.opened_at), fact.source, "")
        case OpportunityClosed():
            return Cell(f"opportunities_{fact.outcome}", hour_of(fact.closed_at), "", fact.seller_id)
        case MessageSent():
            seller_id = fact.recipient_id if fact.recipient_kind == "seller" else ""
            return Cell(f"{fact.channel}_{fact.status}", hour_of(fact.sent_at), "", seller_id)
    raise TypeError(f"no measure is made of {type(fact).__name__}")


def hour_of(text: str) -> datetime:
    """The beginning of the hour, in UTC, of an instant in ISO 8601."""
    return datetime.fromisoformat(text).astimezone(UTC).replace(minute=0, second=0, microsecond=0)


def tally(facts: Iterable[Any]) -> Counter[Cell]:
    """How many facts fall into each cell."""
    return Counter(cell_of(fact) for fact in facts)
