"""What callers send about teams and sellers, checked: every problem at once, each naming its field."""

import re
from collections.abc import Callable, Mapping
from datetime import date
from typing import Any, Final
from uuid import UUID
from zoneinfo import available_timezones

from contracts import limits
from contracts.errors import INVALID, NOT_ALLOWED, REQUIRED, TOO_LONG
from runtime.errors import FieldError, Invalid, NotFound
from services.distribution.domain.availability import BadSchedule, parse_windows

CHANNELS: Final = ("sms", "email")

_ZONES = frozenset(available_timezones())
_LOCALE = re.compile(limits.LOCALE_PATTERN)
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")

SELLER_DEFAULTS: Final[Mapping[str, Any]] = {
    "email": "",
    "phone": "",
    "locale": "pt",
    "time_zone": "Europe/Lisbon",
    "channels": [],
    "weight": 1,
    "daily_cap": None,
    "open_cap": None,
    "working_hours": [],
    "holidays": [],
    "active": True,
    "teams": [],
}
TEAM_DEFAULTS: Final[Mapping[str, Any]] = {"supervisor": "", "time_zone": "Europe/Lisbon"}


class _Refused(Exception):
    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


Check = Callable[[Any], Any]


def check_team(values: Any) -> dict[str, Any]:
    """The fields of a team among `values`, checked.

    Raises:
        Invalid: naming every field that cannot be taken.
    """
    return _check(values, _TEAM)


def check_seller(values: Any) -> dict[str, Any]:
    """The fields of a seller among `values`, checked; whether the teams exist is not.

    Raises:
        Invalid: naming every field that cannot be taken.
    """
    return _check(values, _SELLER)


def known_id(what: str, identifier: Any) -> str:
    """An identifier in its canonical form.

    Raises:
        NotFound: it is none, so there can be no such thing.
    """
    try:
        return str(UUID(identifier))
    except (ValueError, TypeError, AttributeError):
        raise NotFound(what, str(identifier)) from None


def _check(values: Any, checks: Mapping[str, Check]) -> dict[str, Any]:
    if not isinstance(values, Mapping):
        raise Invalid([{"field": "", "code": INVALID, "message": "an object is expected"}])
    errors: list[FieldError] = []
    taken: dict[str, Any] = {}
    for name, value in values.items():
        try:
            if name not in checks:
                raise _Refused(NOT_ALLOWED, "there is no such field")
            taken[name] = checks[name](value)
        except _Refused as refused:
            errors.append({"field": str(name), "code": refused.code, "message": str(refused)})
    if errors:
        raise Invalid(errors)
    return taken


def _text(most: int, *, required: bool = False) -> Check:
    def check(value: Any) -> str:
        if not isinstance(value, str):
            raise _Refused(INVALID, "text is expected")
        text = value.strip()
        if required and not text:
            raise _Refused(REQUIRED, "may not be empty")
        if len(text) > most:
            raise _Refused(TOO_LONG, f"at most {most} characters")
        if any(ord(character) < 32 for character in text):
            raise _Refused(INVALID, "line breaks and control characters are not allowed")
        return text

    return check


def _like(pattern: re.Pattern[str], example: str, *, most: int, empty: bool) -> Check:
    text = _text(most, required=not empty)

    def check(value: Any) -> str:
        taken: str = text(value)
        if taken and not pattern.fullmatch(taken):
            raise _Refused(INVALID, f"{taken!r} does not look like {example}")
        return taken

    return check


def _whole(least: int, most: int) -> Check:
    def check(value: Any) -> int:
        if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
            raise _Refused(INVALID, f"a whole number from {least} to {most} is expected, not {value!r}")
        return value

    return check


def _cap(value: Any) -> int | None:
    return None if value is None else int(_whole(0, limits.CAP)(value))


def _time_zone(value: Any) -> str:
    if not isinstance(value, str) or value not in _ZONES:
        raise _Refused(INVALID, f"{value!r} is not a time zone such as Europe/Lisbon")
    return value


def _flag(value: Any) -> bool:
    if not isinstance(value, bool):
        raise _Refused(INVALID, "true or false is expected")
    return value


def _list(value: Any, most: int | None = None) -> list[Any]:
    if not isinstance(value, list | tuple):
        raise _Refused(INVALID, "a list is expected")
    if most is not None and len(value) > most:
        raise _Refused(TOO_LONG, f"at most {most}, not {len(value)}")
    return list(value)


def _channels(value: Any) -> list[str]:
    channels = _list(value)
    unknown = [channel for channel in channels if channel not in CHANNELS]
    if unknown:
        raise _Refused(NOT_ALLOWED, f"{unknown[0]!r} is not one of {', '.join(CHANNELS)}")
    return sorted(set(channels), key=CHANNELS.index)


def _teams(value: Any) -> list[str]:
    try:
        return sorted({str(UUID(team)) for team in _list(value)})
    except (ValueError, TypeError, AttributeError):
        raise _Refused(INVALID, "ids of teams are expected") from None


def _holidays(value: Any) -> list[str]:
    try:
        return sorted({date.fromisoformat(day).isoformat() for day in _list(value, limits.HOLIDAYS)})
    except (ValueError, TypeError):
        raise _Refused(INVALID, "dates such as 2026-12-25 are expected") from None


def _working_hours(value: Any) -> list[dict[str, Any]]:
    spans = [_span(span) for span in _list(value, limits.SHIFTS)]
    try:
        parse_windows([(span["days"], span["start"], span["end"]) for span in spans])
    except BadSchedule as error:
        raise _Refused(error.code, str(error)) from None
    return spans


def _span(value: Any) -> dict[str, Any]:
    if not isinstance(value, Mapping) or set(value) != {"days", "start", "end"}:
        raise _Refused(INVALID, "each needs days, start and end, and nothing else")
    days = [_whole(0, 6)(day) for day in _list(value["days"], limits.DAYS)]
    if not isinstance(value["start"], str) or not isinstance(value["end"], str):
        raise _Refused(INVALID, "times such as 09:00 are expected")
    return {"days": sorted(set(days)), "start": value["start"], "end": value["end"]}


_TEAM: Mapping[str, Check] = {
    "name": _text(limits.TEAM_NAME, required=True),
    "supervisor": _text(limits.SUPERVISOR),
    "time_zone": _time_zone,
}
_SELLER: Mapping[str, Check] = {
    "name": _text(limits.SELLER_NAME, required=True),
    "email": _like(_EMAIL, "ana@example.com", most=limits.EMAIL, empty=True),
    "phone": _text(limits.PHONE),
    "locale": _like(_LOCALE, "pt or pt-BR", most=limits.LOCALE, empty=False),
    "time_zone": _time_zone,
    "channels": _channels,
    "weight": _whole(1, limits.WEIGHT),
    "daily_cap": _cap,
    "open_cap": _cap,
    "working_hours": _working_hours,
    "holidays": _holidays,
    "active": _flag,
    "teams": _teams,
}
