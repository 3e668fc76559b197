"""What is typed to define a seller: as the page shows it again, and as distribution takes it."""

from collections.abc import Iterable, Mapping
from typing import Any

from flask_babel import gettext as _
from flask_babel import ngettext
from werkzeug.datastructures import MultiDict

from gateway.web.hours import HalfAShift, typed_week, week_lines, week_of, working_hours_of

Typed = dict[str, Any]

_TEXTS = ("name", "email", "phone", "locale", "time_zone")
_NUMBERS = ("weight", "daily_cap", "open_cap")
CHANNELS = ("sms", "email")
TIMES = ("working_hours", "holidays")
"""What a supervisor may change."""

FRESH: Typed = {
    "name": "",
    "email": "",
    "phone": "",
    "locale": "pt",
    "time_zone": "Europe/Lisbon",
    "weight": "1",
    "daily_cap": "",
    "open_cap": "",
    "teams": [],
    "channels": [],
    "holidays": [],
    "active": True,
    "always": True,
    "week": [[] for _day in range(7)],
}
"""A seller that nobody has defined yet."""


def shown(seller: Mapping[str, Any]) -> Typed:
    """A seller as the fields of the page hold them."""
    texts = {name: seller[name] for name in _TEXTS}
    numbers = {name: "" if seller[name] is None else str(seller[name]) for name in _NUMBERS}
    lists = {name: list(seller[name]) for name in ("teams", "channels", "holidays")}
    hours = {"always": not seller["working_hours"], "week": week_of(seller["working_hours"])}
    return {**texts, **numbers, **lists, **hours, "active": seller["active"]}


def typed(form: MultiDict[str, str]) -> Typed:
    """What somebody typed, as they typed it."""
    texts = {name: form.get(name, "").strip() for name in (*_TEXTS, *_NUMBERS)}
    lists = {name: [value for value in form.getlist(name) if value] for name in ("teams", "channels", "holidays")}
    hours = {"always": form.get("always") == "1", "week": typed_week(form)}
    return {**texts, **lists, **hours, "active": form.get("active") == "1"}


def definition(values: Typed, names: Iterable[str] | None = None) -> tuple[dict[str, Any], dict[str, str]]:
    """The seller as distribution takes them, and what cannot be taken: codes by field.

    names: of the fields that whoever typed may define; all of them when None.
    """
    taken: dict[str, Any] = {name: values[name] for name in (*_TEXTS, "teams", "active")}
    taken["channels"] = [channel for channel in CHANNELS if channel in values["channels"]]
    taken["holidays"] = sorted(set(values["holidays"]))
    problems = {}
    for name in _NUMBERS:
        try:
            taken[name] = int(values[name]) if values[name] else None
        except ValueError:
            problems[name] = "whole_number"
    if not values["weight"]:
        problems["weight"] = "required"
    try:
        taken["working_hours"] = [] if values["always"] else working_hours_of(values["week"])
    except HalfAShift:
        problems["working_hours"] = "half_a_shift"
    else:
        if not values["always"] and not taken["working_hours"]:
            problems["working_hours"] = "no_shift"
    if names is None:
        return taken, problems
    wanted = set(names)
    return (
        {name: value for name, value in taken.items() if name in wanted},
        {name: code for name, code in problems.items() if name in wanted},
    )


def differences(
    newest: Mapping[str, Any], wanted: Mapping[str, Any], teams: Mapping[str, str]
) -> list[tuple[str, str]]:
    """What is kept now where somebody wants something else: names of fields and their newest values, in words."""
    labels = field_names()
    return [
        (labels[name], _words(name, newest[name], teams))
        for name in labels
        if name in wanted and _comparable(name, newest[name]) != _comparable(name, wanted[name])
    ]


def field_names() -> dict[str, str]:
    """The fields as pages call them, in the order of the page."""
    return {
        "name": _("Name"),
        "email": _("E-mail"),
        "phone": _("Telephone"),
        "locale": _("Language"),
        "time_zone": _("Time zone"),
        "teams": _("Teams"),
        "channels": _("Told of new leads by"),
        "weight": _("Weight"),
        "daily_cap": _("At most a day"),
        "open_cap": _("At most open"),
        "working_hours": _("Working hours"),
        "holidays": _("Holidays"),
        "active": _("Takes part"),
    }


def hours_text(working_hours: Iterable[Mapping[str, Any]]) -> str:
    """Working hours in one line."""
    return "; ".join(f"{days} {hours}" for days, hours in week_lines(working_hours)) or _("Always")


def _comparable(name: str, value: Any) -> Any:
    if name == "working_hours":
        return [sorted(day) for day in week_of(value)]
    return sorted(value) if isinstance(value, list) else value


def _words(name: str, value: Any, teams: Mapping[str, str]) -> str:
    if name == "working_hours":
        return hours_text(value)
    if name == "holidays":
        return ngettext("%(num)d day", "%(num)d days", len(value))
    if name == "teams":
        return ", ".join(teams.get(team, "?") for team in value) or "–"
    if name == "active":
        return _("yes") if value else _("no")
    if isinstance(value, list):
        return ", ".join(value) or "–"
    return "–" if value in (None, "") else str(value)
