"""What makes a form definition acceptable."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import fields as fields_of
from typing import Any, get_args

from contracts import limits
from contracts.capture import Channel, FieldRule
from contracts.errors import INVALID, NOT_ALLOWED, REQUIRED, TOO_LONG

KINDS = get_args(FieldRule.__annotations__["kind"])
ROLES = get_args(FieldRule.__annotations__["role"])
CHANNELS = get_args(Channel)
LOCALES = ("pt", "es", "en")
RESERVED = ("bot-field", "botcheck")
SETTINGS = tuple(setting.name for setting in fields_of(FieldRule))
_KEY = re.compile(rf"[a-z0-9][a-z0-9-]{{{limits.SHORTEST_FORM_KEY - 2},{limits.FORM_KEY - 2}}}[a-z0-9]")
_ORIGIN = re.compile(r"https?://[a-z0-9.-]+(:\d{1,5})?")
_REGION = re.compile(r"[A-Z]{2}")
_UNSTORABLE = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")

Problem = tuple[str, str, str]
"""Field, code, sentence."""


def roles_of(fields: Iterable[Mapping[str, Any]]) -> dict[str, str]:
    """Which field fills what of the contact (role -> field name): the first of those with that role."""
    roles: dict[str, str] = {}
    for field in fields:
        if role := field.get("role"):
            roles.setdefault(role, field["name"])
    return roles


def labels_of(fields: Iterable[Mapping[str, Any]]) -> dict[str, str]:
    """What people read for each field, by its name."""
    return {field["name"]: field.get("label") or field["name"] for field in fields}


def problems_of_form(form: Mapping[str, Any]) -> list[Problem]:
    """What is wrong with a whole form definition, whatever its values are; empty when nothing is."""
    problems: list[Problem] = []
    problems += _text("name", form.get("name"), limits.FORM_NAME)
    problems += _text("source", form.get("source"), limits.SOURCE)
    if not isinstance(form.get("key"), str) or not _KEY.fullmatch(form["key"]):
        lengths = f"{limits.SHORTEST_FORM_KEY} to {limits.FORM_KEY}"
        problems.append(("key", INVALID, f"{lengths} characters: a-z, 0-9 and hyphens, not at either end"))
    if form.get("channel") not in CHANNELS:
        problems.append(("channel", INVALID, f"one of {', '.join(CHANNELS)}"))
    if form.get("locale") not in LOCALES:
        problems.append(("locale", INVALID, f"one of {', '.join(LOCALES)}"))
    if not _REGION.fullmatch(str(form.get("region"))):
        problems.append(("region", INVALID, "a country of two capital letters, such as PT"))
    problems += _flag("active", form.get("active", True))
    problems += _optional("title", form.get("title", ""), limits.FORM_TITLE)
    problems += _optional("thanks", form.get("thanks", ""), limits.FORM_THANKS)
    problems += _origins(form.get("allowed_origins"))
    return problems + _fields(form.get("fields"), form.get("one_of", []))


def _fields(fields: Any, one_of: Any) -> list[Problem]:
    if not isinstance(fields, list) or not 1 <= len(fields) <= limits.FIELDS:
        return [("fields", REQUIRED, f"a list of 1 to {limits.FIELDS} fields")]
    problems = [problem for index, field in enumerate(fields) for problem in _field(f"fields.{index}", field)]
    names = [field.get("name") for field in fields if isinstance(field, dict)]
    problems += [
        (f"fields.{index}.name", INVALID, f"{name!r} is there twice")
        for index, name in enumerate(names)
        if isinstance(name, str) and name in names[:index]
    ]
    if not isinstance(one_of, list):
        return [*problems, ("one_of", INVALID, "a list of names of fields; an empty one when none is needed")]
    if len(one_of) > limits.FIELDS:
        problems.append(("one_of", TOO_LONG, f"at most {limits.FIELDS} names"))
    problems += [("one_of", INVALID, f"{name!r} is not a field of the form") for name in one_of if name not in names]
    return problems


def _text(where: str, value: Any, longest: int) -> list[Problem]:
    if not isinstance(value, str) or not value.strip():
        return [(where, REQUIRED, "must be filled")]
    return _optional(where, value, longest)


def _optional(where: str, value: Any, longest: int) -> list[Problem]:
    if not isinstance(value, str) or _UNSTORABLE.search(value):
        return [(where, INVALID, "text without control characters")]
    return [(where, TOO_LONG, f"at most {longest} characters")] if len(value) > longest else []


def _flag(where: str, value: Any) -> list[Problem]:
    return [] if isinstance(value, bool) else [(where, INVALID, "true or false")]


def _origins(origins: Any) -> list[Problem]:
    if not isinstance(origins, list):
        return [("allowed_origins", INVALID, "a list of origins such as https://example.com")]
    problems = []
    for index, origin in enumerate(origins):
        if not isinstance(origin, str) or not _ORIGIN.fullmatch(origin):
            sentence = "an origin such as https://example.com, without a path"
            problems.append((f"allowed_origins.{index}", INVALID, sentence))
        else:
            problems += _text(f"allowed_origins.{index}", origin, limits.ORIGIN)
    return problems


def _field(where: str, field: Any) -> list[Problem]:
    if not isinstance(field, dict):
        return [(where, INVALID, "an object with name, kind, role, required")]
    problems = [
        (f"{where}.{name}", NOT_ALLOWED, f"leave it out; a field has {', '.join(SETTINGS)}")
        for name in field
        if name not in SETTINGS
    ]
    name = field.get("name")
    problems += _text(f"{where}.name", name, limits.FIELD_NAME)
    if isinstance(name, str) and (name.startswith("_") or name in RESERVED):
        problems.append((f"{where}.name", NOT_ALLOWED, "this name is an instruction to the form, not a field"))
    elif isinstance(name, str) and name.strip() not in ("", name):
        # A post's names are stripped: such a field could never be filled.
        problems.append((f"{where}.name", INVALID, "without space before or after"))
    problems += _optional(f"{where}.label", field.get("label", ""), limits.FIELD_LABEL)
    if field.get("kind", "text") not in KINDS:
        problems.append((f"{where}.kind", INVALID, f"one of {', '.join(KINDS)}"))
    if field.get("role", "") not in ROLES:
        problems.append((f"{where}.role", INVALID, f"one of {', '.join(filter(None, ROLES))}, or none"))
    problems += _flag(f"{where}.required", field.get("required", False))
    longest = field.get("max_length", 1)
    if not isinstance(longest, int) or isinstance(longest, bool) or not 1 <= longest <= limits.FIELD_VALUE:
        problems.append((f"{where}.max_length", INVALID, f"between 1 and {limits.FIELD_VALUE}"))
    return problems + _choices(f"{where}.choices", field.get("choices", []), field.get("kind") == "choice")


def _choices(where: str, choices: Any, needed: bool) -> list[Problem]:
    if not isinstance(choices, list | tuple):
        return [(where, INVALID, "a list of texts; leave it out where there is nothing to choose")]
    if needed and not choices:
        return [(where, REQUIRED, "a choice needs at least one value")]
    if len(choices) > limits.CHOICES:
        return [(where, TOO_LONG, f"at most {limits.CHOICES} choices")]
    return [problem for index, text in enumerate(choices) for problem in _text(f"{where}.{index}", text, limits.CHOICE)]
