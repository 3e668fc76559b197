"""Contacts: whom the company knows. Found by filters that can be kept, each with a card of its own."""

from functools import partial
from itertools import groupby
from typing import Any

from flask import Response, flash, make_response, redirect, render_template, request, url_for
from flask_babel import format_date
from flask_babel import gettext as _

from contracts import limits
from contracts.access import SUPERVISORS
from gateway.accounts.noted import noted
from gateway.contact_kinds import STATUSES, VALUES
from gateway.contact_story import story
from gateway.parts import call, call_if_there
from gateway.web import contact_export, contact_filters, contact_forms, contact_words
from gateway.web.contact_words import field_name
from gateway.web.export import answered
from gateway.web.filters import Typed
from gateway.web.form_definition import country_of
from gateway.web.pages import Pages, account, from_cursor, is_partial, only
from gateway.web.shown import codes_of, local, staff_by_name
from gateway.web.views import ListWords, Viewed, favourite
from runtime.errors import Conflict, Invalid
from runtime.ids import new_id

pages = Pages("contacts")

SHOWN = 50
LEADS_SHOWN = 50

for _function in (
    *(contact_words.status_name, contact_words.problem_name, contact_words.field_name, contact_words.flaws),
    *(contact_words.why_alike, contact_words.fix_name, contact_words.entry_line),
):
    pages.add_app_template_global(_function)


@pages.get("/contacts")
def index() -> Any:
    """Contacts, newest first; as somebody likes to see them when they ask for nothing."""
    filters = contact_filters.typed(request.args)
    views = VIEWED.context(filters)
    if not request.args and (opened := favourite(views["views"])):
        return redirect(VIEWED.address(opened.filters), 303)
    context = from_cursor(lambda cursor: _found(filters, cursor)) | views
    names = call("distribution", "staff_names")
    context |= {"names": names, "staff": staff_by_name(names), "values": VALUES}
    if not is_partial():
        return render_template("contacts/index.html", **context)
    response = make_response(render_template("contacts/part.html", **context))
    response.headers["HX-Push-Url"] = VIEWED.address(filters)
    return response


def _found(filters: Typed, cursor: str | None) -> dict[str, Any]:
    wanted = contact_filters.asked(filters, account().time_zone)
    page = call("capture", "list_contacts", cursor=cursor, limit=SHOWN, **wanted)
    is_all = cursor is None and page["next"] is None
    counted = {"count": len(page["items"]), "capped": False} if is_all else None
    return {"contacts": page["items"], "following": page["next"], "counted": counted}


@pages.get("/contacts/count")
def count() -> str:
    """How many contacts the filters find: asked for once the list is shown, which is not to wait for it."""
    wanted = contact_filters.asked(contact_filters.typed(request.args), account().time_zone)
    return render_template("contacts/count.html", counted=call("capture", "count_contacts", **wanted))


@pages.get("/contacts/values/<field>")
def values(field: str) -> Any:
    """What there is of a field, as options: a browser offers them while one types."""
    if field not in VALUES:
        return "", 204
    typed = request.args.get(field, "").strip()[: VALUES[field]]
    found = call_if_there("capture", "contact_values", field=field, q=typed) or {"items": []}
    return render_template("contacts/values.html", values=found["items"])


@pages.get("/contacts.csv")
@only(*SUPERVISORS)
def export() -> Response:
    """The contacts that the filters find as a file, sent while it is read."""
    filters = contact_filters.typed(request.args)
    names = call("distribution", "staff_names")
    found = contact_export.pages_of(contact_filters.asked(filters, account().time_zone))
    statuses = {status: contact_words.status_name(status) for status in STATUSES}
    cells = partial(contact_export.cells, names=names, statuses=statuses)
    return answered("contacts", filters, VIEWED.address(filters), found, contact_export.header(), cells)


@pages.post("/contacts/views")
def save_view() -> Any:
    """Keeps the filters of the page under a name."""
    return VIEWED.save()


@pages.post("/contacts/views/<uuid:view_id>")
def change_view(view_id: object) -> Any:
    """Makes a view the one that the list opens with, or no longer, or forgets it."""
    return VIEWED.change(str(view_id))


@pages.get("/contacts/<uuid:contact_id>")
def card(contact_id: object) -> Any:
    """A contact: who it is, what is missing, its leads, and what happened."""
    contact = call("capture", "get_contact", contact_id=str(contact_id))
    if contact["merged_into"]:
        flash(_("That contact was merged into this one."), "info")
        return redirect(url_for("contacts.card", contact_id=contact["merged_into"]), 303)
    return _page(contact)


