"""Files on their way to capture: in parts, and the rows of them that were not taken on their way back."""

import base64
import csv
import io
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain
from typing import Any

from flask import Response, stream_with_context
from flask_babel import gettext as _

from contracts import limits
from gateway.parts import call
from runtime.spreadsheet import safe_cell

QUICK = 1
"""Of zlib's levels: tables shrink to a quarter by it, and a higher one costs more than it saves."""

REJECTED_PAGE = 500

NUMBER, REASONS = "_row", "_reasons"
"""The two columns of ours. They begin with an underscore: importing the corrected file leaves them out."""

MARK = "\ufeff"
"""With it spreadsheets take the text for UTF-8."""


def send_part(import_id: str, number: int, raw: bytes) -> int:
    """Hands a part of a file to capture, which may be repeated.

    number: of the part, from 0. raw: its bytes; all but the last part have `limits.IMPORT_PART_BYTES`.
    Returns: how many bytes of the file are there by now.
    """
    data = base64.b64encode(zlib.compress(raw, QUICK)).decode()
    return int(call("capture", "import_part", import_id=import_id, number=number, data=data)["received"])


def parts_of(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """What comes in chunks of any size in parts of `limits.IMPORT_PART_BYTES`, of which the last may be shorter."""
    waiting = bytearray()
    for chunk in chunks:
        waiting += chunk
        while len(waiting) >= limits.IMPORT_PART_BYTES:
            yield bytes(waiting[: limits.IMPORT_PART_BYTES])
            del waiting[: limits.IMPORT_PART_BYTES]
    if waiting:
        yield bytes(waiting)


def rejected_pages(import_id: str) -> Iterator[Mapping[str, Any]]:
    """Rows that were not taken, a page at a time, as capture gives them."""
    after = 0
    while True:
        page = call("capture", "import_rejected", import_id=import_id, after=after, limit=REJECTED_PAGE)
        yield page
        if page["next"] is None:
            return
        after = page["next"]


def rejected_file(import_id: str, delimiter: str) -> Response:
    """The file of rejected rows as an answer, sent while it is read.

    Raises:
        NotFound: there is no such import.
    """
    pages = rejected_pages(import_id)
    first = next(pages)  # what is not there is said before the file begins
    lines = rejected_lines(chain([first], pages), delimiter)
    headers = {"Content-Disposition": f'attachment; filename="rejected-{import_id}.csv"'}
    return Response(stream_with_context(lines), 200, headers, mimetype="text/csv")


def rejected_lines(pages: Iterable[Mapping[str, Any]], delimiter: str) -> Iterator[str]:
    """The file of rejected rows, a page at a time: each with its number and what is wrong with it, then its cells as
    they came, none of which a spreadsheet takes for a formula."""
    is_first = True
    for page in pages:
        rows = [_written(page["header"], row) for row in page["items"]]
        if is_first:
            own = [name for name in page["header"] if name not in (NUMBER, REASONS)]
            rows.insert(0, [NUMBER, REASONS, *own])
        text = io.StringIO()
        csv.writer(text, delimiter=delimiter).writerows([safe_cell(cell) for cell in row] for row in rows)
        yield (MARK if is_first else "") + text.getvalue()
        is_first = False


def _written(header: Sequence[str], row: Mapping[str, Any]) -> list[str]:
    cells = row["cells"]
    own = [cell for name, cell in zip(header, cells, strict=False) if name not in (NUMBER, REASONS)]
    return [str(row["row"]), "; ".join(map(reason_text, row["reasons"])), *own, *cells[len(header) :]]


def reason_text(reason: Mapping[str, str]) -> str:
    """Why a row was not taken, in words, with the column's name where it is about one."""
    texts = {
        "too_few_cells": _("it has fewer cells than the header"),
        "too_many_cells": _("it has more cells than the header"),
        "nobody": _("nothing in it says who it is: a name, an e-mail address, a telephone number or a client code"),
        "unreachable": _("a lead needs a valid e-mail address or telephone number"),
        "too_long": _("this is too long"),
        "required": _("this is missing"),
        "not_allowed": _("this is not among what is allowed"),
        "invalid": _("this is not valid"),
    }
    said = texts.get(reason["code"], reason["message"])
    return f"{reason['column']}: {said}" if reason["column"] else said
