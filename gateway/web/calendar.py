"""Who works when: hours, holidays and time off by day, each by the seller's own clock."""

from calendar import monthrange
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from babel.dates import format_date, format_interval, format_skeleton
from flask import flash, redirect, render_template, request, url_for
from flask_babel import get_locale
from flask_babel import gettext as _

from contracts import limits
from contracts.access import SUPERVISORS
from gateway.accounts.noted import noted
from gateway.parts import call
from gateway.web.hours import absence_span, day_name, local_end, local_start, shift_text, week_of
from gateway.web.pages import Pages, from_cursor
from gateway.web.shown import by_name, codes_of, local
from runtime.clock import iso, utc_now
from runtime.errors import Invalid

pages = Pages("calendar", SUPERVISORS)

WEEK_SELLERS, MONTH_SELLERS = 50, 500
_DAY, _WEEK = timedelta(days=1), timedelta(days=7)
_MISSING = ("partly", "away", "holiday")
_EARLIEST, _LATEST = date(2000, 1, 1), date(2200, 1, 1)


@dataclass(frozen=True, slots=True)
class Cell:
    """One seller on one day.

    state: "on", "partly" (away for a part of it), "away", "holiday" or "off" (no hours on this day of the week).
    """

    state: str
    shifts: tuple[str, ...]
    absences: tuple[Mapping[str, Any], ...]

    @property
    def works(self) -> bool:
        """Whether they work at all."""
        return self.state in ("on", "partly")


@pages.get("/calendar")
def index() -> str:
    """A week, seller by seller, or a month with how many are there."""
    is_month = request.args.get("view") == "month"
    today = local(utc_now()).date()
    chosen = _day(request.args.get("day", "")) or today
    first, number = _month(chosen) if is_month else (chosen - timedelta(days=chosen.weekday()), 7)
    days = [first + timedelta(days=shift) for shift in range(number)]
    team_id = request.args.get("team") or None
    query = {"team_id": team_id, "active": True, "limit": MONTH_SELLERS if is_month else WEEK_SELLERS}
    found = from_cursor(lambda cursor: call("distribution", "list_sellers", cursor=cursor, **query))
    absences = _absences(days[0], days[-1], [seller["seller_id"] for seller in found["items"]])
    rows = _rows(found["items"], absences["items"], days)
    before, after = (_month_away(chosen, -1), _month_away(chosen, 1)) if is_month else (chosen - _WEEK, chosen + _WEEK)
    return render_template(
        "calendar/month.html" if is_month else "calendar/week.html",
        days=days,
        rows=rows,
        is_cut=absences["is_cut"],
        counts=[sum(cells[place].works for _seller, cells in rows) for place in range(number)],
        missing=[
            [(seller, cells[place].state) for seller, cells in rows if cells[place].state in _MISSING]
            for place in range(number)
        ],
        date_text=lambda day: format_date(day, "medium", get_locale()),
        week_text=lambda first, last: format_interval(first, last, "yMMMd", locale=get_locale()),
        month_text=lambda day: format_skeleton("yMMMM", day, locale=get_locale()),
        teams=call("distribution", "staff_names")["teams"],
        chosen=chosen,
        today=today,
        before=before,
        after=after,
        following=found["next"],
        day_name=day_name,
        absence_span=absence_span,
    )


@pages.get("/calendar/time-off")
def time_off() -> str:
    """The page that asks who is away and when."""
    day = _day(request.args.get("day", "")) or local(utc_now()).date()
    typed = {"seller_id": request.args.get("seller_id", ""), "first": day.isoformat(), "last": day.isoformat()}
    return _form(typed, {}, request.args.get("back", ""))


@pages.post("/calendar/time-off")
def add_time_off() -> Any:
    """Takes a seller out of the rotation for some days, or hours."""
    names = ("seller_id", "first", "first_time", "last", "last_time", "reason")
    typed = {name: request.form.get(name, "").strip() for name in names}
    back = request.form.get("back", "")
    problems = {} if typed["seller_id"] else {"seller_id": "required"}
    first, last = _day(typed["first"]), _day(typed["last"]) if typed["last"] else _day(typed["first"])
    problems |= {name: "wrong" for name, day in (("first", first), ("last", last)) if day is None}
    if problems or first is None or last is None:
        return _form(typed, problems, back), 422
    seller = call("distribution", "get_seller", seller_id=typed["seller_id"])
    try:
        starts = local_start(first, typed["first_time"], seller["time_zone"])
        ends = local_end(last, typed["last_time"], seller["time_zone"])
    except ValueError:
        return _form(typed, {"first": "wrong"}, back), 422
    if ends <= starts:
        return _form(typed, {"last": "order"}, back), 422
    span = {"starts_at": iso(starts), "ends_at": iso(ends), "reason": typed["reason"]}
    try:
        call("distribution", "add_time_off", seller_id=seller["seller_id"], **span)
    except Invalid as error:
        fields = {"starts_at": "first", "ends_at": "last"}
        codes = {fields.get(field, field): code for field, code in codes_of(error).items()}
        return _form(typed, codes, back), 422
    noted("added time off", seller["seller_id"])
    away = absence_span(span["starts_at"], span["ends_at"], seller["time_zone"])
    flash(_("%(name)s is away: %(when)s.", name=seller["name"], when=away), "success")
    return redirect(_back(back, seller["seller_id"]), 303)


