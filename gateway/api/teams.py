"""Teams of sellers."""

from typing import Any

from flask import Response
from marshmallow import Schema, fields, validate

from contracts import limits
from gateway.api.resource import Anything, PageQuery, Resource, answer, page_of
from gateway.parts import call


class TeamChanges(Schema):
    """What may be changed of a team."""

    name = fields.String(validate=validate.Length(1, limits.TEAM_NAME))
    supervisor = fields.String(validate=validate.Length(max=limits.SUPERVISOR))
    time_zone = fields.String(validate=validate.Length(1, limits.TIME_ZONE), metadata={"example": "Europe/Lisbon"})


class NewTeam(TeamChanges):
    """A team to be made."""

    name = fields.String(required=True, validate=validate.Length(1, limits.TEAM_NAME))


class ChangedTeam(TeamChanges):
    """Changes of a team."""

    version = fields.Integer(required=True)


class Team(NewTeam):
    """A team."""

    team_id = fields.UUID()
    version = fields.Integer()


blueprint = Resource("teams", "teams", "Teams of sellers")


@blueprint.reads("", page_of(Team))
@blueprint.arguments(PageQuery, location="query")
def list_teams(query: dict[str, Any]) -> Response:
    """All teams, newest first."""
    return answer(call("distribution", "list_teams", **query))


@blueprint.writes("", Team, status=201)
@blueprint.arguments(NewTeam)
def create_team(team: dict[str, Any]) -> Response:
    """Makes a team."""
    made = call("distribution", "create_team", team=team)
    return answer(made, 201, {"Location": f"/api/v1/teams/{made['team_id']}"})


@blueprint.reads("/<uuid:team_id>", Team)
def get_team(team_id: object) -> Response:
    """One team."""
    return answer(call("distribution", "get_team", team_id=str(team_id)))


@blueprint.writes("/<uuid:team_id>", Team, method="PATCH")
@blueprint.arguments(ChangedTeam)
def update_team(changes: dict[str, Any], team_id: object) -> Response:
    """Changes a team."""
    version = changes.pop("version")
    return answer(call("distribution", "update_team", team_id=str(team_id), changes=changes, version=version))


@blueprint.reads("/<uuid:team_id>/fairness", Anything)
def fairness(team_id: object) -> Response:
    """What each seller of the team got, and what was due."""
    return answer(call("distribution", "fairness", team_id=str(team_id)))
