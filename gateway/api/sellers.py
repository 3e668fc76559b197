"""Sellers, their hours, their time off, and the switch by which they say whether they take leads."""

from datetime import datetime
from typing import Any

from flask import Response
from marshmallow import Schema, ValidationError, fields, validate, validates_schema

from contracts import limits
from contracts.access import ROLES, SUPERVISORS
from gateway.accounts.noted import noted
from gateway.api.precondition import as_seen, card
from gateway.api.resource import Answer, PageQuery, Resource, answer, page_of
from gateway.api.shapes import instant
from gateway.api.values import Body, Flag, Identifier, Instant, Pattern, QueryFlag, SeenVersion, Text, Whole, unique
from gateway.parts import actor, call

CHANNELS = ("sms", "email")
ABSENCES = ("", "inactive", "switched_off", "time_off", "holiday", "off_hours")

_CLOCK = Pattern("([01][0-9]|2[0-3]):[0-5][0-9]|24:00", "A time such as 09:00.")


class Shift(Body):
    """Working hours of some days of the week, in the seller's time zone. Monday is 0."""

    days = fields.List(Whole(0, 6), required=True, validate=validate.Length(1, limits.DAYS))
    start = fields.String(required=True, validate=_CLOCK, metadata={"example": "09:00"})
    end = fields.String(required=True, validate=_CLOCK, metadata={"example": "18:00"})


class SellerChanges(Body):
    """What may be changed of a seller; by the seller themself: email, phone, locale and channels. No cap: null. No
    working hours: always at work."""

    name = Text(validate=validate.Length(1, limits.SELLER_NAME), metadata={"example": "Ana Sofia"})
    email = Text(validate=validate.Length(max=limits.EMAIL), metadata={"example": "ana@example.com"})
    phone = Text(validate=validate.Length(max=limits.PHONE), metadata={"example": "+351912345678"})
    locale = fields.String(
        validate=[
            validate.Length(1, limits.LOCALE),
            Pattern(limits.LOCALE_PATTERN, "A language such as pt or pt-BR."),
        ],
        metadata={"example": "pt"},
    )
    time_zone = Text(validate=validate.Length(1, limits.TIME_ZONE), metadata={"example": "Europe/Lisbon"})
    channels = fields.List(
        fields.String(validate=validate.OneOf(CHANNELS)),
        validate=unique("The same channel twice."),
        metadata={"description": "How leads are told of, besides in the app."},
    )
    teams = fields.List(Identifier(), validate=unique("The same team twice."))
    weight = Whole(1, limits.WEIGHT, metadata={"description": "Twice the weight: twice the leads."})
    daily_cap = Whole(0, limits.CAP, allow_none=True)
    open_cap = Whole(0, limits.CAP, allow_none=True)
    working_hours = fields.List(fields.Nested(Shift), validate=validate.Length(max=limits.SHIFTS))
    holidays = fields.List(
        fields.String(validate=Pattern("[0-9]{4}-[0-9]{2}-[0-9]{2}", "A date such as 2026-12-25.")),
        validate=validate.Length(max=limits.HOLIDAYS),
        metadata={"example": ["2026-12-25"]},
    )
    active = Flag()


class NewSeller(SellerChanges):
    """A seller to be added."""

    name = Text(required=True, validate=validate.Length(1, limits.SELLER_NAME), metadata={"example": "Ana Sofia"})


class ChangedSeller(SellerChanges):
    """Changes of a seller."""

    version = SeenVersion()


class Absence(Answer):
    """A time in which a seller gets nothing."""

    id = fields.UUID()
    starts_at = instant()
    ends_at = instant()
    reason = fields.String()


class AbsenceOf(Absence):
    """A time in which a seller gets nothing, and which seller."""

    seller_id = fields.UUID()


class Seller(Answer, NewSeller):
    """A seller, and how they stand at this moment."""

    seller_id = fields.UUID()
    version = fields.Integer()
    time_off = fields.List(fields.Nested(Absence))
    available = fields.Boolean(metadata={"description": "The seller's own switch."})
    available_until = instant("When the switch turns by itself.", optional=True)
    on_duty = fields.Boolean(metadata={"description": "Whether they can be given leads now, caps aside."})
    off_duty_reason = fields.String(validate=validate.OneOf(ABSENCES))
    open_work = fields.Integer()
    given_today = fields.Integer()
    created_at = instant()
    updated_at = instant()


class SellersQuery(PageQuery):
    """Which sellers."""

    team_id = Identifier(load_default=None)
    q = Text(
        load_default="",
        validate=validate.Length(max=limits.SEARCH),
        metadata={"description": "A part of the name or e-mail address."},
    )
    active = QueryFlag(load_default=None)


class Names(Answer):
    """Names by id, of everybody the key may see."""

    sellers = fields.Dict(keys=fields.String(), values=fields.String())
    teams = fields.Dict(keys=fields.String(), values=fields.String())


class Availability(Body):
    """The switch. `until`: when it turns the other way by itself."""

    available = Flag(required=True)
    until = Instant(allow_none=True, load_default=None)


