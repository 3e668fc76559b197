"""Messages of notifications, which owns messages, deliveries and the in-app inbox."""

from dataclasses import dataclass
from typing import Literal

from contracts.message import Fact, Message


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageSent(Fact):
    """A message reached its channel; subject is the message's id.

    recipient_kind: "seller" or "contact"; recipient_id is that seller's or contact's id.
    status: "sent", "failed" (refused for good) or "unknown" (no answer; a person decides).
    """

    message_id: str
    channel: Literal["in_app", "sms", "email"]
    recipient_kind: Literal["seller", "contact"]
    recipient_id: str
    work_id: str
    status: Literal["sent", "failed", "unknown"]
    sent_at: str


MESSAGE_SENT = Message("event", "notifications", "message_sent", 1, MessageSent, ("reporting",))
