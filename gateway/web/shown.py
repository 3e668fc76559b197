"""How pages show times, money and people: in the reader's language and time zone."""

from collections.abc import Iterable, Mapping
from datetime import date, datetime, timedelta
from itertools import groupby
from typing import Any
from urllib.parse import urlencode

import phonenumbers
from babel.dates import format_skeleton, format_timedelta
from flask import Flask, g, request
from flask_babel import format_date, format_datetime, format_time, get_locale, to_user_timezone
from flask_babel import gettext as _
from flask_wtf.csrf import generate_csrf
from markupsafe import Markup

from contracts import errors
from contracts.access import MANAGERS, SUPERVISORS
from gateway import locales
from gateway.web.money import TWO_WAYS, WHOLE_ONLY, money
from gateway.web.navigation import navigation
from runtime.clock import parse_iso, utc_now
from runtime.errors import Invalid


def register(app: Flask) -> None:
    """Adds filters and names that every template may use."""
    app.jinja_env.filters.update(
        ago=ago,
        lasting=lasting,
        exactly=exactly,
        exactly_short=exactly_short,
        day=day,
        on_day=on_day,
        clock=clock,
        money=money,
        dial=dial,
        telephone=telephone,
        initials=initials,
        stamp=stamp,
        groupby_in_order=groupby_in_order,
    )
    app.jinja_env.globals.update(
        navigation=navigation,
        MANAGERS=MANAGERS,
        SUPERVISORS=SUPERVISORS,
        token_field=token_field,
        role_name=role_name,
        problem_text=problem_text,
        with_query=with_query,
        url_exists=lambda endpoint: endpoint in app.view_functions,
    )
    app.context_processor(
        lambda: {"account": g.get("account"), "nonce": g.get("nonce", ""), "locale": locales.current()}
    )


def ago(value: str | datetime | None) -> str:
    """ "3 minutes ago"."""
    at = _instant(value)
    if at is None:
        return ""
    return format_timedelta(at - utc_now(), add_direction=True, locale=get_locale(), threshold=1.1)


def lasting(value: str | datetime | None) -> str:
    """How long it has lasted: "12 minutes"."""
    at = _instant(value)
    return "" if at is None else format_timedelta(max(utc_now() - at, timedelta()), locale=get_locale(), threshold=1.1)


def exactly(value: str | datetime | None) -> str:
    """Day and time, in the reader's time zone."""
    at = _instant(value)
    return "" if at is None else format_datetime(at, "medium")


def exactly_short(value: str | datetime | None) -> str:
    """Day and time where there is little room: a time of today stands alone, one within a week has its weekday."""
    at = _instant(value)
    if at is None:
        return ""
    days = (local(at).date() - local(utc_now()).date()).days
    if days == 0:
        return clock(at)
    pattern = "EEE" if 0 < days < 7 else "d MMM"
    return f"{format_date(at, pattern)} {clock(at)}"


def day(value: str | datetime | None) -> str:
    """The day, in the reader's time zone."""
    at = _instant(value)
    return "" if at is None else format_date(at, "medium")


def on_day(value: str | datetime | date, skeleton: str = "MMMEEEd") -> str:
    """A day as people name it. value: a date or an instant. skeleton: what of it is told, as CLDR writes that."""
    if isinstance(value, str) and len(value) == len("2026-12-24"):
        value = date.fromisoformat(value)
    on = value if isinstance(value, date) and not isinstance(value, datetime) else local(value)
    return format_skeleton(skeleton, on, locale=get_locale())


def clock(value: str | datetime | None) -> str:
    """Hours and minutes, in the reader's time zone."""
    at = _instant(value)
    return "" if at is None else format_time(at, "short")


def stamp(value: str | datetime | None) -> Markup:
    """A `<time>` that says how long ago, and when exactly to whoever points at it."""
    at = _instant(value)
    if at is None:
        return Markup("")
    return Markup('<time datetime="{}" title="{}">{}</time>').format(at.isoformat(), exactly(at), ago(at))


def dial(phone: str | None) -> str:
    """What a telephone dials: digits, and a plus in front where there is one."""
    return "".join(character for character in phone or "" if character.isdecimal() or character == "+")


def telephone(phone: str | None) -> str:
    """A telephone number in groups, as people read it."""
    try:
        known = phonenumbers.parse(phone or "", None)
    except phonenumbers.NumberParseException:
        return phone or ""
    return phonenumbers.format_number(known, phonenumbers.PhoneNumberFormat.INTERNATIONAL)


