"""Cleaning up: what is missing or wrong in contacts, mended many at a time, seen before it is done, and undone."""

from collections.abc import Mapping
from typing import Any

from flask import flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import ngettext
from markupsafe import Markup

from contracts import limits
from contracts.access import MANAGERS
from gateway.accounts.noted import noted
from gateway.contact_kinds import FIXES, PROBLEMS, SETTABLE, STATUSES
from gateway.parts import call
from gateway.web import contact_filters
from gateway.web.contact_choice import CHOSEN_AT_ONCE, back_to, chosen
from gateway.web.contact_words import fix_name, status_name
from gateway.web.form_definition import countries, country_of
from gateway.web.once import once
from gateway.web.pages import Pages, account, from_cursor
from gateway.web.shown import codes_of, token_field
from runtime.errors import Conflict, Invalid

pages = Pages("cleaning", MANAGERS)

PAGE = 25
HELPS: Mapping[str, tuple[str, ...]] = {
    "bad_email": ("correct_domains", "drop_wrong_email"),
    "bad_phone": ("read_phones", "drop_wrong_phone"),
}
"""Fixes that help against what is wrong."""


@pages.get("/contacts/cleaning")
def index() -> str:
    """How much is missing or wrong, of everything or of one import."""
    import_id = contact_filters.typed(request.args).get("import")
    counts = call("capture", "cleaning_counts", import_id=import_id)
    return render_template("cleaning/index.html", counts=counts, import_id=import_id, problems=PROBLEMS)


@pages.get("/contacts/fix")
@pages.post("/contacts/fix")
def fix() -> Any:
    """What to change in the contacts that were ticked or that filters find, and what that would make of them. Only
    what was looked at so is done: where contacts came or changed since, it is shown again."""
    which = chosen()
    if which is None:
        flash(_("Nothing was chosen: tick what you mean."), "warning")
        return redirect(url_for("contacts.index", all=1), 303)
    what = request.values.get("fix", "")
    what = what if what in FIXES else ""
    typed = {name: request.values.get(name, "").strip() for name in ("field", "value")}
    typed["region"] = request.values.get("region") or country_of(account().time_zone)
    if typed["field"] == "status":  # people type what they read
        by_name = {status_name(status).casefold(): status for status in STATUSES}
        typed["value"] = by_name.get(typed["value"].casefold(), typed["value"])
    context: dict[str, Any] = {
        "which": which,
        "what": what,
        "typed": typed,
        "filters": contact_filters.typed(request.values),
    }
    wanted = {name: typed[name] for name in FIXES.get(what, ())}
    if not what or not all(wanted.values()):
        problems = {name: "required" for name, value in wanted.items() if not value and "looked" in request.values}
        return _fix_page(problems=problems, **context)
    if request.method == "POST" and request.form.get("seen"):
        return _do(what, wanted, which, context)
    return _look(what, wanted, which, context)


def _look(what: str, wanted: dict[str, str], which: dict[str, Any], context: dict[str, Any], status: int = 200) -> Any:
    try:
        seen = call("capture", "preview_fix", fix=what, arguments=wanted, **which)
    except Invalid as error:
        return _fix_page(problems=codes_of(error), **context), 422
    return _fix_page(problems={}, seen=seen, **context), status


@once
def _do(what: str, wanted: dict[str, str], which: dict[str, Any], context: dict[str, Any]) -> Any:
    try:
        done = call("capture", "fix_contacts", fix=what, arguments=wanted, seen=request.form["seen"], **which)
    except Invalid as error:
        return _fix_page(problems=codes_of(error), **context), 422
    except Conflict:
        flash(_("Nothing was done: contacts came or changed meanwhile. Look again."), "warning")
        return _look(what, wanted, which, context, 409)
    _told_with_undo(done)
    return redirect(url_for("contacts.index", **(context["filters"] or {"all": 1})), 303)


def _fix_page(
    *,
    which: dict[str, Any],
    what: str,
    typed: dict[str, str],
    filters: dict[str, str],
    problems: dict[str, str],
    seen: dict[str, Any] | None = None,
) -> str:
    return render_template(
        "cleaning/fix.html",
        chosen=which.get("contact_ids", []),
        filters=filters,
        what=what,
        typed=typed,
        problems=problems,
        seen=seen,
        is_cut=seen is not None and seen["matching"] >= limits.FIXED_AT_ONCE,
        fixes=FIXES,
        helps=HELPS.get(filters.get("problem", ""), ()),
        fields=SETTABLE,
        countries=countries(),
    )


