"""Rows of a file, and which of them names the columns."""

from collections.abc import Sequence
from dataclasses import dataclass

MARK = "\ufeff"
"""What some programs begin a text with, and leave in the middle where texts were put together."""

MOST_ROWS_ABOVE = 10
"""A header is looked for in so many rows: titles and dates stand above it, not clients."""


class Unreadable(Exception):
    """A file that cannot be used. code: for whoever translates; the message is one line in English."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


@dataclass(frozen=True, slots=True)
class Row:
    """A row. number: of the row in the file, from 1, blank ones counted."""

    number: int
    cells: list[str]

    @property
    def is_blank(self) -> bool:
        """Whether there is nothing in it."""
        return not any(cell and not cell.isspace() for cell in self.cells)

    def repeats(self, header: Sequence[str]) -> bool:
        """Whether it names the columns once more, as where files were put together."""
        return bool(self.cells) and self.cells[0].strip() == header[0] and [*map(str.strip, self.cells)] == [*header]


def header_of(rows: Sequence[Row], looks_like_data: Sequence[bool]) -> int:
    """The number of the row that names the columns; 0 when the first row is of data already.

    rows: the first ones of the file, none of them blank. looks_like_data: whether each holds an address, a phone or
    a number.

    A title stands above with one or two cells: the header is the first row with at least half as many as the widest.
    """
    if not rows:
        return 0
    widest = max(_filled(row) for row in rows)
    for row, is_data in zip(rows[:MOST_ROWS_ABOVE], looks_like_data, strict=False):
        if 2 * _filled(row) >= widest:
            return 0 if is_data else row.number
    return rows[0].number


def named(header: Sequence[str]) -> list[str]:
    """Names for columns: those without one are counted, those with another's get a number."""
    names: list[str] = []
    for place, cell in enumerate(header, 1):
        name = cell.strip() or f"Column {place}"
        again = sum(1 for other in names if other == name or other.startswith(f"{name} ("))
        names.append(f"{name} ({again + 1})" if again else name)
    return names


def _filled(row: Row) -> int:
    return sum(1 for cell in row.cells if cell.strip())
