"""What becomes of the rows of a file: what was found out, and what was said on the command line."""

import unicodedata
from collections.abc import Mapping, Sequence
from typing import Any

TARGETS = ("name", "email", "phone", "company", "city", "country", "sector", "product", "code", "document")
KEEP = "+"


class NoMatch(Exception):
    """The columns do not fit what was said; the message is one line that says what to do."""


def columns_of(
    found: Mapping[str, Any],
    form: Mapping[str, Any] | None,
    chosen: Mapping[str, str],
    mapping: Mapping[str, Any] | None,
) -> list[str]:
    """What each column fills: first as `chosen` says (column -> target, empty to leave it out), then as the saved
    mapping has it, then as the loader suggests.

    found: as the API shows it. form: of leads; its fields are targets, too.

    Raises:
        NoMatch: a chosen column or target does not exist.
    """
    names = [str(column["name"]) for column in found["columns"]]
    kept = dict(zip(mapping["header"], mapping["plan"]["columns"], strict=False)) if mapping else {}
    targets = [str(kept.get(column["name"], column["target"])) for column in found["columns"]]
    picked = {_column(names, column): _target(form, target) for column, target in chosen.items()}
    for place, target in enumerate(targets):
        if place in picked:
            targets[place] = picked[place]
        elif target and target in picked.values():
            targets[place] = f"{KEEP}{names[place]}"[:100]  # what it filled was given to another column
    return targets


def _column(names: Sequence[str], sought: str) -> int:
    for same in (str, _plain):
        places = [place for place, name in enumerate(names) if same(name) == same(sought)]
        if len(places) == 1:
            return places[0]
    raise NoMatch(f"--map: the file has no column {sought!r}; it has: {', '.join(names)}")


def _target(form: Mapping[str, Any] | None, name: str) -> str:
    if not name or name in TARGETS or (name.startswith(KEEP) and len(name) > 1):
        return name
    fields = {str(rule["name"]): rule for rule in form["fields"]} if form else {}
    if name in fields:
        role = str(fields[name].get("role") or "")
        return role if role in TARGETS else f"{KEEP}{name}"
    own = f"; {KEEP}NAME keeps a column under that name"
    raise NoMatch(f"--map: a column cannot fill {name!r}; it can fill: {', '.join((*TARGETS, *fields))}{own}")


def _plain(name: str) -> str:
    """`name` in lower case, without accents, spaces and punctuation."""
    decomposed = unicodedata.normalize("NFKD", name.casefold())
    return "".join(character for character in decomposed if character.isalnum())


def explained(errors: Sequence[Mapping[str, Any]], found: Mapping[str, Any]) -> str:
    """What is wrong with a plan, in a line that names columns and options."""
    options = {"form_id": "--form", "region": "--region", "source": "--source", "dates": "--dates", "columns": "--map"}
    said = []
    for error in errors:
        field = str(error.get("field") or "").removeprefix("plan.")
        where, _, place = field.partition(".")
        if where == "columns" and place.isdigit() and int(place) < len(found["columns"]):
            said.append(f"column {found['columns'][int(place)]['name']!r}: {error['message']} (--map COLUMN=TARGET)")
        else:
            said.append(f"{options.get(where, field)}: {error['message']}")
    return "; ".join(said)
