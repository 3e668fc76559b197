"""A row of a file becomes what is known of a contact, or is refused with its reasons."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from dateutil import parser as dates

from services.capture.domain.columns import KEPT
from services.capture.domain.contact_details import ContactDetails, contact_details

LONGEST_ATTRIBUTE = 2000
"""Characters of a cell that no field of the card takes."""

Reason = dict[str, str]
"""{"column", "code", "message"}; column is empty where it is the row as a whole."""

_DATE = re.compile(r"\d{1,4}[./-]\d{1,2}[./-]\d{1,4}(?:[ T]\d{1,2}:\d{2}(?::\d{2})?)?")


@dataclass(frozen=True, slots=True)
class Plan:
    """What becomes of rows.

    header: names of the columns. targets: what each fills, see `domain.columns`. dates: places of columns that hold
    dates. order: "dmy", "mdy" or "ymd". region: ISO country for phone numbers written without a prefix.
    for_leads: whether each becomes a lead: nobody can work one that cannot be reached. may_end_early: whether rows
    leave empty cells at their end out, as workbooks do; elsewhere such a row was cut.
    """

    header: Sequence[str]
    targets: Sequence[str]
    region: str
    order: str = "dmy"
    dates: frozenset[int] = field(default=frozenset())
    for_leads: bool = False
    may_end_early: bool = False

    @property
    def roles(self) -> dict[str, str]:
        """Every field of the card is found under its own name."""
        return {target: target for target in self.targets if target and not target.startswith(KEPT)}


def plan_of(found: Mapping[str, Any], plan: Mapping[str, Any], region: str) -> Plan:
    """The plan that a person made of what was found in a file."""
    columns = found["columns"]
    return Plan(
        header=[column["name"] for column in columns],
        targets=list(plan["columns"]),
        region=region,
        order=plan.get("dates") or "dmy",
        dates=frozenset(place for place, column in enumerate(columns) if column["kind"] == "date"),
        for_leads=plan.get("makes") == "leads",
        may_end_early=found["kind"] == "xlsx",
    )


def read_row(plan: Plan, roles: Mapping[str, str], cells: Sequence[str]) -> ContactDetails | list[Reason]:
    """What a row says of its contact, or why it cannot be taken. A wrong address or phone is no reason: it is kept as
    it was given, for somebody to mend.

    roles: `plan.roles`, made once. cells: as they stand in the file; spare empty ones at the end do not matter.
    """
    width = len(plan.targets)
    if len(cells) != width:
        if len(cells) > width and any(cell.strip() for cell in cells[width:]):
            return [_reason("", "too_many_cells", f"{len(cells)} cells where the header has {width}")]
        if len(cells) < width and not plan.may_end_early:
            return [_reason("", "too_few_cells", f"{len(cells)} cells where the header has {width}")]
    fields: dict[str, str] = {}
    attributes: dict[str, str] = {}
    for place, (target, cell) in enumerate(zip(plan.targets, cells, strict=False)):
        if not target or not (text := cell.strip()):
            continue
        if place in plan.dates:
            text = iso_date(text, plan.order)
        if target.startswith(KEPT):
            if len(text) > LONGEST_ATTRIBUTE:
                return [_reason(plan.header[place], "too_long", f"at most {LONGEST_ATTRIBUTE} characters")]
            attributes[target[1:]] = _storable(text)
        else:
            fields[target] = text
    details = contact_details(fields, roles, plan.region, attributes)
    if flaws := list(_flaws(plan, details)):
        return flaws
    return details


def _flaws(plan: Plan, details: ContactDetails) -> Any:
    if not (details.name or details.email or details.phone or details.code or details.document):
        yield _reason("", "nobody", "no name, e-mail address, phone or code says who this is")
    elif plan.for_leads and not (details.email or details.phone):
        yield _reason("", "unreachable", "a lead needs a valid e-mail address or phone")


@lru_cache(maxsize=50_000)
def iso_date(text: str, order: str) -> str:
    """A date as ISO 8601 writes it, whatever the order of its parts; what is no date stays as it is."""
    if not _DATE.fullmatch(text):
        return text
    try:
        read = dates.parse(text, dayfirst=order == "dmy", yearfirst=order == "ymd")
    except (ValueError, OverflowError):
        return text
    return read.date().isoformat() if ":" not in text else read.isoformat(" ", "seconds")


def _reason(column: str, code: str, message: str) -> Reason:
    return {"column": column, "code": code, "message": message}


def _storable(text: str) -> str:
    return text.replace("\0", "")
