"""Imports as capture tells them."""

from typing import Any

from contracts import limits
from runtime.ids import new_id

WHEN = "2026-03-01T10:00:00+00:00"


def found(*names: str, rows: list[list[str]] | None = None, **changes: Any) -> dict[str, Any]:
    """What was found in a file with these columns: name, email and phone fill themselves, others are kept."""
    columns = [
        {"name": name, "kind": "text", "target": name if name in ("name", "email", "phone") else f"+{name}"}
        for name in names
    ]
    made = {
        "kind": "csv",
        "encoding": "utf-8",
        "delimiter": ";",
        "sheet": "",
        "sheets": [],
        "header_row": 1,
        "dates": "dmy",
        "columns": columns,
        "rows": rows if rows is not None else [["x"] * len(names)],
        "mapping": "",
        "asked": {},
    }
    return {**made, **changes}


def card(state: str = "ready", **changes: Any) -> dict[str, Any]:
    """An import."""
    counts = (
        "next_row",
        "accepted",
        "rejected",
        "repeated",
        "created",
        "known",
        "wrong_emails",
        "wrong_phones",
        "rate",
    )
    is_begun = state in ("loading", "paused", "done")
    made = {
        "import_id": new_id(),
        "name": "clients.csv",
        "size": limits.IMPORT_PART_BYTES + 10,
        "received": 0,
        "state": state,
        "makes": "contacts" if is_begun else "",
        "form_id": None,
        "source": "base" if is_begun else "",
        "region": "PT",
        "plan": {},
        "found": found("name", "email", "job"),
        "total": 100,
        **dict.fromkeys(counts, 0),
        "problem": None,
        "by_name": "Rita",
        "created_at": WHEN,
        "started_at": WHEN if is_begun else None,
        "finished_at": WHEN if state == "done" else None,
        "version": 3,
        "same_as": "",
    }
    return {**made, **changes}
