"""Reports: of the leads captured in some days, what has become of them, by whatever one likes to know."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from functools import partial
from typing import Any
from zoneinfo import ZoneInfo

from flask import Response, redirect, render_template, request, url_for
from flask_babel import gettext as _

from contracts.access import ROLES, SUPERVISORS
from gateway.fairness import shares_of
from gateway.parts import call, call_if_there, parts
from gateway.store import forms_by_name
from gateway.web import report_export, report_filters, report_words
from gateway.web.export import PAGE, answered
from gateway.web.filters import Typed
from gateway.web.pages import Pages, account, from_cursor, only
from gateway.web.report_filters import NONE, OF_SELLERS, TABS
from gateway.web.report_words import Names
from gateway.web.shown import by_name
from gateway.web.views import ListWords, Viewed, favourite
from gateway.worklist import with_cards
from runtime.clock import parse_iso, utc_now
from runtime.errors import invalid

pages = Pages("reports", ROLES)

SHOWN, LISTED = 50, 30
"""Lines of a table, leads of a page."""

Answer = dict[str, Any]
Side = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Asked:
    """What a page is asked for. problems: what is wrong with the days, by field; then first and last are not to be
    used. wanted: as reporting takes it."""

    filters: Typed
    by: str
    first: date | None
    last: date | None
    problems: Mapping[str, str]
    wanted: Mapping[str, Any]

    def address(self, endpoint: str = "reports.index", **changes: str | None) -> str:
        """Where it is with other filters; one that is None is left out."""
        kept: dict[str, Any] = {**self.filters, "by": self.by, **changes}
        return url_for(endpoint, **{name: value for name, value in kept.items() if value is not None})


def _asked() -> Asked:
    filters = report_filters.typed(request.args)
    zone = account().time_zone
    first, last = report_filters.days(filters, utc_now().astimezone(ZoneInfo(zone)).date())
    problems = report_filters.problems(first, last)
    wanted = {}
    if first and last and not problems:
        wanted = report_filters.asked(first, last, zone, filters)
    by = filters.get("by", "source")
    return Asked(filters, by if by in _tabs() else "source", first, last, problems, wanted)


def _tabs() -> tuple[str, ...]:
    return OF_SELLERS if account().role == "seller" else TABS


@pages.get("/reports")
def index() -> Any:
    """The figures by one thing or two; the address holds all that was chosen."""
    asked = _asked()
    views = VIEWED.context(asked.filters)
    if not request.args and (opened := favourite(views["views"])):
        return redirect(VIEWED.address(opened.filters), 303)
    forms = _forms()
    names = _names(forms)
    context = {**views, "choices": _choices(names, forms), "asked": asked, "names": names, "words": report_words}
    context |= {"tabs": _tabs(), "spans": report_filters.SPANS, "sides": report_filters.SIDES, "NONE": NONE}
    context |= {"measures": report_filters.MEASURES}
    if asked.problems:
        return render_template("reports/index.html", **context, found=None), 422
    context |= _cross(asked) if asked.by in ("hours", "cross") else _report(asked)
    return render_template("reports/index.html", **context, sentence=_sentence(asked, context["found"]))


def _report(asked: Asked) -> Answer:
    found = call("reporting", "report", by=asked.by, **asked.wanted, limit=SHOWN)
    if asked.by in ("to_assignment", "to_contact"):
        found["items"].sort(key=lambda line: _WAITS.index(line["value"]))
    return {"found": found, "fairness": _fairness(asked, found) if asked.by == "team" else None}


_WAITS = [*map(str, report_filters.BINS), "0", ""]


def _fairness(asked: Asked, found: Answer) -> Answer | None:
    """Who of one team was due what and got what: of the team that is chosen, or the one with the most leads."""
    teams = [line["value"] for line in found["items"] if line["value"]]
    chosen = asked.filters.get("team", "")
    team_id = chosen if chosen not in ("", NONE) else next(iter(teams), "")
    shares = call_if_there("distribution", "fairness", team_id=team_id) if team_id else None
    if shares is None:
        return None
    return {"team_id": team_id, "teams": teams, "shares": shares_of(team_id, shares["items"])}


def _cross(asked: Asked) -> Answer:
    rows, columns = _sides(asked)
    found = call("reporting", "cross", rows=rows, columns=columns, **asked.wanted)
    for side, name in (("rows", rows), ("columns", columns)):
        if name in ("hour", "weekday"):
            found[side].sort(key=lambda line: int(line["value"]))
    cells = {(cell["row"], cell["column"]): cell for cell in found["cells"]}
    measure = asked.filters.get("measure", "leads" if asked.by == "hours" else "won_of_leads")
    most = max((report_words.weight(cell, measure) for cell in found["cells"]), default=0.0)
    return {"found": found, "cells": cells, "rows": rows, "columns": columns, "measure": measure, "most": most or 1.0}


def _sides(asked: Asked) -> tuple[str, str]:
    if asked.by == "hours":
        return "hour", "weekday"
    rows = asked.filters.get("rows", "seller")
    columns = asked.filters.get("columns", "source")
    return rows, columns if columns != rows else ("source" if rows != "source" else "seller")


def _forms() -> list[Any]:
    with parts().database.read() as connection:
        return forms_by_name(connection)


def _names(forms: list[Any]) -> Names:
    staff = call_if_there("distribution", "staff_names") or {"sellers": {}, "teams": {}}
    return Names({form["id"]: form["name"] for form in forms}, staff["sellers"], staff["teams"])


def _choices(names: Names, forms: list[Any]) -> list[tuple[str, str, list[tuple[str, str]]]]:
    """What the filters offer: name, what stands for all, pairs. A seller's own leads need no more than the days."""
    if account().role == "seller":
        return []
    sources = by_name({form["source"]: form["source"] for form in forms if form["source"]})
    return [
        ("source", _("All sources"), sources),
        ("form", _("All forms"), by_name(names.forms)),
        ("team", _("All teams"), by_name(names.teams)),
        ("seller", _("All sellers"), by_name(names.sellers)),
    ]


