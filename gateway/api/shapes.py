"""What is answered of leads, work and messages: the same whichever route asks."""

from typing import Any, get_args

from marshmallow import fields, validate

from contracts.campaigns import ACTION_KINDS, ACTION_OUTCOMES
from contracts.capture import Channel
from gateway.api.resource import Answer

WORK_STATES = ("waiting", "assigned", "closed")
MESSAGE_STATES = (
    *("queued", "sending", "sent", "delivered", "failed", "bounced", "unknown", "withdrawn", "suppressed"),
)
CHANNELS = ("in_app", "sms", "email")


def instant(description: str = "", *, optional: bool = False) -> fields.Field[Any]:
    """A time in an answer, ISO 8601 in UTC. optional: null while it has not come."""
    return fields.AwareDateTime(allow_none=optional, metadata={"description": description} if description else {})


def one_of(names: tuple[str, ...], description: str = "") -> fields.Field[Any]:
    """One of a few words."""
    return fields.String(validate=validate.OneOf(names), metadata={"description": description} if description else {})


def same_as(name: str) -> fields.Field[Any]:
    """An id that an answer also has under a name that says what of."""
    return fields.UUID(metadata={"description": f"The same as `{name}`."})


class Card(Answer):
    """A lead with its contact, and whose it is."""

    lead_id = fields.UUID()
    id = same_as("lead_id")
    form_id = fields.UUID()
    form_name = fields.String()
    contact_id = fields.UUID()
    name = fields.String()
    email = fields.String()
    phone = fields.String(metadata={"description": "In international form where it could be read.", "example": "+351"})
    company = fields.String()
    city = fields.String()
    country = fields.String()
    quality = fields.Integer(metadata={"description": "How much is known of the contact, 0 to 100."})
    source = fields.String()
    channel = fields.String(validate=validate.OneOf(get_args(Channel)))
    score = fields.Integer()
    is_test = fields.Boolean()
    fields_ = fields.Dict(
        keys=fields.String(),
        values=fields.String(),
        data_key="fields",
        attribute="fields",
        metadata={"description": "What was answered, by the name of the field.", "example": {"name": "Ana"}},
    )
    labels = fields.Dict(
        keys=fields.String(), values=fields.String(), metadata={"description": "What people read as a field's name."}
    )
    context = fields.Dict(
        keys=fields.String(), values=fields.String(), metadata={"description": "Where the visitor came from."}
    )
    import_id = fields.String(metadata={"description": "The import it came by; empty: by none."})
    correlation_id = fields.String()
    received_at = instant()
    captured_at = instant()
    seller_id = fields.UUID(allow_none=True)
    team_id = fields.UUID(allow_none=True)


class Assignment(Answer):
    """Who has a lead, or what it waits for."""

    work_id = same_as("lead_id")
    lead_id = fields.UUID()
    contact_id = fields.UUID()
    form_id = fields.UUID()
    source = fields.String()
    score = fields.Integer()
    state = one_of(WORK_STATES)
    seller_id = fields.UUID(allow_none=True)
    team_id = fields.UUID(allow_none=True)
    assignment_version = fields.Integer(metadata={"description": "Grows when the seller changes: send it back."})
    reason = fields.String(metadata={"description": "Why this seller: `rotation`, `hand`; empty while it waits."})
    waiting_reason = fields.String(metadata={"description": "Why nobody has it; empty: somebody is about to."})
    waiting_since = instant(optional=True)
    assigned_at = instant(optional=True)
    opened_at = instant("When its seller first looked at it.", optional=True)
    closed_at = instant(optional=True)
    captured_at = instant()
    returned_by = fields.List(fields.UUID(), metadata={"description": "Sellers who gave it back."})


class Lead(Card):
    """A lead with its contact and assignment."""

    assignment = fields.Nested(
        Assignment, allow_none=True, metadata={"description": "Null until distribution has heard of the lead."}
    )


class Work(Assignment):
    """Who has a lead, and the lead."""

    card = fields.Nested(Card, allow_none=True, metadata={"description": "Null until capture's news has come."})


