"""What sellers were told."""

from typing import Any

from flask import Response
from marshmallow import Schema, fields, validate

from contracts import limits
from gateway.api.resource import Anything, Identifier, PageQuery, Resource, answer, page_of
from gateway.parts import actor, call


class ReadMessages(Schema):
    """Messages a seller has seen."""

    message_ids = fields.List(Identifier(), required=True, validate=validate.Length(1, limits.MARKED_AT_ONCE))


class Settlement(Schema):
    """What a person found out about a message, at the provider or from the seller."""

    outcome = fields.String(
        required=True,
        validate=validate.OneOf(("sent", "not_sent")),
        metadata={
            "description": "`sent`: done with. `not_sent`: it is sent once more, once it has been unknown for an hour."
        },
    )


blueprint = Resource("notifications", "notifications", "What sellers were told")


@blueprint.reads("/<uuid:seller_id>", page_of(Anything))
@blueprint.arguments(PageQuery, location="query")
def inbox(query: dict[str, Any], seller_id: object) -> Response:
    """A seller's inbox, newest first, with the number of unread messages."""
    return answer(call("notifications", "inbox", seller_id=str(seller_id), **query))


@blueprint.writes("/<uuid:seller_id>/read")
@blueprint.arguments(ReadMessages)
def mark_read(read: dict[str, Any], seller_id: object) -> Response:
    """Marks messages of a seller's inbox as read."""
    return answer(call("notifications", "mark_read", seller_id=str(seller_id), message_ids=read["message_ids"]))


@blueprint.reads("/unknown", page_of(Anything))
@blueprint.arguments(PageQuery, location="query")
def unknown(query: dict[str, Any]) -> Response:
    """Messages of which nobody knows whether they arrived: a person decides."""
    return answer(call("notifications", "unknown", **query))


@blueprint.writes("/unknown/<uuid:message_id>/settle")
@blueprint.arguments(Settlement)
def settle(settlement: dict[str, Any], message_id: object) -> Response:
    """Settles such a message, in the name of the key; 409 when it is not unknown, no longer, or not long enough."""
    return answer(call("notifications", "settle_message", message_id=str(message_id), by=actor().name, **settlement))
