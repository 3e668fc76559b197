"""Forms: all of them, one of them with its address and snippet, the page on which they are made, and a test lead."""

import time
from datetime import datetime
from typing import Any, get_args
from zoneinfo import ZoneInfo

from flask import Response, flash, redirect, render_template, request, url_for
from flask_babel import force_locale
from flask_babel import gettext as _

from contracts import limits
from contracts.access import MANAGERS
from contracts.capture import Channel, FieldRule
from contracts.errors import REQUIRED
from gateway import form_trial, snippet
from gateway.accounts.noted import noted
from gateway.form_takeover import take_over
from gateway.forms import Flaw
from gateway.locales import LOCALES
from gateway.parts import call, call_if_there
from gateway.web import form_definition, form_starts, words
from gateway.web.form_definition import Typed, definition, differences
from gateway.web.once import once
from gateway.web.pages import Pages, account, from_cursor, is_partial
from gateway.web.reasons import waiting_text
from gateway.web.shown import by_name
from runtime.clock import iso
from runtime.errors import Conflict, Invalid, Unavailable
from runtime.ids import new_id

pages = Pages("forms", MANAGERS)

PAGE = 50
RECENT = 8
FOLLOWED_SECONDS = 60
"""How long a page looks by itself where a test lead is."""

KINDS = get_args(FieldRule.__annotations__["kind"])
ROLES = get_args(FieldRule.__annotations__["role"])
CHANNELS = tuple(channel for channel in get_args(Channel) if channel != "import")
_PREVIEW_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'self'"
)


@pages.get("/forms")
def index() -> str:
    """All forms."""
    sought = request.args.get("q", "").strip()[: limits.SEARCH]
    found = from_cursor(lambda cursor: call("capture", "list_forms", cursor=cursor, limit=PAGE, q=sought))
    midnight = datetime.now(ZoneInfo(account().time_zone)).replace(hour=0, minute=0, second=0, microsecond=0)
    activity = call("capture", "form_activity", since=iso(midnight))
    rules = call_if_there("distribution", "list_rules")
    names = call_if_there("distribution", "staff_names")
    teams = names["teams"] if names else {}
    return render_template(
        "forms/list.html" if is_partial() else "forms/index.html",
        found=found,
        sought=sought,
        activity={row["form_id"]: row for row in activity["items"]},
        teams={rule["form_id"]: teams.get(rule["team_id"], "?") for rule in rules["items"]} if rules else None,
        lead_channel_name=words.lead_channel_name,
    )


@pages.get("/forms/new")
def new() -> str:
    """The page that asks for a new form, or with what to begin."""
    locale, region = account().locale, form_definition.country_of(account().time_zone)
    begun = form_starts.start(request.args.get("start", ""), locale, region)
    if begun is None:
        return render_template("forms/start.html", starts=form_starts.STARTS)
    return _editor(begun)


@pages.post("/forms/new")
def create() -> Any:
    """Makes a form, or adds, moves or removes a field of it while it is made."""
    typed = form_definition.typed(request.form)
    if what := _change_of_fields():
        return _editor(typed, focus=form_definition.changed(typed, what))
    return _make(typed)


@once
def _make(typed: Typed) -> Any:
    wanted = definition(typed) | ({"key": typed["key"]} if typed["key"] else {})
    try:
        made = call("capture", "create_form", form=wanted)
    except Invalid as error:
        return _editor(typed, problems=form_definition.problems(error.errors)), 422
    take_over(made)
    noted("made a form", made["form_id"])
    try:
        _choose_team(made["form_id"], typed["team_id"], None)
    except (Invalid, Unavailable):  # said so that nobody makes the form again
        flash(_("The form is there, but its leads go to no team yet. Open it and choose one."), "danger")
        return redirect(url_for("forms.index"), 303)
    return _saved(made["form_id"], _("The form is there and takes leads."))


@pages.get("/forms/<uuid:form_id>/edit")
def edit(form_id: object) -> str:
    """The page on which a form is changed."""
    form = call("capture", "get_form", form_id=str(form_id))
    return _editor(form_definition.shown(form, _team_of(str(form_id)) or ""), form=form)


