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


Provider = Literal["twilio", "sendgrid"]

ProviderEventKind = Literal[
    "sent", "delivered", "failed", "bounced", "opened", "clicked", "unsubscribed", "complained", "replied"
]


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderEvent(Fact):
    """What a provider told in a callback whose signature was right. Events of one message come in any order and more
    than once; subject is `message_id`, else `provider_id`, else `event_id`; subject_version is always 1.

    kind: "bounced" says that the e-mail address takes nothing, now or later; what failed for another reason, or was
    dropped by the provider, is "failed". "unsubscribed" and "complained" are the recipient's own doing. "replied" is
    an SMS that came in, whether or not it answers one of ours.
    event_id: the provider's own id of the event, or what makes it one, such as "SM…:delivered"; with `provider`
    it is what a repeated event is known by. At most 200 characters.
    message_id: our id of the message, empty where it is not known; provider_id: the id with which the provider
    answered the send (for SendGrid the part of `sg_message_id` before the first dot), for "replied" that of the reply.
    at: when it happened, by the provider's clock.
    address: the recipient's phone number in E.164 or e-mail address; for "replied" who wrote it.
    text: what was written, the link that was clicked, or the provider's words about a failure. code: its error code.
    """

    provider: Provider
    kind: ProviderEventKind
    event_id: str
    at: str
    message_id: str = ""
    provider_id: str = ""
    address: str = ""
    text: str = ""
    code: str = ""


MESSAGE_SENT = Message("event", "notifications", "message_sent", 1, MessageSent, ("reporting",))
RECORD_PROVIDER_EVENT = Message(
    "command", "notifications", "record_provider_event", 1, ProviderEvent, ("notifications",)
)
