"""Sellers: who they are, when they work, how much they take, and their sign-in."""

from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from flask import flash, redirect, render_template, request, url_for
from flask_babel import gettext as _

from contracts import limits
from contracts.access import MANAGERS, SUPERVISORS
from gateway.accounts import administration, people
from gateway.accounts.noted import noted
from gateway.parts import actor, call, parts
from gateway.web import seller_form
from gateway.web.hours import WEEKDAYS, absence_span, day_name, local_end, week_lines
from gateway.web.once import once
from gateway.web.pages import Pages, account, from_cursor, is_partial, only
from gateway.web.reasons import absence_text
from gateway.web.seller_form import Typed, definition, differences
from gateway.web.shown import by_name, codes_of, problem_text
from runtime.clock import iso, utc_now
from runtime.errors import Conflict, Invalid

pages = Pages("sellers", SUPERVISORS)

PAGE = 50
_ACTIVE = {"active": True, "inactive": False, "all": None}


@pages.get("/sellers")
def index() -> str:
    """All sellers that whoever looks may see."""
    show = request.args.get("show", "active")
    query = {
        "team_id": request.args.get("team") or None,
        "q": request.args.get("q", "").strip()[: limits.SEARCH],
        "active": _ACTIVE.get(show, True),
    }
    found = from_cursor(lambda cursor: call("distribution", "list_sellers", cursor=cursor, limit=PAGE, **query))
    names = call("distribution", "staff_names")
    return render_template(
        "sellers/list.html" if is_partial() else "sellers/index.html",
        found=found,
        teams=names["teams"],
        absence_text=absence_text,
    )


@pages.get("/sellers/new")
@only(*MANAGERS)
def new() -> str:
    """The page that asks for a new seller."""
    team = request.args.get("team", "")
    return _form(seller_form.FRESH | {"teams": [team] if team else []})


@pages.post("/sellers/new")
@only(*MANAGERS)
@once
def create() -> Any:
    """Adds a seller."""
    typed = seller_form.typed(request.form)
    values, problems = definition(typed)
    if not problems:
        try:
            made = call("distribution", "create_seller", seller=values)
        except Invalid as error:
            problems = codes_of(error)
    if problems:
        return _form(typed, problems), 422
    noted("added a seller", made["seller_id"])
    flash(_("%(name)s is there and gets leads in turn.", name=made["name"]), "success")
    return redirect(url_for("sellers.show", seller_id=made["seller_id"]), 303)


@pages.get("/sellers/<uuid:seller_id>")
def show(seller_id: object) -> str:
    """One seller."""
    seller = call("distribution", "get_seller", seller_id=str(seller_id))
    names = call("distribution", "staff_names")
    with parts().database.read() as connection:
        signs_in = people.of_seller(connection, seller["seller_id"])
    today = utc_now().date().isoformat()
    return render_template(
        "sellers/show.html",
        seller=seller,
        teams=names["teams"],
        hours=week_lines(seller["working_hours"]),
        holidays=[day for day in seller["holidays"] if day >= today],
        absence_text=absence_text,
        absence_span=absence_span,
        signs_in=signs_in,
    )


@pages.get("/sellers/<uuid:seller_id>/edit")
def edit(seller_id: object) -> str:
    """The page on which a seller is changed."""
    seller = call("distribution", "get_seller", seller_id=str(seller_id))
    return _form(seller_form.shown(seller), seller=seller)


@pages.post("/sellers/<uuid:seller_id>/edit")
def change(seller_id: object) -> Any:
    """Changes a seller; a supervisor their times only."""
    typed = seller_form.typed(request.form)
    values, problems = definition(typed, None if account().role in MANAGERS else seller_form.TIMES)
    version = request.form.get("version", type=int) or 0
    if not problems:
        try:
            call("distribution", "update_seller", seller_id=str(seller_id), changes=values, version=version)
        except Invalid as error:
            problems = codes_of(error)
        except Conflict:
            newest = call("distribution", "get_seller", seller_id=str(seller_id))
            return _form(typed, seller=newest, wanted=values), 409
    if problems:
        seller = call("distribution", "get_seller", seller_id=str(seller_id))
        return _form(typed, problems, seller={**seller, "version": version}), 422
    noted("changed a seller", str(seller_id))
    flash(_("Saved."), "success")
    return redirect(url_for("sellers.show", seller_id=seller_id), 303)


@pages.post("/sellers/<uuid:seller_id>/available")
def switch(seller_id: object) -> Any:
    """Turns the switch by which a seller takes leads or not."""
    is_on = request.form.get("available") == "1"
    until = None
    if not is_on and request.form.get("until") == "hour":
        until = iso(utc_now() + timedelta(hours=1))
    elif not is_on and request.form.get("until") == "day":
        seller = call("distribution", "get_seller", seller_id=str(seller_id))
        until = iso(_end_of_today(seller["time_zone"]))
    changed = call("distribution", "set_available", seller_id=str(seller_id), available=is_on, until=until)
    noted("switched a seller on" if is_on else "switched a seller off", str(seller_id))
    text = _("%(name)s takes leads again.") if is_on else _("%(name)s gets no leads for now.")
    flash(text % {"name": changed["name"]}, "success")
    return redirect(url_for("sellers.show", seller_id=seller_id), 303)


@pages.post("/sellers/<uuid:seller_id>/sign-in")
@only(*MANAGERS)
def open_account(seller_id: object) -> Any:
    """Gives a seller a sign-in."""
    seller = call("distribution", "get_seller", seller_id=str(seller_id))
    if not seller["email"]:
        flash(_("They sign in with their e-mail address: fill it in first."), "warning")
        return redirect(url_for("sellers.edit", seller_id=seller_id), 303)
    try:
        made, password = administration.open_account_of(parts().database, actor(), seller)
    except Invalid as error:
        flash(f"{seller['email']}: {problem_text(error.errors[0]['code'])}", "danger")
        return redirect(url_for("sellers.show", seller_id=seller_id), 303)
    return _handover(made, password, str(seller_id))


@pages.post("/sellers/<uuid:seller_id>/password")
@only(*MANAGERS)
def reset_password(seller_id: object) -> Any:
    """Gives a seller who lost their password another one."""
    seller = call("distribution", "get_seller", seller_id=str(seller_id))
    made, password = administration.reset_password_of(parts().database, actor(), seller["seller_id"])
    return _handover(made, password, str(seller_id))


def _handover(made: people.Account, password: str, seller_id: str) -> str:
    back = url_for("sellers.show", seller_id=seller_id)
    return render_template("accounts/handover.html", made=made, password=password, back=back)


def _end_of_today(time_zone: str) -> datetime:
    return local_end(utc_now().astimezone(ZoneInfo(time_zone)).date(), "", time_zone)


def _form(
    typed: Typed,
    problems: dict[str, str] | None = None,
    seller: dict[str, Any] | None = None,
    wanted: dict[str, Any] | None = None,
) -> str:
    teams = call("distribution", "staff_names")["teams"]
    return render_template(
        "sellers/form.html",
        typed=typed,
        problems=problems or {},
        seller=seller,
        teams=by_name(teams),
        newer=differences(seller, wanted, teams) if seller and wanted is not None else None,
        may_define=account().role in MANAGERS,
        labels=seller_form.field_names(),
        channels=seller_form.CHANNELS,
        zones=people.time_zones(),
        weekdays=[(day, day_name(day)) for day in WEEKDAYS],
    )
