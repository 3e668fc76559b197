"""Workbooks of Excel (.xlsx), read row by row with openpyxl: a million rows never stand in memory together."""

import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time
from pathlib import Path
from typing import Any

import openpyxl

from services.capture.domain.tables import MARK, Row, Unreadable

MOST_BYTES = 4 * 1024**3
"""Of a workbook's parts when they are unpacked: a small archive can hold more than any disk."""

MOST_SHARED_BYTES = 192 * 1024**2
"""Of the texts that all cells share: openpyxl keeps them in memory, where they take about three times as much."""

_SHARED = "xl/sharedStrings.xml"


@dataclass(frozen=True)
class Workbook:
    """One sheet of a workbook, which was opened once: the texts that cells share take long to read."""

    book: Any
    sheet: str
    sheets: list[str]

    def described(self) -> dict[str, Any]:
        """How it is written, in words that `open_workbook` takes again."""
        return {"kind": "xlsx", "encoding": "", "delimiter": "", "sheet": self.sheet, "sheets": self.sheets}

    def rows(self) -> Iterator[Row]:
        """Every row, blank ones included, once; of a formula its last result.

        Raises:
            Unreadable: the archive is damaged.
        """
        try:
            for number, cells in enumerate(self.book[self.sheet].iter_rows(values_only=True), 1):
                texts = [_text(cell) for cell in cells]
                while texts and not texts[-1]:
                    texts.pop()  # Excel remembers columns that are empty by now
                yield Row(number, texts)
        except Unreadable:
            raise
        except Exception as error:  # whatever a damaged archive makes of zipfile, expat and openpyxl
            raise Unreadable("bad_xlsx", f"the workbook is damaged: {error}") from error
        finally:
            self.book.close()


def open_workbook(path: Path, asked: Mapping[str, Any]) -> Workbook:
    """The sheet that is `asked` for, else the first one.

    Raises:
        Unreadable: it is no workbook, or too large when unpacked.
    """
    _check_size(path)
    book = _load(path)
    sheets = [sheet.title for sheet in book.worksheets]
    if not sheets:
        raise Unreadable("bad_xlsx", "the workbook has no sheet")
    sheet = asked.get("sheet") or sheets[0]
    if sheet not in sheets:
        raise Unreadable("bad_xlsx", f"there is no sheet called {sheet!r}; there are: {', '.join(sheets)}")
    return Workbook(book, sheet, sheets)


def old_or_locked(path: Path) -> Unreadable:
    """What a file in Microsoft's older container is: a workbook with a password, or one of before 2007."""
    with path.open("rb") as file:
        is_locked = "EncryptedPackage".encode("utf-16-le") in file.read(1024 * 1024)
    if is_locked:
        return Unreadable("locked_xlsx", "the workbook has a password; save it without one")
    return Unreadable("bad_xlsx", "this is an old .xls file; save it as .xlsx or CSV")


def _check_size(path: Path) -> None:
    try:
        with zipfile.ZipFile(path) as archive:
            sizes = {info.filename: info.file_size for info in archive.infolist()}
    except (zipfile.BadZipFile, OSError, ValueError) as error:
        raise Unreadable("bad_xlsx", f"the workbook is damaged or was cut off: {error}") from error
    if "xl/workbook.xml" not in sizes:
        raise Unreadable("bad_xlsx", "this archive is no .xlsx workbook; save it as .xlsx or CSV")
    if sum(sizes.values()) > MOST_BYTES or sizes.get(_SHARED, 0) > MOST_SHARED_BYTES:
        raise Unreadable("too_large", "the workbook is too large when unpacked; save it as CSV")


def _load(path: Path) -> Any:
    try:
        return openpyxl.load_workbook(path, read_only=True, data_only=True, keep_links=False)
    except Exception as error:
        raise Unreadable("bad_xlsx", f"the workbook is damaged: {error}") from error


def _text(cell: Any) -> str:
    if cell is None:
        return ""
    if isinstance(cell, str):
        return "" if cell.startswith("#") and cell in _ERRORS else cell.replace(MARK, "")
    if isinstance(cell, bool):
        return "true" if cell else "false"
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))  # phones and codes are numbers to Excel
    if isinstance(cell, datetime):
        return cell.date().isoformat() if cell.time() == time() else cell.isoformat(" ", "seconds")
    if isinstance(cell, date | time):
        return cell.isoformat()
    return str(cell)


_ERRORS = frozenset(("#N/A", "#NAME?", "#NULL!", "#NUM!", "#REF!", "#VALUE!", "#DIV/0!"))
