"""What pages of imports say: states, columns, and why a file cannot be used."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from babel.dates import format_timedelta
from flask import url_for
from flask_babel import format_decimal, get_locale
from flask_babel import gettext as _

from contracts import errors
from gateway.web.shown import problem_text
from runtime.clock import parse_iso

Card = Mapping[str, Any]
"""An import, as capture tells it."""


@dataclass(frozen=True, slots=True)
class Count:
    """How many of something; address and link: where one sees them, empty when nowhere."""

    number: int
    name: str
    address: str = ""
    link: str = ""


def state_name(state: str) -> str:
    """Where an import is, in a word or two."""
    names = {
        "uploading": _("Uploading"),
        "examining": _("Being looked at"),
        "ready": _("Waits for you"),
        "loading": _("Loading"),
        "paused": _("Paused"),
        "done": _("Done"),
        "cancelled": _("Cancelled"),
        "failed": _("Failed"),
    }
    return names.get(state, state)


STATE_COLOURS: Mapping[str, str] = {
    "ready": "bg-orange-lt",
    "loading": "bg-azure-lt",
    "examining": "bg-azure-lt",
    "done": "bg-green-lt",
    "failed": "bg-red-lt",
}


def kind_name(kind: str) -> str:
    """What the cells of a column are."""
    names = {
        "text": _("Text"),
        "email": _("E-mail addresses"),
        "phone": _("Telephone numbers"),
        "date": _("Dates"),
        "number": _("Numbers"),
        "empty": _("Empty"),
    }
    return names.get(kind, kind)


def target_names() -> list[tuple[str, str]]:
    """What a column may fill on a contact's card."""
    return [
        ("name", _("Name")),
        ("email", _("E-mail")),
        ("phone", _("Phone")),
        ("company", _("Company")),
        ("city", _("City")),
        ("country", _("Country")),
        ("sector", _("Sector")),
        ("product", _("Product")),
        ("code", _("Client code")),
        ("document", _("Document number")),
    ]


def date_orders() -> list[tuple[str, str]]:
    """In which order dates are written."""
    return [("dmy", _("31/12/2026: day first")), ("mdy", _("12/31/2026: month first")), ("ymd", _("2026-12-31"))]


def delimiters() -> list[tuple[str, str]]:
    """What parts the columns."""
    return [
        (";", _("Semicolons")),
        (",", _("Commas")),
        ("tab", _("Tabs")),
        ("|", _("Vertical bars")),
    ]


def reading(found: Mapping[str, Any]) -> str:
    """How a file is written, in a few words."""
    if found.get("kind") == "xlsx":
        return _("Excel, sheet “%(name)s”", name=found.get("sheet", ""))
    delimiter = "tab" if found.get("delimiter") == "\t" else str(found.get("delimiter", ""))
    parted = dict(delimiters()).get(delimiter, delimiter)
    return f"{str(found.get('encoding', '')).upper().replace('_', '-')}, {parted.lower()}".strip(", ")


def title(card: Card) -> str:
    """What an import is called: its file, or that contacts of the base become leads."""
    return str(card["name"]) or _("Contacts of the base become leads")


def becomes(card: Card) -> str:
    """What becomes of the rows."""
    if card["makes"] == "leads":
        return _("Leads, distributed at once. Source: %(source)s.", source=card["source"])
    return _("Contacts of the base. Source: %(source)s.", source=card["source"])


def passed(card: Card) -> int:
    """How many rows were worked on; those that were in already are among those that were taken."""
    return int(card["accepted"]) + int(card["rejected"])


