"""What is typed to define a form: as the page shows it again, and as capture takes it."""

import re
import unicodedata
from collections.abc import Mapping, Sequence
from typing import Any, Final

from babel.core import Locale, get_global
from flask_babel import get_locale
from flask_babel import gettext as _
from werkzeug.datastructures import MultiDict

from contracts import errors
from gateway.forms import origin_of
from gateway.web.words import lead_channel_name
from runtime.errors import FieldError

Typed = dict[str, Any]

_TEXTS: Final = ("name", "source", "channel", "region", "locale", "title", "thanks")
_POSITION = re.compile(r"fields\.(\d{1,6})\.(label|name|kind|role|required|one_of|max_length|choices)")
_CHOICE = re.compile(r"(fields\.\d+\.choices)\.\d+")
DEFAULT_LENGTH: Final = 500
"""Characters; a text that may be longer gets several lines."""


def field(label: str = "", name: str = "", kind: str = "text", role: str = "", **more: Any) -> Typed:
    """A field as the page holds it."""
    plain = {"required": False, "one_of": False, "max_length": str(DEFAULT_LENGTH), "choices": ""}
    return {"label": label, "name": name, "kind": kind, "role": role, **plain, **more}


def shown(form: Mapping[str, Any], team_id: str) -> Typed:
    """A form as the fields of the page hold it."""
    rows = [
        {
            **{name: rule[name] for name in ("label", "name", "kind", "role", "required")},
            "one_of": rule["name"] in form["one_of"],
            "max_length": str(rule["max_length"]),
            "choices": "\n".join(rule["choices"]),
        }
        for rule in form["fields"]
    ]
    origins = "\n".join(form["allowed_origins"])
    return {**{name: form[name] for name in (*_TEXTS, "key")}, "origins": origins, "team_id": team_id, "fields": rows}


def typed(form: MultiDict[str, str]) -> Typed:
    """What somebody typed, as they typed it; fields in the order in which the page had them, whatever their numbers."""
    texts = {name: form.get(name, "").strip() for name in (*_TEXTS, "key", "origins", "team_id")}
    rows: dict[str, Typed] = {}
    for key in form:
        if found := _POSITION.fullmatch(key):
            row = rows.setdefault(found[1], field())
            setting, value = found[2], form[key].strip()
            row[setting] = bool(value) if setting in ("required", "one_of") else value or field()[setting]
    return {**texts, "fields": list(rows.values())}


def changed(values: Typed, what: str) -> str:
    """Adds, moves or removes a field, as a button said it: "add", "up.3", "down.3", "remove.3". Returns the id of the
    control where the reader goes on."""
    rows = values["fields"]
    act, _dot, number = what.partition(".")
    at = int(number) if number.isdecimal() and int(number) < len(rows) else -1
    if act == "add":
        rows.append(field())
        return f"fields.{len(rows) - 1}.label"
    if at < 0:
        return "add"
    if act == "remove":
        del rows[at]
        return f"fields.{min(at, len(rows) - 1)}.label" if rows else "add"
    to = max(0, min(len(rows) - 1, at + (1 if act == "down" else -1)))
    rows.insert(to, rows.pop(at))
    is_at_end = to in (0, len(rows) - 1)
    return f"fields.{to}.label" if is_at_end else f"{act}.{to}"


def definition(values: Typed) -> dict[str, Any]:
    """The form as capture takes it; it says what is wrong with it."""
    named: set[str] = {row["name"] for row in values["fields"]}
    rows = []
    for row in values["fields"]:
        name = row["name"] or _name_from(row["label"], named)
        named.add(name)
        rows.append({**row, "name": name})
    return {
        **{name: values[name] for name in _TEXTS},
        "fields": [
            {
                **{name: row[name] for name in ("name", "label", "kind", "role", "required")},
                "max_length": int(row["max_length"]) if row["max_length"].isdecimal() else row["max_length"],
                "choices": _lines(row["choices"]) if row["kind"] == "choice" else [],
            }
            for row in rows
        ],
        "one_of": [row["name"] for row in rows if row["one_of"] and row["name"]],
        "allowed_origins": list(dict.fromkeys(map(_site, _lines(values["origins"])))),
    }


