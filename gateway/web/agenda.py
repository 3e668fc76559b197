"""A seller's day: what is planned by its time, what has begun and may be done any time, what is overdue."""

from datetime import date, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from flask import render_template, request

from gateway.parts import call, call_if_there
from gateway.web import lead_forms, task_forms, words
from gateway.web.pages import Pages, account, is_partial
from gateway.web.shown import by_name, local
from gateway.worklist import with_cards
from runtime.clock import iso, utc_now
from runtime.errors import Invalid
from runtime.ids import new_id

pages = Pages("agenda")

LISTS = ("overdue", "planned", "free")


@pages.get("/agenda")
def index() -> Any:
    """The day; of sellers their own, of others that of the seller they choose."""
    return shown(request.args.get("day", ""), request.args.get("seller", ""))


def shown(
    day: str,
    seller_id: str,
    *,
    told: str = "",
    task_id: str = "",
    problems: dict[str, str] | None = None,
) -> str:
    """The page, or the part of it that changes for htmx.

    day: such as "2026-12-24"; empty or none at all: today. seller_id: whose; of a seller it is always their own.
    told: "changed", or a sentence that says what was done. task_id, problems: the task whose form keeps what was
        posted, and what was wrong with it.
    """
    names = _names()
    if account().role == "seller":
        seller_id = account().seller_id
    elif names is not None and seller_id not in names:
        seller_id = ""  # nobody whom they lead: there is no such agenda
    found = _day(seller_id, day) if seller_id else None
    now = utc_now()
    base = now.astimezone(ZoneInfo(account().time_zone))
    return render_template(
        "agenda/part.html" if is_partial() else "agenda/index.html",
        seller_id=seller_id,
        sellers=by_name(names),
        name=(names or {}).get(seller_id, ""),
        agenda=found,
        on=date.fromisoformat(found["day"]) if found else None,
        step=timedelta(days=1),
        told=told,
        task_id=task_id,
        problems=problems or {},
        typed=request.form if task_id else {},
        as_of=iso(now),
        suggested={outcome: lead_forms.suggested(outcome, base) for outcome in ("no_answer",)},
        messages=task_forms.MESSAGES,
        kind_name=words.kind_name,
        outcome_name=words.outcome_name,
        new_id=new_id,
        to_date=date.fromisoformat,
    )


def _names() -> dict[str, str] | None:
    """Sellers that can be chosen; nobody for sellers, who have their own day only."""
    if account().role == "seller":
        return None
    staff = call_if_there("distribution", "staff_names")
    return staff["sellers"] if staff else None


def _day(seller_id: str, day: str) -> dict[str, Any]:
    """The lists of a day, each item with the card of its lead."""
    asked = {"seller_id": seller_id, "time_zone": account().time_zone}
    try:
        found = call("campaigns", "agenda_day", day=day, **asked)
    except Invalid:
        found = call("campaigns", "agenda_day", day="", **asked)  # somebody changed the address
    items = with_cards([item for name in LISTS for item in found[name]["items"]])
    cards = {
        item["task_id"]: item | {"on": item["start_on"] or local(item["due_at"]).date().isoformat()} for item in items
    }
    for name in LISTS:
        found[name] = {**found[name], "items": [cards[item["task_id"]] for item in found[name]["items"]]}
    return dict(found)
