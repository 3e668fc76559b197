"""Sellers, their time off and their work."""

from typing import Any

from flask import Response
from marshmallow import Schema, ValidationError, fields, validate, validates_schema

from contracts import limits
from gateway.api.resource import Anything, Identifier, Instant, PageQuery, Resource, answer, page_of, unique
from gateway.parts import call
from gateway.worklist import work_of

_CLOCK = validate.Regexp(r"([01]\d|2[0-3]):[0-5]\d\Z|24:00\Z", error="A time such as 09:00.")


class Shift(Schema):
    """Working hours of some days of the week, in the seller's time zone. Monday is 0."""

    days = fields.List(
        fields.Integer(validate=validate.Range(0, 6)), required=True, validate=validate.Length(1, limits.DAYS)
    )
    start = fields.String(required=True, validate=_CLOCK, metadata={"example": "09:00"})
    end = fields.String(required=True, validate=_CLOCK, metadata={"example": "18:00"})


class SellerChanges(Schema):
    """What may be changed of a seller. No cap: null. No working hours: always at work."""

    name = fields.String(validate=validate.Length(1, limits.SELLER_NAME))
    email = fields.String(validate=validate.Length(max=limits.EMAIL))
    phone = fields.String(validate=validate.Length(max=limits.PHONE))
    locale = fields.String(
        validate=[
            validate.Length(1, limits.LOCALE),
            validate.Regexp(rf"{limits.LOCALE_PATTERN}\Z", error="A language such as pt or pt-BR."),
        ]
    )
    time_zone = fields.String(validate=validate.Length(1, limits.TIME_ZONE))
    channels = fields.List(
        fields.String(validate=validate.OneOf(("sms", "email"))), validate=unique("The same channel twice.")
    )
    teams = fields.List(Identifier(), validate=unique("The same team twice."))
    weight = fields.Integer(validate=validate.Range(1, limits.WEIGHT))
    daily_cap = fields.Integer(allow_none=True, validate=validate.Range(0, limits.CAP))
    open_cap = fields.Integer(allow_none=True, validate=validate.Range(0, limits.CAP))
    working_hours = fields.List(fields.Nested(Shift), validate=validate.Length(max=limits.SHIFTS))
    holidays = fields.List(
        fields.String(validate=validate.Regexp(r"\d{4}-\d{2}-\d{2}\Z", error="A date such as 2026-12-25.")),
        validate=validate.Length(max=limits.HOLIDAYS),
    )
    active = fields.Boolean()


class NewSeller(SellerChanges):
    """A seller to be added."""

    name = fields.String(required=True, validate=validate.Length(1, limits.SELLER_NAME))


class ChangedSeller(SellerChanges):
    """Changes of a seller."""

    version = fields.Integer(required=True)


class Seller(NewSeller):
    """A seller."""

    seller_id = fields.UUID()
    version = fields.Integer()


class SellersQuery(PageQuery):
    """Which sellers."""

    team_id = Identifier(load_default=None)


class TimeOff(Schema):
    """A time in which a seller gets nothing."""

    starts_at = Instant(required=True)
    ends_at = Instant(required=True)
    reason = fields.String(load_default="", validate=validate.Length(max=limits.REASON))

    @validates_schema
    def check_order(self, data: dict[str, Any], **_options: Any) -> None:
        if "starts_at" in data and "ends_at" in data and data["ends_at"] <= data["starts_at"]:
            raise ValidationError("It must end after it starts.", "ends_at")


blueprint = Resource("sellers", "sellers", "Sellers, their time off and their work")


@blueprint.reads("", page_of(Seller))
@blueprint.arguments(SellersQuery, location="query")
def list_sellers(query: dict[str, Any]) -> Response:
    """All sellers, or those of a team."""
    return answer(call("distribution", "list_sellers", **query))


@blueprint.writes("", Seller, status=201)
@blueprint.arguments(NewSeller)
def create_seller(seller: dict[str, Any]) -> Response:
    """Adds a seller, who takes part in the rotation of each of their teams at once."""
    made = call("distribution", "create_seller", seller=seller)
    return answer(made, 201, {"Location": f"/api/v1/sellers/{made['seller_id']}"})


@blueprint.reads("/<uuid:seller_id>", Seller)
def get_seller(seller_id: object) -> Response:
    """One seller."""
    return answer(call("distribution", "get_seller", seller_id=str(seller_id)))


@blueprint.writes("/<uuid:seller_id>", Seller, method="PATCH")
@blueprint.arguments(ChangedSeller)
def update_seller(changes: dict[str, Any], seller_id: object) -> Response:
    """Changes a seller."""
    version = changes.pop("version")
    return answer(call("distribution", "update_seller", seller_id=str(seller_id), changes=changes, version=version))


@blueprint.writes("/<uuid:seller_id>/time-off", Anything, status=201)
@blueprint.arguments(TimeOff)
def add_time_off(time_off: dict[str, Any], seller_id: object) -> Response:
    """Takes a seller out of the rotation for a time."""
    return answer(call("distribution", "add_time_off", seller_id=str(seller_id), **time_off), 201)


@blueprint.writes("/<uuid:seller_id>/time-off/<uuid:time_off_id>", None, method="DELETE", status=204)
def remove_time_off(seller_id: object, time_off_id: object) -> Response:
    """Gives a time off back."""
    call("distribution", "remove_time_off", seller_id=str(seller_id), time_off_id=str(time_off_id))
    return Response(status=204)


@blueprint.reads("/<uuid:seller_id>/work", page_of(Anything))
@blueprint.arguments(PageQuery, location="query")
def list_work(query: dict[str, Any], seller_id: object) -> Response:
    """The seller's leads with their contacts, newest first."""
    return answer(work_of(str(seller_id), **query))
