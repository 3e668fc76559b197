"""What somebody types about a contact, and what that changes."""

import re
from collections.abc import Mapping
from typing import Any

from werkzeug.datastructures import MultiDict

from runtime.errors import Invalid

FIELDS = (
    *("name", "email", "phone", "company", "city", "country", "sector", "product", "code", "document"),
    "status",
)
"""Those of the form, in its order."""

SPARE = 2
"""Empty lines for other details."""

_ID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")

Typed = dict[str, Any]
"""A text for each of FIELDS, and `attributes`: texts by name."""


def shown(contact: Mapping[str, Any]) -> Typed:
    """A contact as the form has it."""
    return {**{name: contact[name] or "" for name in FIELDS}, "attributes": dict(contact["attributes"])}


def typed(form: MultiDict[str, str]) -> Typed:
    """What was typed."""
    return _read(form, "")


def before(form: MultiDict[str, str]) -> Typed:
    """What stood in the form before anybody typed; it travels in hidden fields."""
    return _read(form, "was_")


def _read(form: MultiDict[str, str], prefix: str) -> Typed:
    pairs = zip(form.getlist(f"{prefix}label"), form.getlist(f"{prefix}value"), strict=False)
    attributes = {label.strip(): value.strip() for label, value in pairs if label.strip() and value.strip()}
    return {**{name: form.get(f"{prefix}{name}", "").strip() for name in FIELDS}, "attributes": attributes}


def changes(was: Typed, wanted: Typed) -> Typed:
    """What somebody typed otherwise than it was."""
    return {name: value for name, value in wanted.items() if value != was[name]}


def differences(newest: Mapping[str, Any], wanted: Typed) -> list[tuple[str, str]]:
    """What is kept now where somebody wants something else: fields, and what they are now."""
    kept = shown(newest)
    told = {name: kept[name] for name, value in wanted.items() if value != kept[name]}
    return [(name, "; ".join(_lines(value)) if isinstance(value, dict) else value) for name, value in told.items()]


def _lines(attributes: Mapping[str, str]) -> list[str]:
    return [f"{label}: {value}" for label, value in attributes.items()]


def taken_by(error: Invalid) -> str:
    """The contact that has what was typed already; empty where nobody has, or nothing is said of it."""
    told = next((one["message"] for one in error.errors if one["code"] == "taken"), "")
    found = _ID.search(told)
    return found[0] if found else ""
