"""What people may say of a file and of what becomes of its rows."""

from collections.abc import Mapping
from typing import Any, Final

from contracts import limits
from contracts.errors import CONFLICT, INVALID, NOT_ALLOWED, REQUIRED, TOO_LONG
from services.capture.domain.columns import IDENTIFYING, KEPT, TARGETS

ASKED: Final = ("encoding", "delimiter", "sheet", "header_row")
MAKES: Final = ("contacts", "leads")
ORDERS: Final = ("dmy", "mdy", "ymd")
STATUSES: Final = ("potential", "client")
_LONGEST_ASKED = 100
_MOST_ROWS_ABOVE = 1000

Problem = tuple[str, str, str]
"""Field, code of `contracts.errors`, and what to do about it."""


def problems_of_reading(asked: Mapping[str, Any]) -> list[Problem]:
    """What cannot be in how a file is said to be written: any of ASKED."""
    problems: list[Problem] = []
    for name, value in asked.items():
        if name not in ASKED:
            problems.append((name, NOT_ALLOWED, f"one of {', '.join(ASKED)}"))
        elif name == "header_row":
            if value is not None and (not isinstance(value, int) or not 0 <= value <= _MOST_ROWS_ABOVE):
                problems.append((name, INVALID, "the number of a row, or 0 when there is none"))
        elif not isinstance(value, str) or "\0" in value or len(value) > (1 if name == "delimiter" else _LONGEST_ASKED):
            problems.append((name, INVALID, "one character" if name == "delimiter" else "a short text"))
    return problems


def problems_of_plan(plan: Mapping[str, Any], width: int, *, has_form: bool) -> list[Problem]:
    """What cannot be in a plan for rows of `width` cells; has_form: whether there is the form that it names."""
    problems: list[Problem] = []

    def add(field: str, code: str, message: str) -> None:
        problems.append((field, code, message))

    if plan.get("makes") not in MAKES:
        add("makes", INVALID, "contacts or leads")
    elif plan["makes"] == "leads" and not has_form:
        add("form_id", REQUIRED, "the form whose leads they become")
    region = plan.get("region") or "PT"
    if not (
        isinstance(region, str) and len(region) == 2 and region.isascii() and region.isalpha() and region.isupper()
    ):
        add("region", INVALID, "a country of ISO 3166, such as PT")
    if (plan.get("dates") or "dmy") not in ORDERS:
        add("dates", INVALID, f"one of {', '.join(ORDERS)}")
    if (plan.get("status") or "potential") not in STATUSES:
        add("status", INVALID, f"one of {', '.join(STATUSES)}")
    if not isinstance(plan.get("source") or "", str) or len(plan.get("source") or "") > limits.SOURCE:
        add("source", TOO_LONG, f"at most {limits.SOURCE} characters")
    problems.extend(problems_of_columns(plan.get("columns"), width))
    return problems


def problems_of_columns(columns: Any, width: int) -> list[Problem]:
    """What cannot be in the targets of `width` columns, see `domain.columns`."""
    if not isinstance(columns, list) or len(columns) != width:
        return [("columns", INVALID, f"a target for each of the {width} columns")]
    problems: list[Problem] = []
    seen: set[str] = set()
    for place, target in enumerate(columns):
        where = f"columns.{place}"
        is_kept = isinstance(target, str) and target.startswith(KEPT) and 1 < len(target) <= limits.FIELD_NAME + 1
        if target == "":
            continue
        if not is_kept and target not in TARGETS:
            message = f"empty, one of {', '.join(TARGETS)}, or + and a name"
            problems.append((where, INVALID, message))
        elif target in seen:
            problems.append((where, CONFLICT, f"another column fills {target!r} already"))
        seen.add(str(target))
    if not problems and not seen & set(IDENTIFYING):
        message = f"no column says who somebody is; one has to be {', '.join(IDENTIFYING[:-1])} or {IDENTIFYING[-1]}"
        problems.append(("columns", REQUIRED, message))
    return problems
