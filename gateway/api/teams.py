"""Teams of sellers."""

from typing import Any

from flask import Response
from marshmallow import fields, validate

from contracts import limits
from contracts.access import SUPERVISORS
from gateway.accounts.noted import noted
from gateway.api.precondition import as_seen, card
from gateway.api.resource import Answer, PageQuery, Resource, answer, list_of, page_of
from gateway.api.shapes import instant
from gateway.api.values import Body, SeenVersion, Text
from gateway.parts import call


class TeamChanges(Body):
    """What may be changed of a team."""

    name = Text(validate=validate.Length(1, limits.TEAM_NAME), metadata={"example": "Lisboa"})
    supervisor = Text(validate=validate.Length(max=limits.SUPERVISOR))
    time_zone = Text(validate=validate.Length(1, limits.TIME_ZONE), metadata={"example": "Europe/Lisbon"})


class NewTeam(TeamChanges):
    """A team to be made."""

    name = Text(required=True, validate=validate.Length(1, limits.TEAM_NAME), metadata={"example": "Lisboa"})


class ChangedTeam(TeamChanges):
    """Changes of a team."""

    version = SeenVersion()


class Team(Answer, NewTeam):
    """A team."""

    team_id = fields.UUID()
    members = fields.Integer()
    waiting = fields.Integer(metadata={"description": "Leads that wait in its pool."})
    version = fields.Integer()
    created_at = instant()
    updated_at = instant()


class TeamsQuery(PageQuery):
    """Which teams."""

    q = Text(
        load_default="", validate=validate.Length(max=limits.SEARCH), metadata={"description": "A part of the name."}
    )


class Share(Answer):
    """What a seller got by rotation, and was due, in leads."""

    seller_id = fields.UUID()
    name = fields.String()
    member = fields.Boolean(metadata={"description": "False: left the team."})
    weight = fields.Integer()
    got = fields.Integer()
    due = fields.Float()
    debt = fields.Float(metadata={"description": "What was due and has not come yet."})


blueprint = Resource("teams", "teams", "Teams of sellers")


@blueprint.reads("", page_of(Team), roles=SUPERVISORS)
@blueprint.arguments(TeamsQuery, location="query")
def list_teams(query: dict[str, Any]) -> Response:
    """Teams, newest first."""
    return answer(call("distribution", "list_teams", **query))


@blueprint.writes("", Team, status=201)
@blueprint.arguments(NewTeam, example={"name": "Lisboa", "time_zone": "Europe/Lisbon"})
def create_team(team: dict[str, Any]) -> Response:
    """Makes a team."""
    made = call("distribution", "create_team", team=team)
    noted("made a team", made["team_id"])
    return card(made, made["version"], 201, {"Location": f"/api/v1/teams/{made['team_id']}"})


@blueprint.reads("/<uuid:team_id>", Team, roles=SUPERVISORS)
def get_team(team_id: object) -> Response:
    """One team."""
    team = call("distribution", "get_team", team_id=str(team_id))
    return card(team, team["version"])


@blueprint.writes("/<uuid:team_id>", Team, method="PATCH", card=True)
@blueprint.arguments(ChangedTeam, example={"name": "Lisboa e Setúbal", "version": 1})
def update_team(changes: dict[str, Any], team_id: object) -> Response:
    """Changes a team."""
    with as_seen(changes, lambda: int(call("distribution", "get_team", team_id=str(team_id))["version"])) as version:
        changed = call("distribution", "update_team", team_id=str(team_id), changes=changes, version=version)
    noted("changed a team", str(team_id))
    return card(changed, changed["version"])


@blueprint.reads("/<uuid:team_id>/fairness", list_of(Share), roles=SUPERVISORS)
def fairness(team_id: object) -> Response:
    """What each seller of the team got, and what was due; who has left it too."""
    return answer({"items": call("distribution", "fairness", team_id=str(team_id))["items"]})
