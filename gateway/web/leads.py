"""All leads, for those who lead: found by filters that can be kept, given to others, taken away as a file."""

import time
from collections.abc import Iterable, Iterator, Mapping
from datetime import timedelta
from itertools import chain
from typing import Any

from flask import Response, flash, g, make_response, redirect, render_template, request, stream_with_context, url_for
from flask_babel import gettext as _

from contracts.access import SUPERVISORS
from gateway import saved_views, turns
from gateway.accounts.noted import noted
from gateway.parts import call, parts
from gateway.store import forms_by_name
from gateway.web import lead_export, lead_filters
from gateway.web.lead_filters import Typed
from gateway.web.pages import Pages, account, from_cursor, is_partial
from gateway.web.shown import problem_text, staff_by_name
from gateway.worklist import with_assignments
from runtime.clock import iso, parse_iso, utc_now
from runtime.errors import Invalid

pages = Pages("leads", SUPERVISORS)

SHOWN = 50
Page = list[dict[str, Any]]
_EXPORT_RETRY_SECONDS, _RENEWED_SECONDS = 10, 20
SLOW_TO_COUNT = {"q", "owned"}
"""Filters for which all leads are looked through."""


@pages.get("/leads")
def index() -> Any:
    """Leads, newest first; as somebody likes to see them when they ask for nothing."""
    filters = lead_filters.typed(request.args)
    with parts().database.read() as connection:
        views = saved_views.views_of(connection, account().id)
        forms = [] if is_partial() else forms_by_name(connection)
    if not request.args and (favourite := next((view for view in views if view.is_default), None)):
        return redirect(_address(favourite.filters), 303)
    names = call("distribution", "staff_names")
    context = from_cursor(lambda cursor: _found(filters, cursor))
    context |= {"filters": filters, "names": names, "staff": staff_by_name(names)}
    context |= {"views": views, "view": next((view for view in views if view.filters == filters), None)}
    if not is_partial():
        return render_template("leads/index.html", **context, choices=lead_filters.choices(forms, names))
    response = make_response(render_template("leads/part.html", **context))
    response.headers["HX-Push-Url"] = _address(filters)
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
    return render_template("leads/news.html", counted=counted, address=_address(filters))


@pages.get("/leads.csv")
def export() -> Response:
    """The leads that the filters find as a file, sent while it is read."""
    filters = lead_filters.typed(request.args)
    wanted = lead_filters.asked(filters, account().time_zone)
    database = parts().database
    turn = database.transact(turns.take, "export", account().id)
    if not turn:
        headers = {"Retry-After": str(_EXPORT_RETRY_SECONDS)}
        return Response(render_template("leads/busy.html"), 429, headers, mimetype="text/html")
    try:
        names = call("distribution", "staff_names")
        found = lead_export.pages_of(wanted)
        first = next(found)  # before the answer begins: a service that is away is a page that says so, not half a file
    except BaseException:
        database.transact(turns.give_back, turn)
        raise
    noted("began to export leads", "", filters=_without_text(filters))
    body = lead_export.lines(_counted_pages(chain([first], found), filters, turn), names, g.account.locale)
    response = Response(stream_with_context(body), mimetype="text/csv")
    response.call_on_close(lambda: database.transact(turns.give_back, turn))  # also when nobody reads a line of it
    response.headers["Content-Disposition"] = f'attachment; filename="leads-{utc_now():%Y-%m-%d}.csv"'
    return response


def _counted_pages(found: Iterable[Page], filters: Typed, turn: str) -> Iterator[Page]:
    """The pages as they are; when they end, and also when they break off, the trail has how many leads went out."""
    count, is_whole, renewed = 0, False, time.monotonic()
    try:
        for page in found:
            if time.monotonic() - renewed > _RENEWED_SECONDS:
                parts().database.transact(turns.renew, turn)
                renewed = time.monotonic()
            count += len(page)
            yield page
        is_whole = True
    finally:
        parts().database.transact(turns.give_back, turn)
        noted("exported leads", "", filters=_without_text(filters), leads=count, whole=is_whole)


def _without_text(filters: Typed) -> Typed:
    """What was searched for is most likely somebody's name, which the trail does not keep."""
    return {name: "…" if name == "q" else value for name, value in filters.items()}


@pages.post("/leads/views")
def save_view() -> Any:
    """Keeps the filters of the page under a name."""
    filters = lead_filters.typed(request.form)
    name, is_default = request.form.get("name", ""), request.form.get("is_default") == "1"
    try:
        parts().database.transact(saved_views.save, account().id, name, filters, is_default=is_default)
    except Invalid as error:
        flash(f"{_('The view was not saved.')} {problem_text(error.errors[0]['code'])}", "danger")
        return redirect(_address(filters), 303)
    flash(_("The view %(name)s is saved.", name=name.strip()), "success")
    return redirect(_address(filters), 303)


@pages.post("/leads/views/<uuid:view_id>")
def change_view(view_id: object) -> Any:
    """Makes a view the one that the list opens with, or no longer, or forgets it."""
    filters, what = lead_filters.typed(request.form), request.form.get("do", "")
    database, mine = parts().database, (account().id, str(view_id))
    if what == "delete":
        database.transact(saved_views.delete, *mine)
        flash(_("The view is gone. The leads in it are not."), "success")
    elif what in ("default", "not_default"):
        database.transact(saved_views.set_default, *mine, is_default=what == "default")
        flash(
            _("Leads opens with this view now.") if what == "default" else _("Leads opens with all leads."), "success"
        )
    return redirect(_address(filters), 303)


def _address(filters: Mapping[str, Any]) -> str:
    """Where the list is with these filters; without any it must say that it means all leads."""
    return url_for("leads.index", **filters) if filters else url_for("leads.index", all=1)