def _sentence(asked: Asked, found: Answer) -> str:
    """Why there is nothing to see; empty where there is something."""
    if found["total"]["leads"]:
        return ""
    if parse_iso(asked.wanted["since"]) > utc_now():
        return _("These days are still to come.")
    first_at = found.get("first_at")
    if asked.by not in ("hours", "cross") and first_at is None:
        return _("There are no leads yet. The numbers come with the first one.")
    if first_at and parse_iso(asked.wanted["until"]) <= parse_iso(first_at):
        return _("These days are before the first lead.")
    return _("No lead of these days fits what you chose.")


@pages.get("/reports/leads")
def leads() -> Any:
    """The leads behind a number."""
    asked = _whole()
    page = from_cursor(lambda cursor: _listed(asked, cursor, LISTED))
    names = _names(_forms())
    chosen = [
        report_words.stage_name(value)
        if name == "stage"
        else f"{report_words.side_name(name)}: {names.of(name, '' if value == NONE else value)}"
        for name, value in asked.filters.items()
        if name in report_filters.NARROWED
    ]
    context = {"asked": asked, "names": names, "words": report_words, "chosen": chosen}
    return render_template("reports/leads.html", **context, rows=page["items"], following=page["next"])


def _listed(asked: Asked, cursor: str | None, limit: int) -> Answer:
    page = call("reporting", "journeys", **asked.wanted, cursor=cursor, limit=limit)
    return {**page, "items": with_cards(page["items"])}


@pages.get("/reports.csv")
def export() -> Response:
    """The table of a report as a file."""
    asked = _whole()
    names = _names(_forms())
    if asked.by in ("hours", "cross"):
        table = _cross(asked)
        header, rows = report_export.cross(table, names)
    else:
        found = call("reporting", "report", by=asked.by, **asked.wanted, limit=report_export.MOST)
        header, rows = report_export.table(asked.by, found, names)
    return answered("reports", asked.filters, asked.address(), iter([rows]), header, report_export.cells)


@pages.get("/reports/leads.csv")
def export_leads() -> Response:
    """The leads behind a number as a file, sent while it is read."""
    asked = _whole()
    cells = partial(report_export.lead_cells, names=_names(_forms()))
    header = report_export.lead_header()
    return answered("report_leads", asked.filters, asked.address("reports.leads"), _all(asked), header, cells)


def _whole() -> Asked:
    """What is asked for, where nothing can be shown beside what is wrong with it."""
    asked = _asked()
    if asked.problems:
        raise invalid("until", next(iter(asked.problems.values())), "from when to when")
    return asked


def _all(asked: Asked) -> Iterator[list[Answer]]:
    cursor = None
    while True:
        page = _listed(asked, cursor, PAGE)
        yield page["items"]
        cursor = page["next"]
        if cursor is None:
            return


@pages.post("/reports/views")
@only(*SUPERVISORS)
def save_view() -> Any:
    """Keeps what was chosen under a name."""
    return VIEWED.save()


@pages.post("/reports/views/<uuid:view_id>")
@only(*SUPERVISORS)
def change_view(view_id: object) -> Any:
    """Makes a view the one that reports open with, or no longer, or forgets it."""
    return VIEWED.change(str(view_id))


def _words() -> ListWords:
    return ListWords(
        all=_("Last 30 days"),
        open_with=_("Open reports with it"),
        not_open_with=_("Do not open reports with it"),
        opens_with=_("Reports open with it"),
        is_gone=_("The view is gone."),
        opens_now=_("Reports open with this view now."),
        opens_with_all=_("Reports open with the last 30 days."),
    )


VIEWED = Viewed("reports", report_filters.typed, _words)
