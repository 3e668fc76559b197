"""How reports call what they count, in the reader's language."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from babel.dates import get_day_names
from babel.units import format_unit
from flask_babel import format_decimal, format_percent, get_locale
from flask_babel import gettext as _

from gateway.web.money import money
from gateway.web.report_filters import BINS
from gateway.web.words import lead_channel_name

_UNITS = ((86400, "day"), (3600, "hour"), (60, "minute"))

Line = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Names:
    """Names by id of what lines are about."""

    forms: Mapping[str, str]
    sellers: Mapping[str, str]
    teams: Mapping[str, str]

    def of(self, by: str, value: str, known: str = "") -> str:
        """A dimension's value in words. known: a name that came with it."""
        if not value:
            return {
                "seller": _("Nobody yet"), "team": _("No team yet"), "source": _("No source"), "form": _("No form"),
                "to_assignment": _("Not yet"), "to_contact": _("Not yet"),
            }.get(by, _("Not known"))  # fmt: skip
        named = {"form": self.forms, "seller": self.sellers, "team": self.teams}
        if by in named:
            return known or named[by].get(value) or _("Not known any more")
        if by == "channel":
            return lead_channel_name(value)
        if by == "weekday":
            return str(get_day_names("wide", locale=get_locale())[int(value)])
        if by == "hour":
            return f"{int(value):02}:00"
        if by in ("to_assignment", "to_contact"):
            return _bin(int(value))
        return value


def _bin(bound: int) -> str:
    if not bound:
        return _("%(time)s or more", time=duration(BINS[-1]))
    number = BINS.index(bound)
    if not number:
        return _("under %(time)s", time=duration(bound))
    return _("%(from_)s to %(to)s", from_=duration(BINS[number - 1]), to=duration(bound))


def duration(seconds: float | None) -> str:
    """How long, in at most two units: "0.4 s", "12 s", "5 min 20 s", "2 h", "3 days"."""
    if seconds is None:
        return "–"
    locale = get_locale()
    if seconds < 10:
        return str(format_unit(round(seconds, 1), "second", "short", locale=locale))
    for number, (size, unit) in enumerate(_UNITS):
        if seconds >= size:
            whole, rest = divmod(int(seconds), size)
            below, name = _UNITS[number + 1] if number + 1 < len(_UNITS) else (1, "second")
            second = rest // below
            told = [format_unit(whole, unit, "short", locale=locale)]
            if second and whole < 10:
                told.append(format_unit(second, name, "short", locale=locale))
            return " ".join(told)
    return str(format_unit(round(seconds), "second", "short", locale=locale))


def tab_name(by: str) -> str:
    """What a tab is called."""
    names = {
        "source": _("Sources"), "form": _("Forms"), "seller": _("Sellers"), "team": _("Teams"),
        "to_assignment": _("Time to a seller"), "to_contact": _("Time to first contact"), "hours": _("Hours"),
        "cross": _("Cross table"),
    }  # fmt: skip
    return names[by]


def side_name(by: str) -> str:
    """What a dimension is called, at the head of a column."""
    names = {
        "source": _("Source"), "form": _("Form"), "seller": _("Seller"), "team": _("Team"), "channel": _("Channel"),
        "weekday": _("Day of the week"), "hour": _("Hour"), "day": _("Day"), "to_assignment": _("Waited for a seller"),
        "to_contact": _("Waited for first contact"),
    }  # fmt: skip
    return names[by]


def span_name(span: str) -> str:
    """What a span is called."""
    names = {
        "today": _("Today"), "7": _("7 days"), "30": _("30 days"), "90": _("90 days"), "month": _("This month"),
        "quarter": _("This quarter"), "year": _("This year"), "days": _("Choose the days"),
    }  # fmt: skip
    return names[span]


def stage_name(stage: str) -> str:
    """How far a lead has come."""
    names = {
        "assigned": _("Given to a seller"), "unassigned": _("Not given to anybody"), "contacted": _("Contacted"),
        "uncontacted": _("Not contacted yet"), "reached": _("Spoken with"), "won": _("Won"), "lost": _("Lost"),
        "closed": _("Ended"), "open": _("Still open"),
    }  # fmt: skip
    return names[stage]


def measure_name(measure: str) -> str:
    """What a cell of a cross table shows."""
    names = {
        "won_of_leads": _("Conversion"), "leads": _("Leads"), "won": _("Won"), "income": _("Income"),
        "to_contact": _("Median time to first contact"),
    }  # fmt: skip
    return names[measure]


def shown(line: Line, measure: str) -> str:
    """A line's figure in words."""
    if measure == "income":
        return sales(line)
    if measure == "to_contact":
        return duration(line["to_contact"]["median"])
    if measure == "won_of_leads":
        return share(line["won_of_leads"])
    return str(format_decimal(line[measure]))


def weight(line: Line, measure: str) -> float:
    """A line's figure as a number that can be compared; of income the first currency's."""
    if measure == "income":
        return float(line["sales"][0]["amount"]) if line["sales"] else 0.0
    found = line["to_contact"]["median"] if measure == "to_contact" else line[measure]
    return float(found or 0)


def share(value: float | None) -> str:
    """A share in percent: with a decimal where it is small."""
    if value is None:
        return "–"
    return str(format_percent(value, "#,##0.#%" if 0 < value < 0.1 else "#,##0%"))


def sales(line: Line) -> str:
    """What was sold, in every currency."""
    return " + ".join(money(sale["amount"], sale["currency"]) for sale in line["sales"]) or "–"