@pages.get("/contacts/duplicates")
def duplicates() -> str:
    """Pairs of contacts that may be one, side by side."""
    found = from_cursor(lambda cursor: call("capture", "likely_duplicates", cursor=cursor, limit=PAGE))
    return render_template("cleaning/duplicates.html", found=found)


@pages.post("/contacts/duplicates")
def judge() -> Any:
    """Merges the pairs that were ticked, each into its older contact, or says that they are not the same."""
    one = request.form.get("one")
    pairs = [one] if one else list(dict.fromkeys(request.form.getlist("chosen")))[:CHOSEN_AT_ONCE]
    if not pairs:
        flash(_("Nothing was chosen: tick what you mean."), "warning")
    elif request.form.get("do") == "merge":
        _told_with_undo(call("capture", "merge_likely", likeness_ids=pairs))
    else:
        dismissed = call("capture", "dismiss_likely", likeness_ids=pairs)["dismissed"]
        noted("said that contacts are not the same", pairs[0] if len(pairs) == 1 else "", count=dismissed)
        flash(_("They stay as they are, and are not suggested again."), "success")
    return redirect(back_to(url_for("cleaning.duplicates")), 303)


@pages.post("/contacts/merge")
def merge() -> Any:
    """Merges one contact into another, which is kept."""
    keep, other = request.form.get("keep_id", ""), request.form.get("other_id", "")
    try:
        done = call("capture", "merge_contacts", keep_id=keep, other_id=other)
    except Conflict:
        flash(_("Nothing was done: one of them was merged or changed meanwhile. Look again."), "warning")
        return redirect(back_to(url_for("cleaning.duplicates")), 303)
    _told_with_undo(done)
    return redirect(back_to(url_for("contacts.card", contact_id=keep)), 303)


@pages.get("/contacts/changes")
def changes() -> str:
    """What was done to contacts in bulk, newest first, each with its way back."""
    found = from_cursor(lambda cursor: call("capture", "list_changes", cursor=cursor, limit=PAGE))
    return render_template("cleaning/changes.html", found=found)


@pages.post("/contacts/changes/<uuid:change_id>/undo")
def undo(change_id: object) -> Any:
    """Makes it as it was, but for what somebody changed since."""
    try:
        told = call("capture", "undo_change", change_id=str(change_id))
    except Conflict:
        flash(_("This was undone already."), "warning")
        return redirect(url_for("cleaning.changes"), 303)
    noted("undid a change of contacts", str(change_id), count=told["undone"])
    flash(ngettext("%(num)s contact is as it was.", "%(num)s contacts are as they were.", told["undone"]), "success")
    if told["left"]:
        flash(
            ngettext(
                "%(num)s was changed by somebody since, and stays as it is.",
                "%(num)s were changed by somebody since, and stay as they are.",
                told["left"],
            ),
            "warning",
        )
    return redirect(back_to(url_for("cleaning.changes")), 303)


def _told_with_undo(change: Mapping[str, Any]) -> None:
    """Says what was done, with a button that undoes it; the trail has it too."""
    noted("changed contacts in bulk", change["change_id"], fix=change["what"], count=change["contacts"])
    told = ngettext("%(num)s contact was changed.", "%(num)s contacts were changed.", change["contacts"])
    if change["what"] == "merge":
        told = ngettext("%(num)s went into another.", "%(num)s went into others.", change["contacts"])
    if not change["contacts"]:
        flash(_("There was nothing to change."), "info")
        return
    form = Markup(
        '<form method="post" action="{}" class="d-inline">{}<button class="btn btn-sm ms-2">{}</button></form>'
    ).format(url_for("cleaning.undo", change_id=change["change_id"]), token_field(), _("Undo"))
    flash(Markup("{}: {} {}").format(fix_name(change["what"]), told, form), "success")
    if change["more"]:
        flash(_("There were more than can be changed at once: do it again for the rest."), "warning")