class Task(Answer):
    """Something to be done for an opportunity."""

    task_id = fields.UUID()
    id = same_as("task_id")
    opportunity_id = fields.UUID()
    seller_id = fields.UUID(allow_none=True)
    kind = fields.String(metadata={"description": "`first_contact`, a kind of action, or `other`."})
    subject = fields.String(metadata={"description": "What is to be done, in somebody's words; or empty."})
    state = one_of(("open", "done", "dropped"))
    due_at = instant("Of a free task: when its day begins.")
    start_on = fields.Date(
        allow_none=True, metadata={"description": "The day on which a free task begins; null: it is planned."}
    )
    by_hand = fields.Boolean(metadata={"description": "Whether somebody planned it."})
    task_version = fields.Integer(metadata={"description": "Grows when it is put off or ends: send it back."})
    created_at = instant()
    done_at = instant(optional=True)


class Opportunity(Answer):
    """A lead that somebody works on, or has."""

    opportunity_id = fields.UUID()
    id = same_as("opportunity_id")
    work_id = fields.UUID()
    lead_id = fields.UUID()
    contact_id = fields.UUID(allow_none=True)
    seller_id = fields.UUID(allow_none=True)
    team_id = fields.UUID(allow_none=True)
    source = fields.String()
    state = one_of(("open", "closed"))
    outcome = fields.String(metadata={"description": "`won`, `lost` or `completed`; empty while it is open."})
    reason = fields.String()
    amount = fields.Integer(allow_none=True, metadata={"description": "What was sold, in minor units of `currency`."})
    currency = fields.String(metadata={"description": "As in ISO 4217; empty without an amount.", "example": "EUR"})
    assignment_version = fields.Integer()
    version = fields.Integer()
    correlation_id = fields.String()
    opened_at = instant()
    closed_at = instant(optional=True)


class Entry(Answer):
    """Something that happened in an opportunity."""

    at = instant()
    what = one_of(
        ("opened", "handed_over", "action", "task_added", "task_recalled", "task_done", "task_dropped", "closed")
    )
    seller_id = fields.String(metadata={"description": "Who did it, or got it; empty: it was taken away."})
    kind = fields.String(metadata={"description": f"Of an action or task: {', '.join(ACTION_KINDS)}; or empty."})
    outcome = fields.String(metadata={"description": f"{', '.join(filter(None, ACTION_OUTCOMES))}; or empty."})
    note = fields.String(metadata={"description": "What was noted, or why."})
    next_at = instant(optional=True)
    next_on = fields.String(metadata={"description": "The day of a free task; or empty."})
    from_at = instant("When a task was due before.", optional=True)
    from_on = fields.String(metadata={"description": "The day on which it began before; or empty."})
    subject = fields.String(metadata={"description": "Of a task; or empty."})
    by_name = fields.String(metadata={"description": "Who did it, where that is no seller; or empty."})


class OpportunityCard(Opportunity):
    """An opportunity with what is to be done and what happened."""

    tasks = fields.List(fields.Nested(Task), metadata={"description": "Open ones."})
    timeline = fields.List(fields.Nested(Entry), metadata={"description": "Newest first, at most 200."})


class Message(Answer):
    """Something a seller was told."""

    message_id = fields.UUID()
    work_id = fields.UUID(metadata={"description": "Of a digest: the lead that opened it."})
    lead_id = fields.UUID()
    contact_id = fields.String()
    seller_id = fields.UUID()
    team_id = fields.UUID(allow_none=True)
    assignment_version = fields.Integer()
    channel = one_of(CHANNELS)
    kind = one_of(("assignment", "digest"))
    leads = fields.Integer(metadata={"description": "How many leads it tells of."})
    source = fields.String()
    state = one_of(MESSAGE_STATES)
    attempts = fields.Integer()
    error = fields.String()
    provider_id = fields.String()
    settled_as = fields.String()
    settled_by = fields.String()
    created_at = instant()
    read_at = instant(optional=True)
    withdrawn_at = instant(optional=True)
    sent_at = instant(optional=True)
    claimed_at = instant(optional=True)
    unknown_at = instant(optional=True)
    settled_at = instant(optional=True)