@pages.post("/forms/<uuid:form_id>/edit")
def change(form_id: object) -> Any:
    """Changes a form, or adds, moves or removes a field of it on the page."""
    identifier, typed = str(form_id), form_definition.typed(request.form)
    version = request.form.get("version", 0, type=int)
    if what := _change_of_fields():
        form = call("capture", "get_form", form_id=identifier) | {"version": version}
        return _editor(typed, form=form, focus=form_definition.changed(typed, what))
    wanted = definition(typed)
    try:
        changed = call("capture", "update_form", form_id=identifier, changes=wanted, version=version)
    except Invalid as error:
        form = call("capture", "get_form", form_id=identifier) | {"version": version}
        return _editor(typed, form=form, problems=form_definition.problems(error.errors)), 422
    except Conflict:
        newest = call("capture", "get_form", form_id=identifier)
        return _editor(typed, form=newest, newer=differences(newest, wanted)), 409
    take_over(changed)
    noted("changed a form", identifier, version=changed["version"])
    try:
        _choose_team(identifier, typed["team_id"], _team_of(identifier))
    except Invalid:
        values = form_definition.shown(changed, "")
        return _editor(values, form=changed, problems={"team_id": "not_found"}), 422
    return _saved(identifier, _("Saved. Whoever opens the form now sees it."))


def _change_of_fields() -> str:
    what = request.form.get("do", "save")
    return "" if what == "save" else what


def _choose_team(form_id: str, team_id: str, before: str | None) -> None:
    """The team that was chosen gets the form's leads from now on."""
    if team_id and team_id != before:
        call("distribution", "set_rule", form_id=form_id, team_id=team_id)
        noted("sent a form's leads to a team", form_id, team_id=team_id)


def _saved(form_id: str, told: str) -> Any:
    flash(told, "success")
    return redirect(url_for("forms.show", form_id=form_id), 303)


def _team_of(form_id: str) -> str | None:
    rules = call("distribution", "list_rules")["items"]
    return next((rule["team_id"] for rule in rules if rule["form_id"] == form_id), None)


def _editor(
    typed: Typed,
    *,
    form: dict[str, Any] | None = None,
    problems: dict[str, str] | None = None,
    newer: list[tuple[str, list[str]]] | None = None,
    focus: str = "",
) -> str:
    """The page with what was typed. form: the one that is changed; newer: what somebody else saved meanwhile.
    focus: id of the control where the reader goes on."""
    teams = call("distribution", "staff_names")["teams"]
    sources = call_if_there("capture", "sources")
    return render_template(
        "forms/_fields.html" if is_partial() else "forms/edit.html",
        typed=typed,
        form=form,
        problems=problems or {},
        newer=newer,
        focus=focus,
        teams=by_name(teams),
        sources=sources["items"] if sources else [],
        channels=[(channel, words.lead_channel_name(channel)) for channel in CHANNELS],
        kinds=[(kind, form_definition.kind_of_field(kind)) for kind in KINDS],
        roles=[(role, form_definition.role_of_field(role)) for role in ROLES],
        countries=form_definition.countries(),
        locales=LOCALES,
        limits=limits,
    )


@pages.get("/forms/<uuid:form_id>")
def show(form_id: object) -> str:
    """One form: where it is, how to put it on a site, what came."""
    identifier = str(form_id)
    form = call("capture", "get_form", form_id=identifier)
    recent = call("capture", "list_leads", form_id=identifier, limit=RECENT)
    team_id = _team_of(identifier)
    names = call("distribution", "staff_names")
    return render_template(
        "forms/show.html",
        form=form,
        recent=recent,
        team=names["teams"].get(team_id, "?") if team_id else "",
        team_id=team_id,
        address=snippet.address_of(form),
        snippet=snippet.snippet_of(form),
        submission_key=new_id(),
        trial=request.args.get("trial", ""),
        lead_channel_name=words.lead_channel_name,
        kind_of_field=form_definition.kind_of_field,
    )


