"""What sellers were told, and by which ways they want to be."""

from typing import Any

from flask import Response, current_app, request
from marshmallow import Schema, fields, validate

from contracts import limits
from contracts.access import MANAGERS, ROLES, SUPERVISORS
from gateway.accounts.noted import noted
from gateway.api import sellers
from gateway.api.precondition import card
from gateway.api.resource import Answer, PageQuery, Resource, answer, page_of
from gateway.api.sellers import CHANNELS
from gateway.api.shapes import Message
from gateway.api.values import EXAMPLE_ID, Body, Identifier, SeenVersion, unique
from gateway.live.tokens import stream_url
from gateway.parts import call, parts


class Inbox(page_of(Message)):  # type: ignore[misc]
    """A page of an inbox, and how many messages in it are unread."""

    unread = fields.Integer()


class ReadMessages(Body):
    """Messages a seller has seen."""

    message_ids = fields.List(Identifier(), required=True, validate=validate.Length(1, limits.MARKED_AT_ONCE))


class Marked(Answer):
    """How many were marked as read, and how many are unread still."""

    marked = fields.Integer()
    unread = fields.Integer()


class Stream(Answer):
    """An event stream."""

    url = fields.String()


class Settlement(Body):
    """What a person found out about a message, at the provider or from the seller."""

    outcome = fields.String(
        required=True,
        validate=validate.OneOf(("sent", "not_sent")),
        metadata={
            "description": "`sent`: done with. `not_sent`: it is sent once more, once it has been unknown for an hour."
        },
    )


class Ways(Schema):
    """How a seller hears of leads, besides in the app."""

    channels = fields.List(
        fields.String(validate=validate.OneOf(CHANNELS)), required=True, validate=unique("The same channel twice.")
    )


class ChangedSettings(Body, Ways):
    """How a seller wants to hear of leads, besides in the app. `version` is the seller's."""

    version = SeenVersion()


class NotificationSettings(Answer, Ways):
    """How a seller hears of leads, besides in the app. `version` is the seller's."""

    version = fields.Integer()


blueprint = Resource("notifications", "notifications", "What sellers were told")


@blueprint.reads("/<uuid:seller_id>", Inbox, roles=ROLES)
@blueprint.arguments(PageQuery, location="query")
def inbox(query: dict[str, Any], seller_id: object) -> Response:
    """A seller's inbox, newest first, with the number of unread messages."""
    return answer(call("notifications", "inbox", seller_id=str(seller_id), **query))


@blueprint.writes("/<uuid:seller_id>/read", Marked, roles=ROLES)
@blueprint.arguments(ReadMessages, example={"message_ids": [EXAMPLE_ID]})
def mark_read(read: dict[str, Any], seller_id: object) -> Response:
    """Marks messages of a seller's inbox as read."""
    return answer(call("notifications", "mark_read", seller_id=str(seller_id), message_ids=read["message_ids"]))


@blueprint.reads("/<uuid:seller_id>/stream", Stream, roles=ROLES)
def stream(seller_id: object) -> Response:
    """Where server-sent events tell of a seller's new leads as they come; good for a quarter of an hour."""
    seller = call("distribution", "get_seller", seller_id=str(seller_id))
    secret = current_app.config["SECRET_KEY"]
    return answer({"url": stream_url(parts().settings, secret, seller["seller_id"], request.url_root)})


@blueprint.reads("/<uuid:seller_id>/settings", NotificationSettings, roles=ROLES)
def get_settings(seller_id: object) -> Response:
    """By which ways a seller hears of leads."""
    seller = call("distribution", "get_seller", seller_id=str(seller_id))
    return card(_settings_of(seller), seller["version"])


@blueprint.writes(
    "/<uuid:seller_id>/settings", NotificationSettings, method="PUT", roles=(*MANAGERS, "seller"), card=True
)
@blueprint.arguments(ChangedSettings, example={"channels": ["sms"], "version": 1})
def change_settings(wanted: dict[str, Any], seller_id: object) -> Response:
    """Chooses by which ways a seller hears of leads; in the app they always do."""
    changed = sellers.change(str(seller_id), wanted)
    return card(_settings_of(changed), changed["version"])


def _settings_of(seller: dict[str, Any]) -> dict[str, Any]:
    return {name: seller[name] for name in ("channels", "version")}


@blueprint.reads("/messages/<uuid:message_id>", Message, roles=ROLES)
def get_message(message_id: object) -> Response:
    """One message: what the link in an SMS or e-mail names."""
    return answer(call("notifications", "message", message_id=str(message_id)))


@blueprint.reads("/unknown", page_of(Message), roles=SUPERVISORS)
@blueprint.arguments(PageQuery, location="query")
def unknown(query: dict[str, Any]) -> Response:
    """Messages of which nobody knows whether they arrived: a person decides."""
    return answer(call("notifications", "unknown", **query))


@blueprint.writes("/unknown/<uuid:message_id>/settle", Message, roles=SUPERVISORS)
@blueprint.arguments(Settlement, example={"outcome": "not_sent"})
def settle(settlement: dict[str, Any], message_id: object) -> Response:
    """Settles such a message, in the name of who asks; 409 when it is not unknown, no longer, or not long enough."""
    settled = call("notifications", "settle_message", message_id=str(message_id), **settlement)
    noted("settled a message", str(message_id), **settlement)
    return answer(settled)
