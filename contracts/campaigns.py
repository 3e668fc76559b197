"""Messages of campaigns, which owns opportunities, their tasks and what sellers did."""

from dataclasses import dataclass
from typing import Literal, get_args

from contracts.message import Fact, Message

ActionKind = Literal["call", "sms", "email", "whatsapp", "visit", "interview", "note"]
ActionOutcome = Literal[
    "reached", "no_answer", "busy", "wrong_number", "interested", "not_interested", "callback", ""
]  # fmt: skip

ACTION_KINDS: tuple[ActionKind, ...] = get_args(ActionKind)
ACTION_OUTCOMES: tuple[ActionOutcome, ...] = get_args(ActionOutcome)


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
    """An opportunity ended: "won", "lost" or "completed". Its work no longer counts as open for its seller.

    amount, currency: what was sold, in minor units of a currency of ISO 4217; None and empty where nobody said.
    source, team_id: of its lead; empty where campaigns does not know.
    """

    opportunity_id: str
    work_id: str
    seller_id: str
    outcome: str
    closed_at: str
    amount: int | None = None
    currency: str = ""
    source: str = ""
    team_id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ActionRecorded(Fact):
    """Somebody did something in an opportunity; subject is the action's id. What they noted does not travel.

    seller_id: who did it, empty when that is no seller. next_at: when the next task is due; empty: none is.
    """

    action_id: str
    opportunity_id: str
    work_id: str
    contact_id: str
    seller_id: str
    team_id: str
    source: str
    kind: ActionKind
    outcome: ActionOutcome
    at: str
    next_at: str = ""


OPPORTUNITY_OPENED = Message("event", "campaigns", "opportunity_opened", 1, OpportunityOpened, ("reporting",))
OPPORTUNITY_CLOSED = Message(
    "event", "campaigns", "opportunity_closed", 1, OpportunityClosed, ("capture", "distribution", "reporting")
)
ACTION_RECORDED = Message("event", "campaigns", "action_recorded", 1, ActionRecorded, ("reporting",))