def _page(contact: dict[str, Any], *, note: str = "", problems: dict[str, str] | None = None) -> str:
    shown = contact["lead_ids"][:LEADS_SHOWN]
    leads = call("capture", "lead_cards", lead_ids=shown) if shown else []
    owned = call_if_there("distribution", "assignments", work_ids=shown) if shown else {"items": []}
    work = {one["work_id"]: one for one in owned["items"]} if owned else {}
    names = call_if_there("distribution", "staff_names") or {"sellers": {}, "teams": {}}
    return render_template(
        "contacts/card.html",
        contact=contact,
        leads=[{**lead, "assignment": work.get(lead["lead_id"])} for lead in leads],
        owners_known=owned is not None,
        names=names["sellers"] | {account().seller_id: _("you")},
        note=note,
        note_id=new_id(),
        problems=problems or {},
    )


@pages.get("/contacts/<uuid:contact_id>/story")
def timeline(contact_id: object) -> str:
    """What happened, from all services. The card fetches it once it is shown; without scripts it is a page of its
    own."""
    contact = call("capture", "get_contact", contact_id=str(contact_id))
    names = call_if_there("distribution", "staff_names") or {"sellers": {}, "teams": {}}
    told = story(contact)
    days = groupby(told["items"], key=lambda entry: format_date(local(entry["at"]), "full"))
    return render_template(
        "contacts/_story.html" if is_partial() else "contacts/story.html",
        contact=contact,
        days=[(day, list(entries)) for day, entries in days],
        missing=told["missing"],
        names=names["sellers"] | {account().seller_id: _("you")},
    )


@pages.post("/contacts/<uuid:contact_id>/notes")
def add_note(contact_id: object) -> Any:
    """Keeps a note. The form carries its id: sent twice, it is kept once."""
    identifier, text = str(contact_id), request.form.get("text", "")
    note = {"id": request.form.get("note_id", ""), "text": text}
    try:
        try:
            call("capture", "add_note", contact_id=identifier, note=note)
        except Conflict:  # they went back in their browser and wrote another
            call("capture", "add_note", contact_id=identifier, note=note | {"id": new_id()})
    except Invalid as error:
        contact = call("capture", "get_contact", contact_id=identifier)
        return _page(contact, note=text, problems=codes_of(error)), 422
    flash(_("The note is kept."), "success")
    return redirect(url_for("contacts.card", contact_id=identifier), 303)


@pages.get("/contacts/<uuid:contact_id>/edit")
def edit(contact_id: object) -> Any:
    """The form for its details."""
    contact = call("capture", "get_contact", contact_id=str(contact_id))
    if contact["merged_into"]:
        return redirect(url_for("contacts.edit", contact_id=contact["merged_into"]), 303)
    return _form(contact, {})


@pages.post("/contacts/<uuid:contact_id>/edit")
def change_details(contact_id: object) -> Any:
    """Changes what was typed otherwise, unless somebody was faster or another contact has it."""
    identifier = str(contact_id)
    wanted = contact_forms.changes(contact_forms.before(request.form), contact_forms.typed(request.form))
    version = request.form.get("version", 0, type=int)
    try:
        if wanted:
            region = {"region": country_of(account().time_zone)} if "phone" in wanted else {}
            kept = call("capture", "update_contact", contact_id=identifier, changes=wanted | region, version=version)
    except Invalid as error:
        contact = call("capture", "get_contact", contact_id=identifier)
        return _form(contact, wanted, error=error), 422
    except Conflict:
        contact = call("capture", "get_contact", contact_id=identifier)
        return _form(contact, wanted, is_newer=True), 409
    if wanted:
        noted("changed a contact", identifier, fields=sorted(wanted))
        flash(_("Saved."), "success")
        for name in ("phone", "email"):
            if wanted.get(name) and not kept[name]:
                told = _("%(field)s: this cannot be right. It is kept, but marked as wrong.", field=field_name(name))
                flash(told, "warning")
    return redirect(url_for("contacts.card", contact_id=identifier), 303)


def _form(
    contact: dict[str, Any],
    wanted: contact_forms.Typed,
    *,
    error: Invalid | None = None,
    is_newer: bool = False,
) -> str:
    """The form. wanted: what somebody typed otherwise. is_newer: somebody else changed the contact meanwhile."""
    other = contact_forms.taken_by(error) if error else ""
    return render_template(
        "contacts/edit.html",
        contact=contact,
        typed=contact_forms.shown(contact) | wanted,
        was=contact_forms.shown(contact),
        fields=contact_forms.FIELDS,
        spare=contact_forms.SPARE,
        problems=codes_of(error) if error else {},
        newer=contact_forms.differences(contact, wanted) if is_newer else None,
        other=call_if_there("capture", "get_contact", contact_id=other) if other else None,
        lengths={**dict.fromkeys(("code", "document"), limits.CODE), "email": limits.EMAIL, "phone": limits.PHONE},
    )


def _list_words() -> ListWords:
    return ListWords(
        all=_("All contacts"),
        open_with=_("Open Contacts with this view"),
        not_open_with=_("Do not open Contacts with this view"),
        opens_with=_("Contacts opens with it"),
        is_gone=_("The view is gone. The contacts in it are not."),
        opens_now=_("Contacts opens with this view now."),
        opens_with_all=_("Contacts opens with all contacts."),
    )


VIEWED = Viewed("contacts", contact_filters.typed, _list_words)
