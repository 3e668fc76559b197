"""Leads made of contacts: a part of the client base is given to a team, whose sellers get it in turn."""

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from flask import current_app, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from sqlalchemy.engine import RowMapping

from contracts.access import MANAGERS
from gateway.accounts.noted import noted
from gateway.contact_kinds import MOST_LEADS
from gateway.parts import call, call_if_there, parts
from gateway.store import forms_by_name
from gateway.web import contact_filters
from gateway.web.contact_choice import chosen
from gateway.web.once import once
from gateway.web.pages import Pages
from gateway.web.shown import codes_of
from runtime.errors import Invalid

pages = Pages("distributing", MANAGERS)

_SELLERS = 500


@pages.get("/contacts/distribute")
def form() -> Any:
    """Which form's team gets them, and how many."""
    return _page({})


@pages.post("/contacts/distribute")
def distribute() -> Any:
    """Begins once a form was chosen; until then, as after ticking contacts in the list, the page asks for it."""
    which = chosen()
    if which is None:
        flash(_("Nothing was chosen: tick what you mean."), "warning")
        return redirect(url_for("contacts.index", all=1), 303)
    if request.form.get("sure") != "1":
        return _page({})
    return _begin(which)


@once
def _begin(which: dict[str, Any]) -> Any:
    form_id, order = request.form.get("form_id", ""), request.form.get("order", "newest")
    most, problems = _most(request.form.get("most", "").strip())
    if not form_id:
        problems["form_id"] = "required"
    if problems:
        return _page(problems), 422
    try:
        card = call("capture", "distribute_contacts", contacts=which, form_id=form_id, most=most, order=order)
    except Invalid as error:
        return _page(codes_of(error)), 422
    noted("made leads of contacts", card["import_id"], form_id=form_id, most=most)
    if "imports.show" in current_app.view_functions:
        return redirect(url_for("imports.show", import_id=card["import_id"]), 303)
    flash(_("They are being made into leads, and reach their sellers as that goes on."), "success")
    return redirect(url_for("contacts.index", all=1), 303)


def _most(typed: str) -> tuple[int | None, dict[str, str]]:
    """At most how many; None for all of them."""
    if not typed:
        return None, {}
    if typed.isdecimal() and 0 < int(typed[:9]) <= MOST_LEADS:
        return int(typed[:9]), {}
    return None, {"most": "whole_number"}


def _page(problems: dict[str, str]) -> str:
    filters = contact_filters.typed(request.values)
    which = chosen() or {"contact_ids": []}
    ticked = which.get("contact_ids")
    counted = call_if_there("capture", "count_contacts", **which["filters"]) if ticked is None else None
    with parts().database.read() as connection:
        forms = forms_by_name(connection)
    return render_template(
        "contacts/distribute.html",
        filters=filters,
        chosen=ticked or [],
        counted={"count": len(ticked), "capped": False} if ticked is not None else counted,
        ways=_ways(forms),
        problems=problems,
        typed=request.values,
    )


def _ways(forms: Iterable[RowMapping]) -> list[dict[str, Any]]:
    """The forms whose leads a team gets, and how many of its sellers can take some now, out of how many."""
    teams = {rule["form_id"]: rule["team_id"] for rule in call("distribution", "list_rules")["items"]}
    names = call("distribution", "staff_names")["teams"]
    sellers = call("distribution", "list_sellers", active=True, limit=_SELLERS)["items"]
    members = Counter(team_id for seller in sellers for team_id in seller["teams"])
    ready = Counter(team_id for seller in sellers if _can_take(seller) for team_id in seller["teams"])
    return [
        {
            "form_id": form["id"],
            "name": form["name"],
            "team": names.get(teams[form["id"]], ""),
            "ready": ready[teams[form["id"]]],
            "sellers": members[teams[form["id"]]],
        }
        for form in forms
        if form["id"] in teams
    ]


def _can_take(seller: Mapping[str, Any]) -> bool:
    """Whether rotation would give them a lead at this moment."""
    has_room = seller["open_cap"] is None or seller["open_work"] < seller["open_cap"]
    has_day = seller["daily_cap"] is None or seller["given_today"] < seller["daily_cap"]
    return bool(seller["on_duty"] and has_room and has_day)
