"""Teams: who is in them, which forms feed them, and whether everybody gets their share."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any

from flask import flash, redirect, render_template, request, url_for
from flask_babel import format_decimal
from flask_babel import gettext as _

from contracts import limits
from contracts.access import MANAGERS, SUPERVISORS
from gateway.accounts import people
from gateway.accounts.noted import noted
from gateway.parts import call, call_if_there
from gateway.web.once import once
from gateway.web.pages import Pages, from_cursor, is_partial, only
from gateway.web.shown import by_name, codes_of
from runtime.errors import Conflict, Invalid

pages = Pages("teams", SUPERVISORS)

PAGE, SHARES = 50, 100
_ALL_FORMS = 500
_FIELDS = ("name", "supervisor", "time_zone")
_EVEN = 0.5
"""Leads that somebody may be ahead or behind without a word: a lead cannot be cut in halves."""


@pages.get("/teams")
def index() -> str:
    """All teams that whoever looks may see."""
    sought = request.args.get("q", "").strip()[: limits.SEARCH]
    found = from_cursor(lambda cursor: call("distribution", "list_teams", cursor=cursor, limit=PAGE, q=sought))
    return render_template("teams/list.html" if is_partial() else "teams/index.html", found=found, feeding=_feeding())


@pages.get("/teams/new")
@only(*MANAGERS)
def new() -> str:
    """The page that asks for a new team."""
    return _form({"name": "", "supervisor": "", "time_zone": "Europe/Lisbon"})


@pages.post("/teams/new")
@only(*MANAGERS)
@once
def create() -> Any:
    """Makes a team."""
    typed = _typed()
    try:
        made = call("distribution", "create_team", team=typed)
    except Invalid as error:
        return _form(typed, _codes(error)), 422
    noted("made a team", made["team_id"])
    flash(_("The team %(name)s is there. Now its sellers.", name=made["name"]), "success")
    return redirect(url_for("teams.show", team_id=made["team_id"]), 303)


@pages.get("/teams/<uuid:team_id>")
def show(team_id: object) -> str:
    """One team with its members and their shares."""
    team = call("distribution", "get_team", team_id=str(team_id))
    shares = call("distribution", "fairness", team_id=str(team_id))["items"]
    shares.sort(key=lambda share: (not share["member"], share["name"].casefold()))
    first = max(0, request.args.get("cursor", 0, int))
    return render_template(
        "teams/show.html",
        team=team,
        shares=shares[first : first + SHARES],
        following=first + SHARES if len(shares) > first + SHARES else None,
        feeding=_feeding().get(team["team_id"], []),
        share_text=share_text,
        decimal=_decimal,
    )


@pages.get("/teams/<uuid:team_id>/share/<uuid:seller_id>")
def share(team_id: object, seller_id: object) -> str:
    """What one seller was due and got in a team: a part of the seller's page."""
    shares = call("distribution", "fairness", team_id=str(team_id))["items"]
    own = next((share for share in shares if share["seller_id"] == str(seller_id)), None)
    return render_template("teams/share.html", share=own, share_text=share_text, decimal=_decimal)


@pages.get("/teams/<uuid:team_id>/edit")
@only(*MANAGERS)
def edit(team_id: object) -> str:
    """The page on which a team is changed."""
    team = call("distribution", "get_team", team_id=str(team_id))
    return _form({name: team[name] for name in _FIELDS}, team=team)


@pages.post("/teams/<uuid:team_id>/edit")
@only(*MANAGERS)
def change(team_id: object) -> Any:
    """Changes a team."""
    typed, version = _typed(), request.form.get("version", type=int) or 0
    try:
        call("distribution", "update_team", team_id=str(team_id), changes=typed, version=version)
    except Invalid as error:
        team = call("distribution", "get_team", team_id=str(team_id))
        return _form(typed, _codes(error), {**team, "version": version}), 422
    except Conflict:
        newest = call("distribution", "get_team", team_id=str(team_id))
        return _form(typed, team=newest, newer=_differences(newest, typed)), 409
    noted("changed a team", str(team_id))
    flash(_("Saved."), "success")
    return redirect(url_for("teams.show", team_id=team_id), 303)


@pages.get("/teams/forms")
@only(*MANAGERS)
def routes() -> str:
    """Which form goes to which team."""
    forms = from_cursor(lambda cursor: call("capture", "list_forms", cursor=cursor, limit=PAGE))
    rules = call("distribution", "list_rules")["items"]
    teams = call("distribution", "staff_names")["teams"]
    return render_template(
        "teams/routes.html",
        forms=forms,
        rules={rule["form_id"]: rule["team_id"] for rule in rules},
        teams=by_name(teams),
    )


@pages.post("/teams/forms/<uuid:form_id>")
@only(*MANAGERS)
def set_route(form_id: object) -> Any:
    """Sends the leads of a form to a team."""
    team_id = request.form.get("team_id", "")
    try:
        call("distribution", "set_rule", form_id=str(form_id), team_id=team_id)
    except Invalid:
        flash(_("Choose a team."), "danger")
    else:
        noted("sent a form's leads to a team", str(form_id), team_id=team_id)
        flash(_("Saved. Leads of this form that wait go along."), "success")
    return redirect(url_for("teams.routes"), 303)


def share_text(share: Mapping[str, Any]) -> str:
    """Whether somebody got their share, in words."""
    if not share["member"]:
        return _("has left the team")
    number = _decimal(abs(share["debt"]))
    if share["debt"] >= _EVEN:
        return _("%(number)s behind: soon their turn", number=number)
    if share["debt"] <= -_EVEN:
        return _("%(number)s ahead: others come first", number=number)
    return _("even")


def _decimal(number: float) -> str:
    return str(format_decimal(round(number, 1)))


def _feeding() -> dict[str, list[str]]:
    """Names of the forms that feed each team; a page can do without them."""
    rules = call_if_there("distribution", "list_rules")
    forms = call_if_there("capture", "list_forms", cursor=None, limit=_ALL_FORMS)
    named = {form["form_id"]: form["name"] for form in (forms or {"items": []})["items"]}
    feeding: dict[str, list[str]] = defaultdict(list)
    for rule in (rules or {"items": []})["items"]:
        feeding[rule["team_id"]].append(named.get(rule["form_id"]) or _("a form"))
    return feeding


def _typed() -> dict[str, str]:
    return {name: request.form.get(name, "").strip() for name in _FIELDS}


def _differences(newest: Mapping[str, Any], typed: Mapping[str, str]) -> list[tuple[str, str]]:
    labels = {"name": _("Name"), "supervisor": _("Supervisor"), "time_zone": _("Time zone")}
    return [(label, newest[name] or "–") for name, label in labels.items() if newest[name] != typed[name]]


def _codes(error: Invalid) -> dict[str, str]:
    """A name that is not allowed is another team's."""
    codes = codes_of(error)
    return {**codes, "name": "taken"} if codes.get("name") == "not_allowed" else codes


def _form(
    typed: Mapping[str, str],
    problems: Mapping[str, str] | None = None,
    team: Mapping[str, Any] | None = None,
    newer: Iterable[tuple[str, str]] | None = None,
) -> str:
    return render_template(
        "teams/form.html",
        typed=typed,
        problems=problems or {},
        team=team,
        newer=newer,
        zones=people.time_zones(),
    )
