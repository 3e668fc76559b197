"""A look at a whole file: how it is written, what its columns hold, how many rows there are."""

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

from contracts import limits
from services.capture.domain.columns import date_order, kind_of, looks_like_data, suggested
from services.capture.domain.tables import Row, Unreadable, header_of, named
from services.capture.reading import open_file

SHOWN_ROWS = 20
LOOKED_AT = 500
"""Rows from which it is told what columns hold."""

LONGEST_SHOWN = 200
"""Characters of a cell in the preview."""

BREATHE_EVERY = 1_000

Found = dict[str, Any]


def examine(
    path: Path, asked: Mapping[str, Any], mappings: Sequence[Mapping[str, Any]], breathe: Callable[[], None]
) -> Found:
    """Reads a file through: what is wrong with it shows before any row is used.

    Args:
        asked: what a person said of it, see `reading.open_file`; also "header_row", 0 when there is none.
        mappings: what was kept of earlier files: "name", "header", "plan".
        breathe: called every few thousand rows; may raise to stop.

    Returns:
        {"found": see the card of an import, "total": rows, "digest": SHA-256 of the file}

    Raises:
        Unreadable: it cannot be used.
    """
    digest = digest_of(path)
    file = open_file(path, asked)
    rows = (row for row in file.rows() if not row.is_blank)
    first = list(islice(rows, LOOKED_AT))
    if not first:
        raise Unreadable("no_rows", "there is nothing in this file")
    header_row, header = _header(first, asked)
    data = [row for row in first if row.number > header_row and not row.repeats(header)]
    width = len(header)
    if width > limits.IMPORT_COLUMNS:
        raise Unreadable(
            "too_many_columns", f"{width} columns are more than {limits.IMPORT_COLUMNS}: is that the delimiter?"
        )
    if not data:
        raise Unreadable("no_rows", "there are no rows below the header")
    columns = [[row.cells[place] if place < len(row.cells) else "" for row in data] for place in range(width)]
    kinds = [kind_of(cells) for cells in columns]
    total = len(data) + sum(1 for _ in _breathing(rows, breathe))
    mapping = next((kept for kept in mappings if kept["header"] == header), None)
    by_name = suggested(header, kinds)
    targets = mapping["plan"]["columns"] if mapping else by_name
    dates = [cells for cells, kind in zip(columns, kinds, strict=True) if kind == "date"]
    found = {
        **file.described(),
        "header_row": header_row,
        "dates": (mapping["plan"].get("dates") if mapping else None) or date_order(dates),
        "columns": [
            {"name": name, "kind": kind, "target": target, "suggested": plain}
            for name, kind, target, plain in zip(header, kinds, targets, by_name, strict=True)
        ],
        "rows": [[cell[:LONGEST_SHOWN] for cell in row.cells[:width]] for row in data[:SHOWN_ROWS]],
        "mapping": mapping["name"] if mapping else "",
        "plan": mapping["plan"] if mapping else {},
    }
    return {"found": found, "total": total, "digest": digest}


def _header(first: Sequence[Row], asked: Mapping[str, Any]) -> tuple[int, list[str]]:
    chosen = asked.get("header_row")
    if chosen is None:
        chosen = header_of(first, [looks_like_data(row.cells) for row in first])
    if chosen == 0:
        return 0, named([""] * max(len(row.cells) for row in first))
    header = next((row for row in first if row.number == chosen), None)
    if header is None:
        raise Unreadable("no_header", f"row {chosen} is empty or far below; it should name the columns")
    cells = list(header.cells)
    while cells and not cells[-1].strip():
        cells.pop()
    return chosen, [name[: limits.FIELD_NAME] for name in named(cells)]


def _breathing(rows: Iterator[Row], breathe: Callable[[], None]) -> Iterator[Row]:
    for number, row in enumerate(rows):
        if number % BREATHE_EVERY == 0:
            breathe()
        yield row


def digest_of(path: Path) -> str:
    """SHA-256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
