"""Files as people send them, read as rows of text: delimited text in any usual encoding, and workbooks of Excel."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from services.capture.domain.tables import Row, Unreadable
from services.capture.reading import delimited, workbook

__all__ = ["Row", "Unreadable", "open_file"]

_ZIP, _OLE = b"PK\x03\x04", b"\xd0\xcf\x11\xe0"


def open_file(path: Path, asked: Mapping[str, Any]) -> "delimited.Delimited | workbook.Workbook":
    """Finds out how `path` is written.

    asked: what a person said of it: "encoding", "delimiter", "sheet"; what is missing is found out.

    Raises:
        Unreadable: it cannot be used.
    """
    with path.open("rb") as file:
        start = file.read(4)
    if not start:
        raise Unreadable("empty", "the file is empty")
    if start == _OLE:
        raise workbook.old_or_locked(path)
    return workbook.open_workbook(path, asked) if start == _ZIP else delimited.open_delimited(path, asked)


def rows_of(path: Path, asked: Mapping[str, Any]) -> Iterator[Row]:
    """All rows of a file, blank ones left out."""
    return (row for row in open_file(path, asked).rows() if not row.is_blank)
