"""The file of rejected rows: the rows as they came, each with its number and what is wrong with it."""

import csv
from collections.abc import Sequence
from pathlib import Path
from typing import IO, Any, Self

from cli.tabular import BadFile
from runtime.spreadsheet import safe_cell

NUMBER, REASONS = "_row", "_reasons"
"""Our two columns. They begin with an underscore: importing the corrected file leaves them out."""


class RejectedRows:
    """Writes rejected rows as CSV; the file is made when the first one comes."""

    def __init__(self, path: Path, header: Sequence[str]) -> None:
        """header: names of the columns of the file being imported."""
        self.path = path
        self.count = 0
        self._header = header
        self._file: IO[str] | None = None
        self._writer: Any = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        if self._file is not None:
            self._file.close()

    def add(self, number: int, cells: Sequence[str], reasons: Sequence[str]) -> None:
        """Adds one row.

        Raises:
            BadFile: the file cannot be written.
        """
        own = [cell for name, cell in zip(self._header, cells, strict=False) if name not in (NUMBER, REASONS)]
        own += cells[len(self._header) :]
        try:
            if self._writer is None:
                self._open()
            self._writer.writerow([str(number), safe_cell("; ".join(reasons)), *map(safe_cell, own)])
        except OSError as error:
            raise BadFile(f"{self.path}: the rejected rows cannot be written: {error.strerror}") from error
        self.count += 1

    def _open(self) -> None:
        # With a mark, or spreadsheets take UTF-8 for something else.
        self._file = self.path.open("w", encoding="utf-8-sig", newline="")
        self._writer = csv.writer(self._file)
        own = [name for name in self._header if name not in (NUMBER, REASONS)]
        self._writer.writerow([NUMBER, REASONS, *map(safe_cell, own)])
