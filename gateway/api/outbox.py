"""Every message that went out, and the addresses nothing goes to any more."""

from typing import Any

from flask import Response
from marshmallow import fields, validate

from contracts.access import ROLES, SUPERVISORS
from gateway.accounts.noted import noted
from gateway.api.resource import Answer, PageQuery, Resource, answer, page_of
from gateway.api.shapes import CHANNELS, MESSAGE_STATES, Message, instant
from gateway.api.values import Body, Identifier, Text
from gateway.parts import call
from gateway.providers.simulation import KINDS, simulate
from gateway.worklist import sent_message

SIMULATED = sorted({kind for kinds in KINDS.values() for kind in kinds})
TEXT = 1000
SEARCHED = 200


class OutboxQuery(PageQuery):
    """Which messages, newest first."""

    channel = fields.String(load_default=None, validate=validate.OneOf(CHANNELS))
    state = fields.String(load_default=None, validate=validate.OneOf(MESSAGE_STATES))
    q = Text(
        load_default=None,
        validate=validate.Length(1, SEARCHED),
        metadata={"description": "A part of the seller's name, e-mail address or phone number."},
    )
    seller_id = Identifier(load_default=None)
    work_id = Identifier(load_default=None)


class Segments(Answer):
    """How a phone network carries an SMS. count: what is charged; left: until another segment begins."""

    encoding = fields.String(validate=validate.OneOf(("GSM-7", "UCS-2")))
    count = fields.Integer()
    units = fields.Integer()
    left = fields.Integer()


class Event(Answer):
    """Something a provider told of a message."""

    at = instant()
    kind = fields.String()
    code = fields.String()
    text = fields.String()


class SentMessage(Message):
    """A message as it went out, or would now while it waits, and what became of it."""

    seller_name = fields.String()
    address = fields.String()
    subject = fields.String(metadata={"description": "Of an e-mail."})
    text = fields.String()
    segments = fields.Nested(Segments, allow_none=True, metadata={"description": "Of an SMS."})
    due_at = instant(optional=True)
    events = fields.List(fields.Nested(Event), metadata={"description": "Oldest first."})


class SuppressionQuery(PageQuery):
    """Which addresses."""

    q = Text(
        load_default=None, validate=validate.Length(1, SEARCHED), metadata={"description": "A part of the address."}
    )


class Suppression(Answer):
    """An address nothing goes to."""

    suppression_id = fields.UUID()
    channel = fields.String(validate=validate.OneOf(("sms", "email")))
    address = fields.String()
    reason = fields.String()
    since = instant()


class Simulation(Body):
    """What is to have become of a message."""

    kind = fields.String(
        required=True,
        validate=validate.OneOf(SIMULATED),
        metadata={
            "description": "; ".join(f"{channel}: {', '.join(kinds)}" for channel, kinds in KINDS.items()),
        },
    )
    text = Text(
        load_default="",
        validate=validate.Length(0, TEXT),
        metadata={"description": "What was replied, the link that was clicked, or the reason it failed."},
    )


blueprint = Resource("outbox", "outbox", "Messages that went out, and what became of them")


@blueprint.reads("", page_of(SentMessage), roles=ROLES)
@blueprint.arguments(OutboxQuery, location="query")
def outbox(query: dict[str, Any]) -> Response:
    """Messages of all channels, newest first, with their text and what became of each."""
    return answer(call("notifications", "outbox", **query))


@blueprint.reads("/<uuid:message_id>", SentMessage, roles=ROLES)
def get_sent(message_id: object) -> Response:
    """One message with its text and what became of it."""
    return answer(sent_message(str(message_id)))


@blueprint.writes("/<uuid:message_id>/simulate", None, status=202, roles=SUPERVISORS)
@blueprint.arguments(Simulation, example={"kind": "replied", "text": "STOP"})
def simulate_event(simulation: dict[str, Any], message_id: object) -> Response:
    """While messages go to the sandbox: lets it call back as the provider would; 409 when they go to real people."""
    simulate(str(message_id), **simulation)
    noted("simulated what became of a message", str(message_id), kind=simulation["kind"])
    return Response(status=202)


@blueprint.reads("/suppressions", page_of(Suppression))
@blueprint.arguments(SuppressionQuery, location="query")
def suppressions(query: dict[str, Any]) -> Response:
    """Addresses nothing goes to, with the reason, newest first."""
    return answer(call("notifications", "suppressions", **query))


@blueprint.writes("/suppressions/<uuid:suppression_id>", None, method="DELETE", status=204)
def lift_suppression(suppression_id: object) -> Response:
    """Sends to this address again; what it did not get meanwhile is not sent."""
    call("notifications", "lift_suppression", suppression_id=str(suppression_id))
    noted("lets messages go to an address again", str(suppression_id))
    return Response(status=204)
