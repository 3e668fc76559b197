"""Which column of a file fills which field of a form."""

import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

INSTRUCTION = "_"
"""Names that begin with it are instructions to the gateway, never stored; ours of the rejected-rows file too."""


class NoMatch(Exception):
    """The columns do not fit the form; the message is one line that says what to do."""


@dataclass(frozen=True, slots=True)
class ColumnMap:
    """targets: the field each column fills, in the order of the columns; empty for one that is left out."""

    targets: tuple[str, ...]

    def fields(self, cells: Sequence[str]) -> dict[str, str]:
        """What is sent for a row: fields that have something in them."""
        return {
            target: text for target, cell in zip(self.targets, cells, strict=True) if target and (text := cell.strip())
        }


def match(header: Sequence[str], form: Mapping[str, Any], chosen: Mapping[str, str]) -> ColumnMap:
    """Matches columns to fields: first as `chosen` says (column -> field, empty to leave the column out), then by name,
    whatever its case, accents and punctuation. A column that matches nothing goes along under its own name.

    form: as the API shows it.

    Raises:
        NoMatch: a chosen column or field does not exist, two columns fill one field, no column fills any, or none
            fills a required one.
    """
    declared = [str(rule["name"]) for rule in form["fields"]]
    by_name = {_plain(name): name for name in declared}
    picked = {_column(header, column): _field(declared, target) for column, target in chosen.items()}
    targets = []
    for place, name in enumerate(header):
        namesake = by_name.get(_plain(name))
        if place in picked:
            targets.append(picked[place])
        elif namesake and namesake in picked.values():
            targets.append("")  # its field was given to another column
        else:
            targets.append(namesake or _own_name(name))
    _check(header, targets, form)
    return ColumnMap(tuple(targets))


def _check(header: Sequence[str], targets: Sequence[str], form: Mapping[str, Any]) -> None:
    declared = [str(rule["name"]) for rule in form["fields"]]
    filled = [target for target in targets if target]
    twice = next((target for target in filled if filled.count(target) > 1), None)
    if twice is not None:
        raise NoMatch(f"two columns fill {twice!r}; leave one out with --map COLUMN=")
    shown = ", ".join(name for name in header if name)
    if not set(declared) & set(filled):
        raise NoMatch(
            f"no column matches a field of the form ({', '.join(declared)}); the file has: {shown}. "
            "Use --map COLUMN=FIELD"
        )
    missing = [str(rule["name"]) for rule in form["fields"] if rule.get("required") and rule["name"] not in filled]
    if missing:
        raise NoMatch(f"no column fills the required field {missing[0]!r}; say which with --map COLUMN={missing[0]}")
    either = list(form.get("one_of") or ())
    if either and not set(either) & set(filled):
        raise NoMatch(f"no column fills any of {', '.join(either)}, and the form needs one; use --map COLUMN=FIELD")


def _column(header: Sequence[str], name: str) -> int:
    for same in (str, _plain):
        places = [place for place, column in enumerate(header) if same(column) == same(name)]
        if len(places) == 1:
            return places[0]
    raise NoMatch(f"--map: the file has no column {name!r}; it has: {', '.join(column for column in header if column)}")


def _field(declared: Sequence[str], name: str) -> str:
    if not name or name in declared:
        return name
    raise NoMatch(f"--map: the form has no field {name!r}; it has: {', '.join(declared)}")


def _own_name(name: str) -> str:
    return "" if name.startswith(INSTRUCTION) else name


def _plain(name: str) -> str:
    """`name` in lower case, without accents, spaces and punctuation."""
    decomposed = unicodedata.normalize("NFKD", name.casefold())
    return "".join(character for character in decomposed if character.isalnum())
