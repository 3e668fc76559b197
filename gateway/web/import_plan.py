"""What becomes of the rows of a file: as the page holds it, and as capture takes it."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePath
from typing import Any

from flask_babel import gettext as _
from werkzeug.datastructures import MultiDict

from contracts import limits
from gateway.web import import_words

Plan = dict[str, Any]

SAMPLES, SAMPLE_LENGTH = 3, 60
KEEP = "+"
"""Before the label under which a column is kept with the contact."""

_TEXTS = ("makes", "form_id", "source", "region", "status", "dates")


@dataclass(frozen=True, slots=True)
class Column:
    """A column as the page shows it.

    samples: a few different cells. choices: what it may fill, with the words for it. problem: a code, or empty.
    """

    place: int
    name: str
    kind: str
    samples: list[str]
    target: str
    choices: list[tuple[str, str]]
    problem: str


def typed(form: MultiDict[str, str]) -> Plan:
    """A plan as somebody chose it on the page."""
    plan: Plan = {name: form.get(name, "").strip() for name in _TEXTS}
    plan["one_lead_each"] = form.get("one_lead_each") == "on"
    columns: list[str] = []
    while len(columns) < limits.IMPORT_COLUMNS and (name := f"columns.{len(columns)}") in form:
        columns.append(form[name].strip())
    plan["columns"] = columns
    if plan["makes"] != "leads":
        plan.pop("form_id")
        plan["one_lead_each"] = False
    return plan


def suggested(card: Mapping[str, Any], mappings: Iterable[Mapping[str, Any]], chosen: str | None, country: str) -> Plan:
    """What the page begins with.

    card: the import. mappings: those that were kept. chosen: id of the one to take; None for the one that fits by
        itself. country: of whoever looks.
    """
    found = card["found"]
    plan: Plan = {
        "makes": "contacts",
        "form_id": card["form_id"] or "",
        "source": card["source"] or PurePath(card["name"]).stem[: limits.SOURCE],
        "region": card["region"] if card["plan"] else country,
        "status": "potential",
        "one_lead_each": True,
        "dates": found.get("dates") or "dmy",
        "columns": [column["target"] for column in found["columns"]],
    }
    if card["plan"]:
        return {**plan, **card["plan"]}
    kept = taken(mappings, found, chosen)
    if kept is None:
        return plan
    by_name = dict(zip(kept["header"], kept["plan"]["columns"], strict=False))
    columns = [by_name.get(column["name"], column["target"]) for column in found["columns"]]
    return {**plan, **kept["plan"], "columns": columns}


def taken(
    mappings: Iterable[Mapping[str, Any]], found: Mapping[str, Any], chosen: str | None
) -> Mapping[str, Any] | None:
    """The mapping the page takes, as `suggested` says."""
    wanted = ("mapping_id", chosen) if chosen is not None else ("name", found.get("mapping") or "")
    return next((mapping for mapping in mappings if mapping[wanted[0]] == wanted[1]), None)


def columns_of(found: Mapping[str, Any], plan: Plan, problems: Mapping[str, str]) -> list[Column]:
    """The columns of a file with what each is to fill; never more than any file may have."""
    usual, targets = import_words.target_names(), plan["columns"]
    shown = []
    for place, column in enumerate(found["columns"][: limits.IMPORT_COLUMNS]):
        name = column["name"] or _("Column %(number)s", number=place + 1)
        target = targets[place] if place < len(targets) else ""
        target = target[: limits.FIELD_NAME + 1]
        keep = target if target.startswith(KEEP) else f"{KEEP}{name[: limits.FIELD_NAME]}"
        choices = [("", _("Leave out")), *usual, (keep, _("Keep as “%(name)s”", name=keep.removeprefix(KEEP)))]
        samples = _samples(found["rows"], place)
        problem = problems.get(f"columns.{place}", "")
        shown.append(Column(place, name, column["kind"], samples, target, choices, problem))
    return shown


def _samples(rows: Iterable[Sequence[str]], place: int) -> list[str]:
    cells = (cell for row in rows if place < len(row) and (cell := str(row[place]).strip()))
    return [cell[:SAMPLE_LENGTH] for cell in dict.fromkeys(cells)][:SAMPLES]