def share_done(card: Card) -> int:
    """How much of an import is through, in per cent; 100 only when it is done."""
    if card["state"] == "done":
        return 100
    return min(99, 100 * passed(card) // card["total"]) if card["total"] else 0


def time_left(card: Card) -> str:
    """How long it will take, as things are."""
    if not card["rate"] or card["total"] is None:
        return ""
    left = timedelta(seconds=max(1, (card["total"] - passed(card)) // card["rate"]))
    return format_timedelta(left, locale=get_locale(), threshold=1.5)


def took(card: Card) -> str:
    """How long it took, whatever it waited for."""
    lasted = max(parse_iso(card["finished_at"]) - parse_iso(card["started_at"]), timedelta(seconds=1))
    return _(
        "%(count)s rows in %(time)s",
        count=format_decimal(passed(card)),
        time=format_timedelta(lasted, locale=get_locale(), threshold=1.5),
    )


def counts(card: Card) -> list[Count]:
    """What became of the rows so far. Only a lead can be in already: a contact is known then."""
    import_id = card["import_id"]
    rows = [
        Count(card["accepted"], _("rows taken")),
        Count(card["created"], _("new contacts"), *_contacts(import_id)),
        Count(card["known"], _("were known before")),
        Count(card["repeated"], _("were in already")),
        Count(card["rejected"], _("rejected"), url_for("imports.rejected", import_id=import_id), _("As a file")),
        Count(card["wrong_emails"], _("wrong e-mail addresses"), *_contacts(import_id, "bad_email")),
        Count(card["wrong_phones"], _("wrong telephone numbers"), *_contacts(import_id, "bad_phone")),
    ]
    if not card["size"]:
        return [rows[0], rows[3], rows[4]]
    return rows if card["makes"] == "leads" else [*rows[:3], *rows[4:]]


def _contacts(import_id: str, problem: str = "") -> tuple[str, str]:
    wanted: dict[str, Any] = {"import": import_id, "problem": problem or None}
    return url_for("contacts.index", **wanted), _("Mend them") if problem else _("See them")


def ways_on(card: Card) -> list[tuple[str, str]]:
    """Where one goes from an import that has brought something: addresses and what they are called."""
    if card["state"] not in ("done", "cancelled", "failed") or not card["accepted"]:
        return []
    of_import: dict[str, Any] = {"import": card["import_id"]}
    ways = [(url_for("contacts.index", **of_import), _("Its contacts"))] if card["size"] else []
    if card["makes"] == "leads":
        address = url_for("leads.index", form=card["form_id"], source=card["source"], all="1")
        ways.append((address, _("Leads of its form and source")))
    if card["size"]:
        ways.append((url_for("cleaning.index", **of_import), _("Clean them up")))
    return ways


def plan_problem(code: str, field: str) -> str:
    """What is wrong with what was chosen for a column."""
    if field == "columns" and code == errors.REQUIRED:
        return _("Say which column has names, e-mail addresses, telephone numbers or client codes.")
    if code == errors.CONFLICT:
        return _("Another column above fills this already. Choose one of the two.")
    return problem_text(code)


def trouble(problem: Mapping[str, Any]) -> tuple[str, str]:
    """Why a file cannot be used, and what to do about it."""
    known = {
        "empty": (_("The file is empty."), _("Choose the right file, or save it again.")),
        "no_header": (
            _("No row names the columns."),
            _("Write a first row with the names of the columns, or say below which row has them."),
        ),
        "too_many_columns": (
            _("It has more columns than a list of clients has."),
            _("Say what parts the columns, or take those out that nobody needs."),
        ),
        "not_text": (
            _("This is neither a table of text nor an Excel workbook."),
            _("In the program it comes from, save it as CSV or as .xlsx."),
        ),
        "truncated": (_("The file did not arrive whole."), _("Upload it again.")),
        "bad_xlsx": (_("The workbook is damaged."), _("Open it in Excel, save it under another name, upload that.")),
        "locked_xlsx": (
            _("The workbook is locked with a password."),
            _("Save it without the password, or as CSV, and upload that."),
        ),
        "too_large": (
            _("It is too large once it is unpacked."),
            _("Part it in several files, or save it as CSV."),
        ),
        "disk_full": (
            _("There is no room left on the disk. What is in stays."),
            _("Ask whoever runs Rodízio to make room, then go on."),
        ),
        "unclosed_quote": (
            _("A quotation mark is opened and never closed."),
            _("Close it in the file, or say what parts the columns."),
        ),
        "nul_byte": (
            _("There are characters in it that no text has."),
            _("Choose another encoding, or save it as CSV in UTF-8."),
        ),
        "wrong_encoding": (
            _("Its letters cannot be read in this encoding."),
            _("Choose another one: Windows-1252 and UTF-8 are the usual ones."),
        ),
        "no_rows": (_("There are no rows below the names of the columns."), _("Choose the file that has them.")),
        "lost": (
            _("What was uploaded is not there any more."),
            _("Upload the file again: rows that are in stay as they are."),
        ),
    }
    said = str(problem.get("message", ""))
    return known.get(str(problem.get("code", "")), (said, _("Upload it again, or ask whoever runs Rodízio.")))


REREAD = ("no_header", "too_many_columns", "not_text", "unclosed_quote", "nul_byte", "wrong_encoding", "no_rows")
"""Troubles that reading the file in another way may end."""
