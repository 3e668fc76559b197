"""Rules: which team gets the leads of which form."""

from typing import Any

from flask import Response
from marshmallow import fields

from gateway.accounts.noted import noted
from gateway.api.resource import Answer, Resource, answer, list_of
from gateway.api.shapes import instant
from gateway.api.values import EXAMPLE_ID, Body, Identifier
from gateway.parts import call


class RuleTarget(Body):
    """Where the leads of a form go."""

    team_id = Identifier(required=True)


class Rule(Answer):
    """A rule."""

    form_id = fields.UUID()
    team_id = fields.UUID()
    strategy = fields.String(metadata={"example": "rotation"})
    version = fields.Integer()


class KnownRule(Rule):
    """A rule, and since when it is as it is."""

    updated_at = instant()


blueprint = Resource("rules", "rules", "Which team gets the leads of which form")


@blueprint.reads("", list_of(KnownRule))
def list_rules() -> Response:
    """All rules, oldest first."""
    return answer({"items": call("distribution", "list_rules")["items"]})


@blueprint.writes("/<uuid:form_id>", Rule, method="PUT")
@blueprint.arguments(RuleTarget, example={"team_id": EXAMPLE_ID})
def set_rule(rule: dict[str, Any], form_id: object) -> Response:
    """Sends the leads of a form to a team from now on; those that wait go along."""
    made = call("distribution", "set_rule", form_id=str(form_id), team_id=rule["team_id"])
    noted("sent a form's leads to a team", str(form_id), team_id=rule["team_id"])
    return answer(made)
