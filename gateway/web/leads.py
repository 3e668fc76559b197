"""All leads, for those who lead: found by filters that can be kept, given to others, taken away as a file."""

from collections.abc import Mapping
from datetime import timedelta
from functools import partial
from typing import Any

from flask import Response, make_response, redirect, render_template, request
from flask_babel import gettext as _

from contracts.access import SUPERVISORS
from gateway.parts import call, parts
from gateway.store import forms_by_name
from gateway.web import lead_export, lead_filters
from gateway.web.export import answered
from gateway.web.filters import Typed
from gateway.web.pages import Pages, account, from_cursor, is_partial
from gateway.web.shown import staff_by_name
from gateway.web.views import ListWords, Viewed, favourite
from gateway.worklist import with_assignments
from runtime.clock import iso, parse_iso, utc_now

pages = Pages("leads", SUPERVISORS)

SHOWN = 50
SLOW_TO_COUNT = {"q", "owned"}
"""Filters for which all leads are looked through."""


@pages.get("/leads")
def index() -> Any:
    """Leads, newest first; as somebody likes to see them when they ask for nothing."""
    filters = lead_filters.typed(request.args)
    views = VIEWED.context(filters)
    if not request.args and (opened := favourite(views["views"])):
        return redirect(VIEWED.address(opened.filters), 303)
    forms = []
    if not is_partial():
        with parts().database.read() as connection:
            forms = forms_by_name(connection)
    names = call("distribution", "staff_names")
    context = from_cursor(lambda cursor: _found(filters, cursor)) | views
    context |= {"names": names, "staff": staff_by_name(names)}
    if not is_partial():
        return render_template("leads/index.html", **context, choices=lead_filters.choices(forms, names))
    response = make_response(render_template("leads/part.html", **context))
    response.headers["HX-Push-Url"] = VIEWED.address(filters)
    return response


def _found(filters: Typed, cursor: str | None) -> dict[str, Any]:
    wanted = lead_filters.asked(filters, account().time_zone)
    began = utc_now()
    page = call("capture", "list_leads", cursor=cursor, limit=SHOWN, **wanted)
    newest = page["items"][0]["captured_at"] if page["items"] else iso(began)
    return {
        "leads": with_assignments(page["items"]),
        "following": page["next"],
        "counted": _counted(filters, wanted, None if cursor or page["next"] else len(page["items"])),
        "newest": "" if cursor else newest,
    }


def _counted(filters: Typed, wanted: Mapping[str, Any], known: int | None) -> dict[str, Any] | None:
    """How many leads there are; None where that takes long: the page asks for it once it is shown."""
    if known is not None:
        return {"count": known, "capped": False}
    return None if filters.keys() & SLOW_TO_COUNT else call("capture", "count_leads", **wanted)


@pages.get("/leads/count")
def count() -> str:
    """How many leads the filters find."""
    wanted = lead_filters.asked(lead_filters.typed(request.args), account().time_zone)
    return render_template("leads/count.html", counted=call("capture", "count_leads", **wanted))


@pages.get("/leads/news")
def news() -> Any:
    """How many leads came since the page was made; htmx asks now and then."""
    filters = lead_filters.typed(request.args)
    wanted = lead_filters.asked(filters, account().time_zone)
    try:
        after = iso(parse_iso(request.args.get("after", "")) + timedelta(microseconds=1))
    except (ValueError, OverflowError):
        return "", 204
    counted = call("capture", "count_leads", **wanted | {"since": max(after, wanted.get("since", ""))})
    if not counted["count"]:
        return "", 204
    return render_template("leads/news.html", counted=counted, address=VIEWED.address(filters))


@pages.get("/leads.csv")
def export() -> Response:
    """The leads that the filters find as a file, sent while it is read."""
    filters = lead_filters.typed(request.args)
    wanted = lead_filters.asked(filters, account().time_zone)
    names = call("distribution", "staff_names")
    found = lead_export.pages_of(wanted)
    cells = partial(lead_export.cells, names=names)
    return answered("leads", filters, VIEWED.address(filters), found, lead_export.header(), cells)


@pages.post("/leads/views")
def save_view() -> Any:
    """Keeps the filters of the page under a name."""
    return VIEWED.save()


@pages.post("/leads/views/<uuid:view_id>")
def change_view(view_id: object) -> Any:
    """Makes a view the one that the list opens with, or no longer, or forgets it."""
    return VIEWED.change(str(view_id))


def _list_words() -> ListWords:
    return ListWords(
        all=_("All leads"),
        open_with=_("Open Leads with this view"),
        not_open_with=_("Do not open Leads with this view"),
        opens_with=_("Leads opens with it"),
        is_gone=_("The view is gone. The leads in it are not."),
        opens_now=_("Leads opens with this view now."),
        opens_with_all=_("Leads opens with all leads."),
    )


VIEWED = Viewed("leads", lead_filters.typed, _list_words)
