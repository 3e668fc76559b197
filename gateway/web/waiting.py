"""Leads that nobody has yet: what they wait for, what can be done about it, and giving them by hand."""

from collections.abc import Mapping
from typing import Any

from flask import render_template, request
from flask_babel import gettext as _

from contracts.access import MANAGERS, SUPERVISORS
from gateway.parts import call
from gateway.web.pages import Pages, account, from_cursor
from gateway.web.shown import staff_by_name
from gateway.worklist import waiting

pages = Pages("waiting", SUPERVISORS)

SHOWN = 50
Rows = list[dict[str, Any]]


@pages.get("/waiting")
def index() -> str:
    """What waits, by what it waits for."""
    names = call("distribution", "staff_names")
    team = request.args.get("team", "")
    team_id = team if team in names["teams"] else None
    page = from_cursor(lambda cursor: waiting(cursor, SHOWN, team_id))
    counted = call("distribution", "overview")
    return render_template(
        "waiting/index.html",
        groups=_groups(page["items"], {} if team_id else counted["waiting_by_reason"]),
        following=page["next"],
        total=counted["waiting"],
        team_id=team_id,
        names=names,
        staff=staff_by_name(names),
        advice=advice,
    )


@pages.get("/waiting/news")
def news() -> Any:
    """Whether more or fewer leads wait than the page shows; htmx asks now and then."""
    total = call("distribution", "overview")["waiting"]
    if total == request.args.get("shown", type=int):
        return "", 204
    return render_template("waiting/news.html", total=total)


def _groups(items: Rows, counts: Mapping[str, int]) -> list[tuple[str, int | None, Rows]]:
    """Reasons, how many wait for each where that is known, and those of this page; the most frequent first."""
    found: dict[str, Rows] = {reason: [] for reason, count in counts.items() if count}
    for item in items:
        found.setdefault(item["waiting_reason"], []).append(item)
    groups = [
        (reason, max(counts.get(reason, 0), len(rows)) if counts else None, rows) for reason, rows in found.items()
    ]
    return sorted(groups, key=lambda group: (-(group[1] or len(group[2])), group[0]))


def advice(reason: str) -> tuple[str, str, str]:
    """What to do about a reason: in words, and where, an endpoint with what its link says; empty where there is
    nothing to open."""
    is_manager = account().role in MANAGERS
    forms = ("forms.index", _("To the forms")) if is_manager else ("", "")
    sellers = ("sellers.index", _("To the sellers"))
    found: dict[str, tuple[str, tuple[str, str]]] = {
        "no_rule": (_("Choose a team for the form, and they are given out at once."), forms),
        "no_sellers": (_("Put sellers into the team."), ("teams.index", _("To the teams"))),
        "all_inactive": (_("Let somebody of the team take part in the rotation again, or add sellers."), sellers),
        "all_away": (
            _("Nothing has to be done. If that is too late, change hours or time off, or give them by hand."),
            ("calendar.index", _("To the calendar")),
        ),
        "all_capped": (_("Raise the caps of the sellers, add sellers, or wait until leads are closed."), sellers),
        "returned": (_("Read why they came back, then give them by hand."), ("", "")),
    }
    text, (endpoint, link) = found.get(reason, ("", ("", "")))
    return text, endpoint, link