def initials(name: str) -> str:
    """At most two letters for a picture."""
    words = [word for word in name.split() if word[:1].isalnum()]
    return "".join(word[0] for word in (words[:1] + words[1:][-1:])).upper()


def role_name(role: str) -> str:
    """A role in words."""
    names = {"admin": _("Administrator"), "manager": _("Manager"), "supervisor": _("Supervisor"), "seller": _("Seller")}
    return names.get(role, role)


def problem_text(code: str) -> str:
    """What is wrong with a field, and what to do about it. Codes: of `contracts.errors`, and a few of pages."""
    texts = {
        errors.REQUIRED: _("Please fill this in."),
        errors.TOO_LONG: _("This is too long."),
        errors.NOT_ALLOWED: _("This is not among what is allowed."),
        errors.OVERLAP: _("This overlaps with something that is there already."),
        errors.CONFLICT: _("Somebody changed this meanwhile."),
        WHOLE_ONLY: _("This currency has no decimals: write a whole amount, such as 1250."),
        TWO_WAYS: _(
            "This can be read in two ways. Write 1234 for thousands; for decimals put a zero behind them: 1,2340."
        ),
        "wrong": _("This is not right. Please check it."),
        "taken": _("This is taken already."),
        "too_short": _("This is too short."),
        "twice": _("This is there twice."),
        "whole_number": _("A whole number is needed here."),
        "half_a_shift": _("Every shift needs a beginning and an end."),
        "no_shift": _("Fill in at least one shift, or choose that they always work."),
        "order": _("The end must come after the beginning."),
        "ten_years": _("These are more than ten years. Choose fewer days."),
        "last_admin": _("This is the last administrator. Make somebody else one first, or nobody could administer."),
        errors.NOT_FOUND: _("This is not there any more. Choose another."),
        "reserved": _("This name is reserved. Choose another."),
        "field_twice": _("Another field above has this name. Choose another."),
        "field_reserved": _(
            "This name is an instruction to the form, not a field. Choose another, without _ in front."
        ),
        "field_length": _("A whole number from 1 to 10,000 is needed here."),
        "choices_needed": _("Write down what can be chosen, one per line."),
        "origin": _("One site per line, such as https://example.com."),
        "form_key": _("4 to 64 small letters, digits and hyphens; another form may have it already."),
        "file_too_large": _("The file is too large. Part it in several, or leave columns out."),
        "empty": _("The file is empty."),
        "truncated": _("The file did not arrive whole. Choose it again."),
        "too_old": _("The page was too old to be sure that it came from you. Choose the file again."),
        "fields_needed": _("A form needs at least one field, and can have 100."),
    }
    return texts.get(code, _("This cannot be taken. Please check it."))


def codes_of(error: Invalid) -> dict[str, str]:
    """What is wrong with each field, as `problem_text` says it."""
    return {problem["field"]: problem["code"] for problem in error.errors}


def by_name(names: Mapping[str, str] | None) -> list[tuple[str, str]]:
    """Names by id as pairs, in order; none while they are not to be had."""
    return sorted((names or {}).items(), key=lambda pair: pair[1].casefold())


def staff_by_name(names: Mapping[str, Mapping[str, str]] | None) -> dict[str, list[tuple[str, str]]]:
    """`sellers` and `teams` of `distribution.staff_names`, each as `by_name` has them."""
    return {kind: by_name(names[kind] if names else None) for kind in ("sellers", "teams")}


def with_query(**changes: Any) -> str:
    """Address of the page in hand with other parameters; one that is None is left out."""
    query = {**request.args.to_dict(), **changes}
    return f"{request.path}?{urlencode({name: value for name, value in query.items() if value not in (None, '')})}"


def groupby_in_order(items: Iterable[Any], name: str) -> list[tuple[Any, list[Any]]]:
    """Neighbours with the same value, together; those without one stay where they are."""
    return [(value, list(members)) for value, members in groupby(items, key=lambda item: getattr(item, name))]


def token_field() -> Markup:
    """The hidden field that every form posts: proof that the form came from a page of ours."""
    return Markup('<input type="hidden" name="csrf_token" value="{}">').format(generate_csrf())


def local(value: str | datetime) -> datetime:
    """The instant as the reader's clock shows it."""
    at = _instant(value)
    if at is None:
        raise ValueError("no instant")
    shown: datetime = to_user_timezone(at)
    return shown


def _instant(value: Any) -> datetime | None:
    if not value:
        return None
    return parse_iso(value) if isinstance(value, str) else value