@pages.post("/calendar/time-off/<uuid:seller_id>/<uuid:time_off_id>/remove")
def remove_time_off(seller_id: object, time_off_id: object) -> Any:
    """Gives a time off back."""
    call("distribution", "remove_time_off", seller_id=str(seller_id), time_off_id=str(time_off_id))
    noted("removed time off", str(seller_id))
    flash(_("The time off is removed."), "success")
    return redirect(_back(request.form.get("back", ""), str(seller_id)), 303)


def cell_of(seller: Mapping[str, Any], absences: Iterable[Mapping[str, Any]], day: date) -> Cell:
    """How a seller's day looks.

    seller: time_zone, `usual` (the cells of an undisturbed week), holidays.
    absences: their time off, with `starts_at` and `ends_at` as instants.
    """
    usual: Cell = seller["usual"][day.weekday()]
    away: tuple[Mapping[str, Any], ...] = ()
    is_gone = False
    if absences:
        begins, ends = (local_start(at, "", seller["time_zone"]) for at in (day, day + _DAY))
        away = tuple(off for off in absences if off["starts_at"] < ends and off["ends_at"] > begins)
        is_gone = any(off["starts_at"] <= begins and off["ends_at"] >= ends for off in away)
    if is_gone:
        return Cell("away", usual.shifts, away)
    if day in seller["holidays"]:
        return Cell("holiday", usual.shifts, away)
    return Cell("partly" if usual.works else usual.state, usual.shifts, away) if away else usual


def _usual_week(seller: Mapping[str, Any]) -> list[Cell]:
    always = not seller["working_hours"]
    week = [tuple(map(shift_text, shifts)) for shifts in week_of(seller["working_hours"])]
    return [Cell("on" if shifts or always else "off", shifts, ()) for shifts in week]


def _rows(
    sellers: Iterable[Mapping[str, Any]], absences: Iterable[Mapping[str, Any]], days: list[date]
) -> list[tuple[dict[str, Any], list[Cell]]]:
    away: dict[str, list[dict[str, Any]]] = {}
    for off in absences:
        instants = {name: datetime.fromisoformat(off[name]) for name in ("starts_at", "ends_at")}
        away.setdefault(off["seller_id"], []).append({**off, **instants})
    rows = []
    for seller in sorted(sellers, key=lambda seller: seller["name"].casefold()):
        holidays = {date.fromisoformat(day) for day in seller["holidays"]}
        shown = {**seller, "usual": _usual_week(seller), "holidays": holidays}
        own = away.get(seller["seller_id"], [])
        rows.append((shown, [cell_of(shown, own, day) for day in days]))
    return rows


def _absences(first: date, last: date, seller_ids: list[str]) -> dict[str, Any]:
    # A day more on either side: a seller's day begins before or after the reader's.
    since, until = local_start(first - _DAY, "", "UTC"), local_end(last + _DAY, "", "UTC")
    found: dict[str, Any] = call(
        "distribution", "list_time_off", since=iso(since), until=iso(until), seller_ids=seller_ids
    )
    return found


def _day(text: str) -> date | None:
    try:
        day = date.fromisoformat(text)
    except ValueError:
        return None
    return day if _EARLIEST <= day <= _LATEST else None


def _month(day: date) -> tuple[date, int]:
    """The whole weeks that a month lies in: their first day, and how many days."""
    first, length = day.replace(day=1), monthrange(day.year, day.month)[1]
    begins = first - timedelta(days=first.weekday())
    return begins, -(-(first.weekday() + length) // 7) * 7


def _month_away(day: date, months: int) -> date:
    first = day.replace(day=1)
    return (first - _DAY).replace(day=1) if months < 0 else (first + timedelta(days=32)).replace(day=1)


def _back(back: str, seller_id: str) -> str:
    """Where somebody came from: a page of ours."""
    return back if back.startswith(("/calendar", "/sellers/")) else url_for("sellers.show", seller_id=seller_id)


def _form(typed: Mapping[str, str], problems: Mapping[str, str], back: str) -> str:
    names = call("distribution", "staff_names")["sellers"]
    return render_template(
        "calendar/time_off.html",
        typed=typed,
        problems=problems,
        back=back,
        sellers=by_name(names),
        longest=limits.REASON,
    )
