"""Messages of campaigns, which owns opportunities and tasks."""

from dataclasses import dataclass

from contracts.message import Fact, Message


@dataclass(frozen=True, slots=True, kw_only=True)
class OpportunityOpened(Fact):
    """An opportunity exists for assigned work; subject is the opportunity's id."""

    opportunity_id: str
    work_id: str
    contact_id: str
    seller_id: str
    source: str
    opened_at: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OpportunityClosed(Fact):
    """An opportunity ended: "won", "lost" or "completed". Its work no longer counts as open for its seller."""

    opportunity_id: str
    work_id: str
    seller_id: str
    outcome: str
    closed_at: str


OPPORTUNITY_OPENED = Message("event", "campaigns", "opportunity_opened", 1, OpportunityOpened, ("reporting",))
OPPORTUNITY_CLOSED = Message(
    "event", "campaigns", "opportunity_closed", 1, OpportunityClosed, ("distribution", "reporting")
)
