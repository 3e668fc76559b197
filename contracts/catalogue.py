"""Every message type there is."""

from contracts.campaigns import ACTION_RECORDED, OPPORTUNITY_CLOSED, OPPORTUNITY_OPENED
from contracts.capture import ACCEPT_SUBMISSION, FORM_CHANGED, LEAD_CAPTURED
from contracts.distribution import SELLER_CHANGED, WORK_ASSIGNED, WORK_UNASSIGNED, WORK_WAITS
from contracts.message import Message
from contracts.notifications import MESSAGE_SENT, RECORD_PROVIDER_EVENT

SERVICES = ("capture", "distribution", "campaigns", "notifications", "reporting")

MESSAGES: tuple[Message, ...] = (
    ACCEPT_SUBMISSION,
    FORM_CHANGED,
    LEAD_CAPTURED,
    SELLER_CHANGED,
    WORK_ASSIGNED,
    WORK_UNASSIGNED,
    WORK_WAITS,
    OPPORTUNITY_OPENED,
    OPPORTUNITY_CLOSED,
    ACTION_RECORDED,
    MESSAGE_SENT,
    RECORD_PROVIDER_EVENT,
)
