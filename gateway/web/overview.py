"""Where managers and supervisors begin: what came, what became of it, who is there, what needs a person."""

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import orjson
from flask import abort, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _

from contracts.access import MANAGERS, SUPERVISORS
from gateway.accounts.noted import noted
from gateway.parts import call, call_if_there, parts
from gateway.store import forms_by_name
from gateway.web.pages import Pages, account, is_partial
from runtime.clock import iso, utc_now
from runtime.errors import Conflict

pages = Pages("overview", SUPERVISORS)

SPANS = (1, 7, 30)
"""Days that can be looked at, today included."""

SELLERS_ASKED, SELLERS_SHOWN, UNKNOWN_SHOWN, LINES_SHOWN = 100, 8, 20, 10
SHOWN_OF_SELLER = ("seller_id", "name", "open_work", "open_cap")


@pages.get("/overview")
def index() -> Any:
    """The numbers; htmx asks for them again and again, and gets nothing while they are the same."""
    days = request.args.get("days", type=int)
    days = days if days in SPANS else 7
    numbers = _numbers(days)
    seen = hashlib.sha256(orjson.dumps(numbers)).hexdigest()[:16]
    if is_partial() and request.args.get("seen") == seen:
        return "", 204
    context = {**numbers, "seen": seen, "days": days, "most": LINES_SHOWN, "bars": bars, "rate": rate}
    if is_partial():
        return render_template("overview/numbers.html", **context)
    return render_template("overview/index.html", **context, spans=SPANS, steps=_steps(numbers), unknown=_unknown())


def _numbers(days: int) -> dict[str, Any]:
    """What came of leads, how things stand, and who is there; None where a part does not answer."""
    zone = account().time_zone
    since, until = _span(days, utc_now(), zone)
    staff = call_if_there("distribution", "list_sellers", active=True, limit=SELLERS_ASKED)
    here = [seller for seller in staff["items"] if seller["on_duty"]] if staff else []
    here.sort(key=lambda seller: str(seller["name"]).casefold())
    return {
        "report": call_if_there("reporting", "overview", since=iso(since), until=iso(until), time_zone=zone),
        "now": call_if_there("distribution", "overview"),
        "here": [{name: seller[name] for name in SHOWN_OF_SELLER} for seller in here[:SELLERS_SHOWN]],
    }


def _span(days: int, now: datetime, time_zone: str) -> tuple[datetime, datetime]:
    """From midnight where the reader is, so many days ago, until tomorrow's."""
    zone = ZoneInfo(time_zone)
    today = now.astimezone(zone).date()
    first, last = today - timedelta(days=days - 1), today + timedelta(days=1)
    return datetime(*first.timetuple()[:3], tzinfo=zone), datetime(*last.timetuple()[:3], tzinfo=zone)


@dataclass(frozen=True, slots=True)
class Bar:
    """A day of the chart. height, won: in hundredths of the highest day."""

    day: str
    count: int
    won: int
    height: float
    won_height: float


def bars(by_day: list[dict[str, Any]]) -> list[Bar]:
    """Days as bars: leads captured, or those that were assigned where captured ones are not known."""
    counts = [line["assigned"] if line["captured"] is None else line["captured"] for line in by_day]
    highest = max([1, *counts, *(line["won"] for line in by_day)])
    return [
        Bar(line["day"], count, line["won"], 100 * count / highest, 100 * line["won"] / highest)
        for line, count in zip(by_day, counts, strict=True)
    ]


def rate(line: dict[str, Any]) -> float | None:
    """Won of those that ended; None while none has."""
    ended = line["won"] + line["lost"]
    return line["won"] / ended if ended else None


@dataclass(frozen=True, slots=True)
class Step:
    """One of the first steps. address: empty while an earlier one has to be done first."""

    text: str
    hint: str
    address: str
    link: str
    is_done: bool


def _steps(numbers: dict[str, Any]) -> list[Step]:
    """What is to be done before the first lead arrives; nothing once one has."""
    report, now = numbers["report"], numbers["now"]
    if account().role not in MANAGERS or now is None or report is None or report["assigned"]:
        return []
    work = call_if_there("distribution", "list_work", limit=1)
    names = call_if_there("distribution", "staff_names")
    leads = call_if_there("capture", "list_leads", limit=1)
    if work is None or names is None or leads is None or any(item["state"] != "waiting" for item in work["items"]):
        return []
    with parts().database.read() as connection:
        forms = forms_by_name(connection, limit=1)
    has_leads = bool(leads["items"])
    form = url_for("forms.show", form_id=forms[0]["id"]) if forms else ""
    return [
        Step(
            _("Make a form"),
            _("For your site, or as a page of its own. Three are ready-made."),
            url_for("forms.new"), _("Make a form"), bool(forms),
        ),
        Step(
            _("Make a team"),
            _("Leads of a form go to a team, and its sellers get them in turn."),
            url_for("teams.new"), _("Make a team"), bool(names["teams"]),
        ),
        Step(
            _("Add a seller"),
            _("With their hours, and how many leads they may have."),
            url_for("sellers.new"), _("Add a seller"), now["sellers"] > 0,
        ),
        Step(
            _("Send a test lead"),
            _("On the page of your form. It goes the whole way, as any other does."),
            form, _("To the form"), has_leads,
        ),
        Step(
            _("See it arrive"),
            _("Its seller gets it within a second. If nobody does, Waiting says why."),
            url_for("waiting.index") if has_leads else "", _("See what waits"), False,
        ),
    ]  # fmt: skip


def _unknown() -> list[dict[str, Any]]:
    """Messages of which nobody knows whether they were sent, with the leads they tell of."""
    page = call_if_there("notifications", "unknown", limit=UNKNOWN_SHOWN)
    if not page or not page["items"]:
        return []
    names = (call_if_there("distribution", "staff_names") or {"sellers": {}})["sellers"]
    wanted = list({item["lead_id"] for item in page["items"]})
    cards = {card["lead_id"]: card for card in call_if_there("capture", "lead_cards", lead_ids=wanted) or []}
    return [
        {**item, "seller": names.get(item["seller_id"], ""), "card": cards.get(item["lead_id"])}
        for item in page["items"]
    ]


@pages.post("/overview/messages/<uuid:message_id>")
def settle(message_id: object) -> Any:
    """A person says what became of a message."""
    outcome = request.form.get("outcome", "")
    if outcome not in ("sent", "not_sent"):
        abort(400)
    try:
        call("notifications", "settle_message", message_id=str(message_id), outcome=outcome)
    except Conflict:
        flash(_("Somebody was faster: this message is settled already."), "warning")
    else:
        noted("settled a message", str(message_id), outcome=outcome)
        flash(_("Settled: it was sent.") if outcome == "sent" else _("It is sent once more."), "success")
    return redirect(url_for("overview.index"), 303)