class TimeOff(Body):
    """A time in which a seller gets nothing."""

    starts_at = Instant(required=True, metadata={"example": "2027-08-02T00:00:00+01:00"})
    ends_at = Instant(required=True, metadata={"example": "2027-08-16T00:00:00+01:00"})
    reason = Text(load_default="", validate=validate.Length(max=limits.REASON))

    @validates_schema
    def check_order(self, data: dict[str, Any], **_options: Any) -> None:
        if datetime.fromisoformat(data["ends_at"]) <= datetime.fromisoformat(data["starts_at"]):
            raise ValidationError("It must end after it starts.", "ends_at")


class Absences(Answer):
    """Times in which sellers get nothing."""

    items = fields.List(fields.Nested(AbsenceOf))
    is_cut = fields.Boolean(metadata={"description": "Whether there are more, later than these."})


class TimeOffQuery(Schema):
    """Whose time off, and which part of a calendar it has to touch."""

    since = Instant(required=True)
    until = Instant(required=True)
    team_id = Identifier(load_default=None)
    seller_id = Identifier(load_default=None)


blueprint = Resource("sellers", "sellers", "Sellers, their hours and their time off")


@blueprint.reads("", page_of(Seller), roles=SUPERVISORS)
@blueprint.arguments(SellersQuery, location="query")
def list_sellers(query: dict[str, Any]) -> Response:
    """Sellers, newest first: all, or those of a team, or those found."""
    return answer(call("distribution", "list_sellers", **query))


@blueprint.writes("", Seller, status=201)
@blueprint.arguments(NewSeller, example={"name": "Ana Sofia", "email": "ana@example.com", "channels": ["sms"]})
def create_seller(seller: dict[str, Any]) -> Response:
    """Adds a seller, who takes part in the rotation of each of their teams at once."""
    made = call("distribution", "create_seller", seller=seller)
    noted("added a seller", made["seller_id"])
    return card(made, made["version"], 201, {"Location": f"/api/v1/sellers/{made['seller_id']}"})


@blueprint.reads("/names", Names, roles=ROLES)
def names() -> Response:
    """Names of sellers and teams by their ids, for labels."""
    return answer(call("distribution", "staff_names"))


@blueprint.reads("/time-off", Absences, roles=SUPERVISORS)
@blueprint.arguments(TimeOffQuery, location="query")
def list_time_off(query: dict[str, Any]) -> Response:
    """Time off for a calendar, earliest first, at most 1000."""
    found = call("distribution", "list_time_off", **query)
    return answer({"items": found["items"], "is_cut": found["is_cut"]})


@blueprint.reads("/<uuid:seller_id>", Seller, roles=ROLES)
def get_seller(seller_id: object) -> Response:
    """One seller."""
    seller = call("distribution", "get_seller", seller_id=str(seller_id))
    return card(seller, seller["version"])


@blueprint.writes("/<uuid:seller_id>", Seller, method="PATCH", roles=ROLES, card=True)
@blueprint.arguments(ChangedSeller, example={"version": 1, "daily_cap": 20, "channels": ["sms", "email"]})
def update_seller(changes: dict[str, Any], seller_id: object) -> Response:
    """Changes a seller; a seller may change how they are reached."""
    changed = change(str(seller_id), changes)
    return card(changed, changed["version"])


def change(seller_id: str, changes: dict[str, Any]) -> dict[str, Any]:
    """Changes a seller who is still as the caller saw them."""
    with as_seen(changes, lambda: int(call("distribution", "get_seller", seller_id=seller_id)["version"])) as version:
        changed: dict[str, Any] = call(
            "distribution", "update_seller", seller_id=seller_id, changes=changes, version=version
        )
    noted("changed a seller", seller_id)
    return changed


@blueprint.writes("/<uuid:seller_id>/availability", Seller, method="PUT", roles=ROLES)
@blueprint.arguments(Availability, example={"available": False, "until": "2027-01-04T14:00:00+00:00"})
def set_available(switch: dict[str, Any], seller_id: object) -> Response:
    """Turns the seller's own switch; who turns it on gets what waits."""
    changed = call("distribution", "set_available", seller_id=str(seller_id), **switch)
    if actor().seller_id != str(seller_id):  # one's own switch is turned many times a day
        noted("switched a seller on" if switch["available"] else "switched a seller off", str(seller_id))
    return card(changed, changed["version"])


@blueprint.writes("/<uuid:seller_id>/time-off", Seller, status=201, roles=SUPERVISORS)
@blueprint.arguments(
    TimeOff,
    example={"starts_at": "2027-08-02T00:00:00+01:00", "ends_at": "2027-08-16T00:00:00+01:00", "reason": "Holiday"},
)
def add_time_off(time_off: dict[str, Any], seller_id: object) -> Response:
    """Takes a seller out of the rotation for a time."""
    changed = call("distribution", "add_time_off", seller_id=str(seller_id), **time_off)
    noted("added time off", str(seller_id))
    return card(changed, changed["version"], 201)


@blueprint.writes("/<uuid:seller_id>/time-off/<uuid:time_off_id>", None, method="DELETE", status=204, roles=SUPERVISORS)
def remove_time_off(seller_id: object, time_off_id: object) -> Response:
    """Gives a time off back."""
    call("distribution", "remove_time_off", seller_id=str(seller_id), time_off_id=str(time_off_id))
    noted("removed time off", str(seller_id))
    return Response(status=204)
