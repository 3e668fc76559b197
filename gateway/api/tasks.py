"""Tasks: what is to be done in an opportunity, and a seller's day."""

from datetime import date
from typing import Any

from flask import Response
from marshmallow import Schema, fields, validate

from contracts import limits
from contracts.access import ROLES
from contracts.campaigns import ACTION_KINDS, ACTION_OUTCOMES
from gateway.api.resource import Answer, Resource, answer
from gateway.api.shapes import OpportunityCard
from gateway.api.values import Body, Identifier, Instant, Text, Version
from gateway.api.work import AgendaTask
from gateway.parts import call

PLANNED_KINDS = (*(kind for kind in ACTION_KINDS if kind != "note"), "other")
RECALLS = ("2h", "1d", "1w")


class Day(fields.Date):
    """A day, handed on as text."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **options: Any) -> Any:
        day: date = super()._deserialize(value, attr, data, **options)
        if value != day.isoformat():
            raise self.make_error("invalid", input=value, obj_type="date")
        return value


class NewTask(Body):
    """Something to be done: planned with `due_at`, or free with `start_on`."""

    id = Identifier(
        metadata={"description": "Made up by the caller: the same again is the same task, and changes nothing."}
    )
    kind = fields.String(required=True, validate=validate.OneOf(PLANNED_KINDS))
    subject = Text(
        validate=validate.Length(max=limits.TASK_SUBJECT),
        metadata={"description": "What is to be done; `other` needs it."},
    )
    due_at = Instant(metadata={"description": "When it is due."})
    start_on = Day(metadata={"description": "From which day on it may be done, any time; not with `due_at`."})


class Recall(Body):
    """Until when a task is put off: `by` from now, or `due_at` or `start_on` with a reason."""

    id = Identifier(metadata={"description": "Made up by the caller: the same again changes nothing."})
    by = fields.String(
        validate=validate.OneOf(RECALLS),
        metadata={"description": "Two hours, or the same time tomorrow or in a week on the seller's clock."},
    )
    due_at = Instant()
    start_on = Day()
    reason = Text(validate=validate.Length(max=limits.REASON))
    task_version = Version(required=False, metadata={"description": "As it was seen; left out: whatever it is."})


class Done(Body):
    """What was done of a task."""

    id = Identifier(
        metadata={"description": "Made up by the caller: the same again is the same action, and changes nothing."}
    )
    kind = fields.String(validate=validate.OneOf(ACTION_KINDS), metadata={"description": "Left out: the task's own."})
    outcome = fields.String(
        validate=validate.OneOf(ACTION_OUTCOMES),
        metadata={"description": "Needed by a call, a visit and an interview."},
    )
    note = Text(validate=validate.Length(max=limits.NOTE))
    at = Instant(metadata={"description": "When it was; left out: now."})
    next_at = Instant(metadata={"description": "When the next thing is due; `callback` needs it."})
    next_kind = fields.String(
        validate=validate.OneOf(PLANNED_KINDS[:-1]), metadata={"description": "Left out: a call."}
    )


class Drop(Body):
    """Why a task is not to be done any more."""

    id = Identifier(metadata={"description": "Made up by the caller: the same again changes nothing."})
    reason = Text(required=True, validate=validate.Length(1, limits.REASON))
    task_version = Version(required=False, metadata={"description": "As it was seen; left out: whatever it is."})


class AgendaQuery(Schema):
    """Whose day, and which."""

    seller_id = Identifier(required=True)
    day = Day(load_default=None, metadata={"description": "Left out: today."})
    time_zone = Text(
        load_default="UTC",
        validate=validate.Length(1, limits.TIME_ZONE),
        metadata={"description": "An IANA name; whose days these are.", "example": "Europe/Lisbon"},
    )


class Tasks(Answer):
    """The first tasks of a list, and how many there are."""

    items = fields.List(fields.Nested(AgendaTask), metadata={"description": "At most 50, the earliest first."})
    count = fields.Integer()


class DayCount(Answer):
    """How many open tasks are due on a day, or begin on it."""

    day = fields.Date()
    planned = fields.Integer()
    free = fields.Integer()


class Agenda(Answer):
    """A seller's day."""

    day = fields.Date()
    today = fields.Date()
    time_zone = fields.String()
    week = fields.List(fields.Nested(DayCount), metadata={"description": "Monday to Sunday of the week of `day`."})
    overdue = fields.Nested(Tasks, metadata={"description": "What should have been done by now; of today only."})
    planned = fields.Nested(Tasks, metadata={"description": "The others of the day."})
    free = fields.Nested(Tasks, metadata={"description": "What began on the day; of today also what began before."})


blueprint = Resource("tasks", "", "What is to be done", roles=ROLES)


@blueprint.reads("/agenda", Agenda)
@blueprint.arguments(AgendaQuery, location="query")
def get_agenda(query: dict[str, Any]) -> Response:
    """A seller's day: planned tasks, free ones that have begun, what is overdue, and the counts of its week."""
    return answer(call("campaigns", "agenda_day", **query))


@blueprint.writes("/opportunities/<uuid:opportunity_id>/tasks", OpportunityCard, status=201)
@blueprint.arguments(NewTask, example={"kind": "visit", "subject": "Bring samples", "start_on": "2027-01-05"})
def add_task(task: dict[str, Any], opportunity_id: object) -> Response:
    """Plans something to be done, for the seller of the opportunity."""
    return answer(call("campaigns", "add_task", opportunity_id=str(opportunity_id), task=task), 201)


@blueprint.writes("/tasks/<uuid:task_id>/recall", OpportunityCard)
@blueprint.arguments(Recall, example={"by": "2h", "task_version": 1})
def recall_task(recall: dict[str, Any], task_id: object) -> Response:
    """Puts a task off."""
    return answer(call("campaigns", "recall_task", task_id=str(task_id), recall=recall))


@blueprint.writes("/tasks/<uuid:task_id>/done", OpportunityCard)
@blueprint.arguments(Done, example={"outcome": "reached", "note": "Wants a quote"})
def do_task(action: dict[str, Any], task_id: object) -> Response:
    """Keeps what was done of a task, which ends it."""
    return answer(call("campaigns", "do_task", task_id=str(task_id), action=action))


@blueprint.writes("/tasks/<uuid:task_id>/drop", OpportunityCard)
@blueprint.arguments(Drop, example={"reason": "Came in by himself", "task_version": 1})
def drop_task(drop: dict[str, Any], task_id: object) -> Response:
    """Ends a task that is not to be done any more."""
    return answer(call("campaigns", "drop_task", task_id=str(task_id), drop=drop))