def problems(found: Sequence[FieldError]) -> dict[str, str]:
    """What capture found wrong, as codes by the control it belongs to."""
    codes: dict[str, str] = {}
    for error in found:
        where, code = error["field"], error["code"]
        if at := _CHOICE.fullmatch(where):
            where = at[1]
        elif where.startswith("allowed_origins"):
            where = "origins"
        codes.setdefault(where, _code(where, code))
    return codes


def _code(where: str, code: str) -> str:
    setting = where.rpartition(".")[2]
    special = {
        ("name", errors.NOT_ALLOWED): "field_reserved",
        ("name", errors.INVALID): "field_twice" if where.startswith("fields.") else code,
        ("max_length", errors.INVALID): "field_length",
        ("choices", errors.REQUIRED): "choices_needed",
        ("origins", errors.INVALID): "origin",
        ("key", errors.INVALID): "form_key",
        ("fields", errors.REQUIRED): "fields_needed",
    }
    return special.get((setting, code), code)


def differences(newest: Mapping[str, Any], wanted: Mapping[str, Any]) -> list[tuple[str, list[str]]]:
    """What is kept now where somebody wants something else: names of settings and their newest values, in lines."""
    labels = {
        "name": _("Name"),
        "title": _("Heading"),
        "fields": _("Fields"),
        "one_of": _("At least one of"),
        "thanks": _("Thank-you text"),
        "source": _("Source"),
        "channel": _("Channel"),
        "locale": _("Language"),
        "region": _("Country"),
        "allowed_origins": _("Allowed sites"),
    }
    return [(label, _in_lines(name, newest[name])) for name, label in labels.items() if newest[name] != wanted[name]]


def _in_lines(name: str, value: Any) -> list[str]:
    if name == "fields":
        return [_field_line(rule) for rule in value]
    if name == "channel":
        return [lead_channel_name(value)]
    return (list(value) if isinstance(value, list) else [value]) or [_("nothing")]


def _field_line(rule: Mapping[str, Any]) -> str:
    words = [kind_of_field(rule["kind"]), *([_("must be filled")] if rule["required"] else [])]
    return f"{rule['label'] or rule['name']} ({', '.join(words)})"


def kind_of_field(kind: str) -> str:
    """What a field takes, in words."""
    names = {
        "text": _("Text"),
        "email": _("E-mail"),
        "phone": _("Telephone"),
        "number": _("Number"),
        "choice": _("Choice"),
        "consent": _("Consent"),
    }
    return names.get(kind, kind)


def role_of_field(role: str) -> str:
    """What a field fills on the contact's card, in words."""
    names = {
        "": _("nothing"),
        "name": _("Name"),
        "email": _("E-mail"),
        "phone": _("Telephone"),
        "company": _("Company"),
        "city": _("City"),
        "country": _("Country"),
        "sector": _("Sector"),
        "product": _("Product"),
    }
    return names.get(role, role)


def countries() -> list[tuple[str, str]]:
    """Codes and names of countries, in the reader's language."""
    names = Locale.parse(str(get_locale())).territories
    no_country = {"EU", "EZ", "UN", "QO", "XA", "XB", "ZZ"}
    found = [(code, name) for code, name in names.items() if len(code) == 2 and code not in no_country]
    return sorted(found, key=lambda pair: _plain_letters(pair[1]))


def country_of(time_zone: str) -> str:
    """The country of a time zone; Portugal when it belongs to none."""
    return str(get_global("zone_territories").get(time_zone, "PT"))


def _name_from(label: str, taken: set[str]) -> str:
    """A field's name made of what people read; empty when they read nothing."""
    if not label:
        return ""
    name = re.sub(r"[^a-z0-9]+", "_", _plain_letters(label)).strip("_")[:40] or "field"
    return next(made for made in (name, *(f"{name}_{count}" for count in range(2, 200))) if made not in taken)


def _plain_letters(text: str) -> str:
    parted = unicodedata.normalize("NFKD", text)
    return "".join(character for character in parted if not unicodedata.combining(character)).lower()


def _lines(text: str) -> list[str]:
    return [line.strip() for line in text.splitlines() if line.strip()]


def _site(text: str) -> str:
    """The origin in what somebody typed or pasted; what they typed when there is none."""
    return origin_of(text if "://" in text else f"https://{text}") or text
