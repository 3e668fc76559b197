"""What makes a form definition acceptable."""

import re
from typing import Any

from contracts.errors import INVALID, NOT_ALLOWED, REQUIRED, TOO_LONG

KINDS = ("text", "email", "phone", "number", "choice", "consent")
ROLES = ("", "name", "email", "phone", "company", "city", "country", "sector", "product")
CHANNELS = ("site", "shop", "social", "contextual_ads", "adverts", "event", "referral", "phone", "import")
LOCALES = ("pt", "es", "en")
RESERVED = ("bot-field", "botcheck")
MOST_FIELDS = 100
_KEY = re.compile(r"[a-z0-9][a-z0-9-]{2,62}[a-z0-9]")
_ORIGIN = re.compile(r"https?://[a-z0-9.-]+(:\d{1,5})?")
_REGION = re.compile(r"[A-Z]{2}")

Problem = tuple[str, str, str]
"""Field, code, sentence."""


def problems_of_form(form: dict[str, Any]) -> list[Problem]:
    """What is wrong with a whole form definition; empty when nothing is."""
    problems: list[Problem] = []
    problems += _text(form, "name", 120)
    problems += _text(form, "source", 80)
    if not isinstance(form.get("key"), str) or not _KEY.fullmatch(form["key"]):
        problems.append(("key", INVALID, "4 to 64 characters: a-z, 0-9 and hyphens, not at either end"))
    if form.get("channel") not in CHANNELS:
        problems.append(("channel", INVALID, f"one of {', '.join(CHANNELS)}"))
    if form.get("locale") not in LOCALES:
        problems.append(("locale", INVALID, f"one of {', '.join(LOCALES)}"))
    if not _REGION.fullmatch(str(form.get("region"))):
        problems.append(("region", INVALID, "a country of two capital letters, such as PT"))
    problems += _origins(form.get("allowed_origins"))
    fields = form.get("fields")
    if not isinstance(fields, list) or not 1 <= len(fields) <= MOST_FIELDS:
        problems.append(("fields", REQUIRED, f"a list of 1 to {MOST_FIELDS} fields"))
        return problems
    problems += [problem for index, field in enumerate(fields) for problem in _field(index, field)]
    names = [field.get("name") for field in fields if isinstance(field, dict)]
    problems += [
        (f"fields.{index}.name", INVALID, f"{name!r} is there twice")
        for index, name in enumerate(names)
        if name in names[:index]
    ]
    problems += [
        ("one_of", INVALID, f"{name!r} is not a field of the form")
        for name in form.get("one_of", [])
        if name not in names
    ]
    return problems


def _text(form: dict[str, Any], name: str, longest: int) -> list[Problem]:
    value = form.get(name)
    if not isinstance(value, str) or not value.strip():
        return [(name, REQUIRED, "must be filled")]
    return [(name, TOO_LONG, f"at most {longest} characters")] if len(value) > longest else []


def _origins(origins: Any) -> list[Problem]:
    if not isinstance(origins, list):
        return [("allowed_origins", INVALID, "a list of origins such as https://example.com")]
    return [
        (f"allowed_origins.{index}", INVALID, "an origin such as https://example.com, without a path")
        for index, origin in enumerate(origins)
        if not isinstance(origin, str) or not _ORIGIN.fullmatch(origin)
    ]


def _field(index: int, field: Any) -> list[Problem]:
    where = f"fields.{index}"
    if not isinstance(field, dict):
        return [(where, INVALID, "an object with name, kind, role, required")]
    problems: list[Problem] = []
    name = field.get("name")
    if not isinstance(name, str) or not name.strip() or len(name) > 64:
        problems.append((f"{where}.name", REQUIRED, "1 to 64 characters"))
    elif name.startswith("_") or name in RESERVED:
        problems.append((f"{where}.name", NOT_ALLOWED, "this name is an instruction to the form, not a field"))
    if field.get("kind", "text") not in KINDS:
        problems.append((f"{where}.kind", INVALID, f"one of {', '.join(KINDS)}"))
    if field.get("role", "") not in ROLES:
        problems.append((f"{where}.role", INVALID, f"one of {', '.join(filter(None, ROLES))}, or none"))
    longest = field.get("max_length", 500)
    if not isinstance(longest, int) or not 1 <= longest <= 10_000:
        problems.append((f"{where}.max_length", INVALID, "between 1 and 10000"))
    if field.get("kind") == "choice" and not field.get("choices"):
        problems.append((f"{where}.choices", REQUIRED, "a choice needs at least one value"))
    return problems
