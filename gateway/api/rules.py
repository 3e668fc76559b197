"""Rules: which team gets the leads of which form."""

from typing import Any

from flask import Response
from marshmallow import Schema, fields

from gateway.api.resource import Identifier, Resource, answer
from gateway.parts import call


class RuleTarget(Schema):
    """Where the leads of a form go."""

    team_id = Identifier(required=True)


class Rule(RuleTarget):
    """A rule."""

    form_id = fields.UUID()
    strategy = fields.String()
    version = fields.Integer()


class Rules(Schema):
    """All rules."""

    items = fields.List(fields.Nested(Rule))


blueprint = Resource("rules", "rules", "Which team gets the leads of which form")


@blueprint.reads("", Rules)
def list_rules() -> Response:
    """All rules."""
    return answer(call("distribution", "list_rules"))


@blueprint.writes("/<uuid:form_id>", Rule, method="PUT")
@blueprint.arguments(RuleTarget)
def set_rule(rule: dict[str, Any], form_id: object) -> Response:
    """Sends the leads of a form to a team from now on."""
    return answer(call("distribution", "set_rule", form_id=str(form_id), team_id=rule["team_id"]))