@pages.get("/forms/<uuid:form_id>/preview")
def preview(form_id: object) -> Response:
    """The form's own page as visitors see it; nothing can be sent from it."""
    form = call("capture", "get_form", form_id=str(form_id))
    with force_locale(form["locale"]):
        page = render_template(
            "public/form.html",
            locale=form["locale"],
            form=form,
            one_of=snippet.labels(form),
            is_preview=True,
            values={},
            wrong={},
            told=[],
        )
    return Response(page, 200, {"Content-Security-Policy": _PREVIEW_POLICY}, mimetype="text/html")


@pages.post("/forms/<uuid:form_id>/active")
def activate(form_id: object) -> Any:
    """Switches a form on or off."""
    identifier, wanted = str(form_id), request.form.get("active") == "on"
    try:
        changed = call(
            "capture",
            "update_form",
            form_id=identifier,
            changes={"active": wanted},
            version=request.form.get("version", 0, type=int),
        )
    except Conflict:
        flash(_("Somebody changed this form meanwhile. Here is how it is now."), "warning")
        return redirect(url_for("forms.show", form_id=identifier), 303)
    take_over(changed)
    noted("switched a form on" if wanted else "switched a form off", identifier)
    told = _("The form takes leads again.") if wanted else _("The form takes no leads any more.")
    flash(told, "success")
    return redirect(url_for("forms.show", form_id=identifier), 303)


@pages.post("/forms/<uuid:form_id>/trial")
def try_out(form_id: object) -> Any:
    """Sends a test lead the way every lead goes."""
    form = call("capture", "get_form", form_id=str(form_id))
    try:
        lead_id = form_trial.send(form["key"], request.form.get("submission_key", "")[:100])
    except form_trial.Refused as refused:
        flash(_not_sent(refused.flaws, form), "warning")
        return redirect(url_for("forms.show", form_id=form["form_id"]), 303)
    noted("sent a test lead", form["form_id"])
    return redirect(url_for("forms.show", form_id=form["form_id"], trial=lead_id), 303)


def _not_sent(flaws: list[Flaw], form: dict[str, Any]) -> str:
    if not flaws:
        return _("The form is switched off, so the test lead was not sent.")
    labels = {rule["name"]: rule["label"] or rule["name"] for rule in form["fields"]}
    missing = [labels.get(flaw.field, flaw.field) for flaw in flaws if flaw.code != REQUIRED] or [
        labels.get(flaw.field, flaw.field) for flaw in flaws
    ]
    return _("The form refused the test lead. Look at how it checks: %(fields)s.", fields=", ".join(missing))


@pages.get("/forms/<uuid:form_id>/trial/<uuid:lead_id>")
def follow(form_id: object, lead_id: object) -> Any:
    """Where a test lead is by now. The page asks again until it rests somewhere, and is answered when that is news."""
    identifier = str(lead_id)
    lead = call("capture", "lead_cards", lead_ids=[identifier])
    found = call_if_there("distribution", "assignments", work_ids=[identifier]) if lead else None
    work = found["items"][0] if found and found["items"] else None
    told = call_if_there("notifications", "messages", work_id=identifier) if work and work["seller_id"] else None
    messages = told["items"] if told else []
    waits_for = (work["waiting_reason"] or "") if work and not work["seller_id"] else ""
    states = [message["state"] for message in messages]
    is_told = bool(states) and not {"queued", "sending"} & set(states)
    seen = ".".join([str(bool(lead)), str(bool(work)), str(bool(told)), waits_for, *states])
    began = request.args.get("began", int(time.time()), type=int)
    is_over = time.time() - began > FOLLOWED_SECONDS
    if is_partial() and not is_over and request.args.get("seen") == seen:
        return "", 204
    names = call_if_there("distribution", "staff_names") if work else None
    return render_template(
        "forms/_follow.html" if is_partial() else "forms/follow.html",
        form_id=form_id,
        lead_id=identifier,
        lead=lead[0] if lead else None,
        work=work,
        waits_for=waiting_text(waits_for) if waits_for else "",
        messages=messages,
        names=names["sellers"] if names else {},
        seen=seen,
        began=began,
        is_told=is_told,
        goes_on=is_partial() and not (is_over or is_told or waits_for),
        channel_name=words.channel_name,
        state_name=words.state_name,
    )
