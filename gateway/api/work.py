"""Work: who has which lead, what is to be done, and when."""

from typing import Any

from flask import Response
from marshmallow import Schema, fields, validate

from contracts.access import ROLES, SUPERVISORS
from gateway.api.resource import Answer, PageQuery, Resource, answer, page_of
from gateway.api.shapes import WORK_STATES, Task, Work
from gateway.api.values import Identifier, Instant
from gateway.parts import call
from gateway.worklist import waiting, with_cards, work_of


class OrderedQuery(PageQuery):
    """Which work, in which order."""

    state = fields.String(load_default=None, validate=validate.OneOf(WORK_STATES))
    order = fields.String(
        load_default="newest",
        validate=validate.OneOf(("newest", "priority")),
        metadata={
            "description": "`priority`: what its seller has not opened first, then the highest score, then the oldest; "
            "without what is closed, unless that is asked for."
        },
    )


class WorkQuery(OrderedQuery):
    """Which work."""

    seller_id = Identifier(load_default=None)
    team_id = Identifier(load_default=None)
    form_id = Identifier(load_default=None)
    since = Instant(load_default=None, metadata={"description": "What arrived then or later."})


class WaitingQuery(PageQuery):
    """Whose waiting leads."""

    team_id = Identifier(load_default=None)


class WorkCounts(Answer):
    """How much work a seller has."""

    new = fields.Integer(metadata={"description": "Not opened yet."})
    open = fields.Integer(metadata={"description": "All they have."})
    closed_today = fields.Integer(metadata={"description": "By the seller's own calendar."})


class AgendaQuery(PageQuery):
    """Which tasks."""

    until = Instant(load_default=None, metadata={"description": "Due before."})


class AgendaTask(Task):
    """A task, and the lead it is about."""

    work_id = fields.UUID()
    lead_id = fields.UUID()
    contact_id = fields.UUID(allow_none=True)
    source = fields.String()
    version = fields.Integer(metadata={"description": "Of the opportunity."})


class AgendaCountsQuery(Schema):
    """What is overdue now, and when the day ends."""

    now = Instant(required=True, metadata={"example": "2027-01-04T10:00:00+00:00"})
    day_end = Instant(required=True, metadata={"example": "2027-01-05T00:00:00+00:00"})


class AgendaCounts(Answer):
    """How many tasks are due: before now, then before the end of the day, and after it."""

    overdue = fields.Integer()
    today = fields.Integer()
    later = fields.Integer()


blueprint = Resource("work", "", "Who has which lead, and what is to be done")


@blueprint.reads("/work", page_of(Work), roles=SUPERVISORS)
@blueprint.arguments(WorkQuery, location="query")
def list_work(query: dict[str, Any]) -> Response:
    """Work with its leads, newest first unless told otherwise."""
    page = call("distribution", "list_work", **query)
    return answer({**page, "items": with_cards(page["items"])})


@blueprint.reads("/waiting", page_of(Work), roles=SUPERVISORS)
@blueprint.arguments(WaitingQuery, location="query")
def list_waiting(query: dict[str, Any]) -> Response:
    """Leads that wait for a seller, and what they wait for."""
    return answer(waiting(**query))


@blueprint.reads("/sellers/<uuid:seller_id>/work", page_of(Work), roles=ROLES)
@blueprint.arguments(OrderedQuery, location="query")
def seller_work(query: dict[str, Any], seller_id: object) -> Response:
    """The seller's leads with their contacts, what they were given last first unless told otherwise."""
    return answer(work_of(str(seller_id), **query))


@blueprint.reads("/sellers/<uuid:seller_id>/work/counts", WorkCounts, roles=ROLES)
def work_counts(seller_id: object) -> Response:
    """How much work the seller has."""
    return answer(call("distribution", "work_counts", seller_id=str(seller_id)))


@blueprint.reads("/sellers/<uuid:seller_id>/agenda", page_of(AgendaTask), roles=ROLES)
@blueprint.arguments(AgendaQuery, location="query")
def agenda(query: dict[str, Any], seller_id: object) -> Response:
    """The seller's open tasks, the longest overdue first."""
    return answer(call("campaigns", "agenda", seller_id=str(seller_id), **query))


@blueprint.reads("/sellers/<uuid:seller_id>/agenda/counts", AgendaCounts, roles=ROLES)
@blueprint.arguments(AgendaCountsQuery, location="query")
def agenda_counts(query: dict[str, Any], seller_id: object) -> Response:
    """How many of the seller's tasks are overdue, due today, and due later."""
    return answer(call("campaigns", "agenda_counts", seller_id=str(seller_id), **query))
