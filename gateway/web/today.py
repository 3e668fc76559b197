"""Where a seller begins: whether leads come, the new ones, what is to be done today."""

from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from flask import flash, redirect, render_template, request, url_for
from flask_babel import gettext as _

from gateway.parts import call, call_if_there
from gateway.web import words
from gateway.web.pages import Pages, account, is_partial
from gateway.web.reasons import absence_text
from gateway.worklist import with_cards
from runtime.clock import iso, parse_iso, utc_now
from runtime.errors import Conflict

pages = Pages("today", ("seller",))

NEW_SHOWN, TASKS_SHOWN = 6, 30
LUNCH = timedelta(hours=1)


@pages.get("/today")
def index() -> str:
    """Today: new leads first, then tasks, then numbers."""
    seller_id, now = account().seller_id, utc_now()
    seller = call("distribution", "get_seller", seller_id=seller_id)
    counts = call("distribution", "work_counts", seller_id=seller_id)
    first = call(
        "distribution", "seller_work", seller_id=seller_id, state="assigned", order="priority", limit=NEW_SHOWN
    )
    agenda = call_if_there("campaigns", "agenda", seller_id=seller_id, until=iso(_end_of_day(now)), limit=TASKS_SHOWN)
    news = [work for work in first["items"] if work["opened_at"] is None]
    shown = {work["work_id"] for work in news}  # that a new lead wants a first contact is plain
    tasks = [task for task in agenda["items"] if task["work_id"] not in shown] if agenda else []
    with_names = with_cards([*news, *tasks])
    tasks = with_names[len(news) :]
    return render_template(
        "today/index.html",
        greeting=_greeting(now),
        seller=seller,
        counts=counts,
        news=with_names[: len(news)],
        overdue=[task for task in tasks if _is_late(task, now)],
        due=[task for task in tasks if not _is_late(task, now)],
        agenda=agenda,
        off_duty=absence_text(seller["off_duty_reason"]),
        task_name=words.task_name,
    )


@pages.post("/today/available")
def available() -> Any:
    """The seller's own switch. `until`: "lunch", "day", or empty for as long as they like."""
    wanted, now = request.form.get("available") == "on", utc_now()
    ends = {"lunch": now + LUNCH, "day": _end_of_day(now)}.get(request.form.get("until", ""))
    until = iso(ends) if ends and not wanted else None
    seller_id = account().seller_id
    try:
        seller = call("distribution", "set_available", seller_id=seller_id, available=wanted, until=until)
    except Conflict:
        if not is_partial():
            flash(_("Somebody changed your teams at the same moment. Please press it again."), "warning")
            return redirect(url_for("today.index"), 303)
        seller = call("distribution", "get_seller", seller_id=seller_id)
    if is_partial():
        return render_template(
            "today/available.html", seller=seller, off_duty=absence_text(seller["off_duty_reason"]), focus=True
        )
    return redirect(url_for("today.index"), 303)


def _is_late(task: dict[str, Any], now: datetime) -> bool:
    """A free task is never late: it may be done any time from its day on."""
    return not task["start_on"] and parse_iso(task["due_at"]) < now


def _end_of_day(now: datetime) -> datetime:
    """Midnight where the seller is."""
    zone = ZoneInfo(account().time_zone)
    tomorrow = now.astimezone(zone).date() + timedelta(days=1)
    return datetime(tomorrow.year, tomorrow.month, tomorrow.day, tzinfo=zone)


def _greeting(now: datetime) -> str:
    hour, name = now.astimezone(ZoneInfo(account().time_zone)).hour, account().name.split()[0]
    if hour < 5 or hour >= 18:
        return _("Good evening, %(name)s", name=name)
    return _("Good morning, %(name)s", name=name) if hour < 12 else _("Good afternoon, %(name)s", name=name)
