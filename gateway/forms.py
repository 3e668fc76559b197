"""Forms compiled once per version: what may post to them, and what is wrong with a post."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit
from uuid import UUID

from contracts import errors, limits
from contracts.capture import FieldRule, FormChanged

MAX_FIELDS = 200
"""More fields than this in one post are refused unread."""

MAX_UNDECLARED_LENGTH = 5000
"""Longest value of a field that the form does not declare, in characters."""

NOTHING_FILLED = "nothing_filled"
"""Code of a submission without a single value."""

_EMAIL = re.compile(r"[^\s@<>\",;:()]{1,64}@[^\s@.<>\",;:()]+(?:\.[^\s@.<>\",;:()]+)+")
_PHONE = re.compile(r"\+?[\d\s().\-/]+(?:(?:ext?\.?|x|#)\s?\d{1,6})?", re.IGNORECASE)
_NUMBER = re.compile(r"[+-]?[\d\s.,']+%?")
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
_NOT_DIGIT = re.compile(r"\D")
_REFUSALS = frozenset({"0", "false", "off", "no", "não", "nao"})
_DEFAULT_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True)
class Flaw:
    """One thing wrong with one field; `limit` is what `too_long` exceeded, in characters."""

    field: str
    code: str
    limit: int = 0


Check = Callable[[str], Flaw | None]


@dataclass(frozen=True, slots=True)
class Form:
    """A form ready to judge posts.

    title, thanks: texts of its pages, empty where the usual ones will do.
    fields: as its owner tells them, for whoever draws the form. labels: what people read, by the name of a field.
    namespace: its id, from which ids of keyed submissions are derived.
    origins: normalised `scheme://host[:port]` of the sites that may post; empty when any may.
    """

    form_id: str
    key: str
    name: str
    version: int
    active: bool
    locale: str
    source: str
    channel: str
    region: str
    title: str
    thanks: str
    fields: tuple[FieldRule, ...]
    labels: dict[str, str]
    roles: dict[str, str]
    namespace: UUID
    origins: frozenset[str]
    checks: tuple[tuple[str, Check], ...]
    declared: frozenset[str]
    one_of: tuple[str, ...]

    def flaws(self, fields: Mapping[str, str]) -> list[Flaw]:
        """Everything wrong with `fields`; empty when they can be taken."""
        found = [flaw for name, check in self.checks if (flaw := check(fields.get(name, "")))]
        if len(fields) != len(self.declared) or not self.declared.issuperset(fields):
            found.extend(self._undeclared_flaws(fields))
        if self.one_of and not any(fields.get(name, "").strip() for name in self.one_of):
            found.extend(Flaw(name, errors.REQUIRED) for name in self.one_of)
        if not found and not any(value.strip() for value in fields.values()):
            found.append(Flaw("", NOTHING_FILLED))
        return found

    def _undeclared_flaws(self, fields: Mapping[str, str]) -> list[Flaw]:
        found = []
        for name, value in fields.items():
            if name in self.declared:
                continue
            if len(name) > limits.FIELD_NAME or _CONTROL.search(name):
                found.append(Flaw(_CONTROL.sub("", name)[: limits.FIELD_NAME], errors.INVALID))
            elif len(value) > MAX_UNDECLARED_LENGTH:
                found.append(Flaw(name, errors.TOO_LONG, MAX_UNDECLARED_LENGTH))
            elif _CONTROL.search(value):
                found.append(Flaw(name, errors.INVALID))
        return found

    def admits(self, origin: str) -> bool:
        """Whether a browser page of `origin` may post here; a post without an origin does not come from a page."""
        return not self.origins or not origin or origin_of(origin) in self.origins

    def may_redirect_to(self, url: str) -> bool:
        """Whether the visitor may be sent to `url` after posting."""
        return bool(url) and origin_of(url) in self.origins


def compile_form(state: FormChanged) -> Form:
    """A form as its owner tells it, compiled."""
    return Form(
        form_id=state.form_id,
        key=state.key,
        name=state.name,
        version=state.subject_version,
        active=state.active,
        locale=state.locale,
        source=state.source,
        channel=state.channel,
        region=state.region,
        title=state.title,
        thanks=state.thanks,
        fields=state.fields,
        labels={rule.name: rule.label or rule.name for rule in state.fields},
        roles={rule.role: rule.name for rule in reversed(state.fields) if rule.role},
        namespace=UUID(state.form_id),
        origins=frozenset(origin for text in state.allowed_origins if (origin := origin_of(text))),
        checks=tuple((rule.name, _check_of(rule)) for rule in state.fields),
        declared=frozenset(rule.name for rule in state.fields),
        one_of=state.one_of,
    )


def without_control(text: str) -> str:
    """`text` without control characters, which a database may refuse."""
    return _CONTROL.sub("", text) if _CONTROL.search(text) else text


def origin_of(url: str) -> str:
    """`scheme://host[:port]` of a web address in lower case, without a default port; empty when it has none."""
    if _CONTROL.search(url) or "\\" in url or any(character.isspace() for character in url):
        return ""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return ""
    if parts.scheme not in _DEFAULT_PORTS or not parts.hostname or "@" in parts.netloc:
        return ""
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    suffix = "" if port in (None, _DEFAULT_PORTS[parts.scheme]) else f":{port}"
    return f"{parts.scheme}://{host}{suffix}"


def _check_of(rule: FieldRule) -> Check:
    well_formed = _well_formed_of(rule)
    name, required, max_length = rule.name, rule.required, rule.max_length
    is_choice = rule.kind == "choice" and bool(rule.choices)
    missing = Flaw(name, errors.REQUIRED)
    too_long = Flaw(name, errors.TOO_LONG, max_length)
    wrong = Flaw(name, errors.NOT_ALLOWED if is_choice else errors.INVALID)
    is_consent = rule.kind == "consent"

    def check(value: str) -> Flaw | None:
        if len(value) > max_length:
            return too_long
        text = value.strip()
        if not text or (is_consent and text.lower() in _REFUSALS):
            return missing if required else None
        if _CONTROL.search(text) or not well_formed(text):
            return wrong
        return None

    return check


def _well_formed_of(rule: FieldRule) -> Callable[[str], bool]:
    if rule.kind == "email":
        return lambda text: len(text) <= limits.EMAIL and _EMAIL.fullmatch(text) is not None
    if rule.kind == "phone":
        return _is_phone
    if rule.kind == "number":
        return lambda text: _NUMBER.fullmatch(text) is not None and any(map(str.isdigit, text))
    if rule.kind == "choice" and rule.choices:
        choices = frozenset(rule.choices)
        # Several ticked boxes of one name arrive joined.
        return lambda text: text in choices or choices.issuperset(text.split(", "))
    return lambda text: True


def _is_phone(text: str) -> bool:
    return _PHONE.fullmatch(text) is not None and 6 <= len(_NOT_DIGIT.sub("", text)) <= 21
