"""Text tables (CSV, TXT) in any usual encoding and delimiter.

The encoding is told by charset-normalizer, the delimiter and the quotation mark by clevercsv.
"""

import codecs
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import charset_normalizer
import clevercsv
from clevercsv.dialect import SimpleDialect

from services.capture.domain.tables import MARK, Row, Unreadable

DELIMITERS = ",;\t|"
LIKELY_ENCODINGS = ["utf_8", "utf_16", "cp1252", "latin_1"]
"""What spreadsheets and databases of Western Europe and the Americas write; others have to be named."""

SAMPLE_BYTES = 64 * 1024
SAMPLE_LINES = 100
SNIFFED_CHARACTERS = 8 * 1024
"""How much the delimiter is told from: the work grows with the square of it."""

LONGEST_LINE = 1_000_000
"""Characters; a longer one would have to be held in memory whole."""

MOST_LINES_PER_ROW = 200
"""A row that goes on for longer comes from a quotation mark that nobody closed."""


@dataclass(frozen=True)
class Delimited:
    """A text table; nothing of it is in memory."""

    path: Path
    encoding: str
    dialect: SimpleDialect

    def described(self) -> dict[str, Any]:
        """How it is written, in words that `open_delimited` takes again."""
        return {
            "kind": "csv",
            "encoding": self.encoding.removesuffix("-sig"),
            "delimiter": self.dialect.delimiter,
            "sheet": "",
            "sheets": [],
        }

    def rows(self) -> Iterator[Row]:
        """Every row, blank ones included.

        Raises:
            Unreadable: it is not in the encoding, or a quotation mark is never closed.
        """
        lines = _Counted(_lines(self.path, self.encoding))
        reader = clevercsv.reader(lines, self.dialect)
        before = number = 0
        while True:
            try:
                cells = next(reader, None)
            except clevercsv.exceptions.Error as error:
                raise _explained(error, before + 1) from error
            if cells is None:
                return
            if lines.taken - before > MOST_LINES_PER_ROW:
                raise _never_closed(before + 1)
            before = lines.taken
            number += 1
            yield Row(number, cells)


def open_delimited(path: Path, asked: Mapping[str, Any]) -> Delimited:
    """Finds out how `path` is written, but for what is `asked`.

    Raises:
        Unreadable: it is no text.
    """
    encoding = _codec(asked.get("encoding") or _encoding_of(_sample(path)))
    return Delimited(path, encoding, _dialect_of(path, encoding, asked.get("delimiter")))


def _sample(path: Path) -> bytes:
    """The first lines, followed by the first of those that are not plain ASCII."""
    sample = bytearray()
    with path.open("rb") as file:
        for number, line in enumerate(iter(lambda: file.readline(LONGEST_LINE), b"")):
            if len(sample) >= SAMPLE_BYTES:
                break
            if number < SAMPLE_LINES or not line.isascii():
                sample += line[:SAMPLE_BYTES]
    return bytes(sample)


def _encoding_of(sample: bytes) -> str:
    # Lines of UTF-16 cannot be cut at newline bytes: its own mark says enough.
    if sample.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf_16"
    best = charset_normalizer.from_bytes(sample, cp_isolation=LIKELY_ENCODINGS).best()
    if best is None:
        raise Unreadable("not_text", "this does not look like text; if it is, say in which encoding")
    return best.encoding


def _codec(encoding: str) -> str:
    try:
        found = codecs.lookup(encoding)
    except (LookupError, ValueError):
        found = None
    # Python has codecs from bytes to bytes, too.
    if found is None or not found._is_text_encoding:
        raise Unreadable("wrong_encoding", f"there is no encoding called {encoding!r}; try utf-8 or cp1252")
    name = found.name
    return "utf-8-sig" if name in ("utf-8", "ascii") else name


def _dialect_of(path: Path, encoding: str, delimiter: str | None) -> SimpleDialect:
    sample = "".join(islice(_lines(path, encoding), SAMPLE_LINES))[:SNIFFED_CHARACTERS]
    try:
        found = clevercsv.Sniffer().sniff(sample, delimiters=DELIMITERS)
    except clevercsv.exceptions.Error as error:
        raise _explained(error, 1) from error
    told = delimiter or (found.delimiter if found is not None else "")
    # A sample without quotation marks says nothing of the rows after it.
    quotation, escape = (found.quotechar, found.escapechar) if found else ("", "")
    return SimpleDialect(told, quotation or '"', escape)


def _lines(path: Path, encoding: str) -> Iterator[str]:
    try:
        with path.open(encoding=encoding, newline="") as file:
            while line := file.readline(LONGEST_LINE):
                if len(line) == LONGEST_LINE and not line.endswith("\n"):
                    raise Unreadable("not_text", f"a line of more than {LONGEST_LINE:,} characters; is this a table?")
                yield line.replace(MARK, "") if MARK in line else line
    except UnicodeDecodeError as error:
        byte = error.object[error.start]
        raise Unreadable("wrong_encoding", f"byte 0x{byte:02x} is not {_spoken(encoding)}") from error
    except UnicodeError as error:
        raise Unreadable("wrong_encoding", f"this is not {_spoken(encoding)}: {error}") from error


def _spoken(encoding: str) -> str:
    return encoding.removesuffix("-sig").upper()


class _Counted:
    """Lines that know how many of them were taken."""

    def __init__(self, lines: Iterator[str]) -> None:
        self._lines = lines
        self.taken = 0

    def __iter__(self) -> "_Counted":
        return self

    def __next__(self) -> str:
        line = next(self._lines)
        self.taken += 1
        return line


def _explained(error: Exception, line: int) -> Unreadable:
    if "field larger" in str(error):
        return _never_closed(line)
    if "NULL" in str(error):
        return Unreadable("nul_byte", f"line {line} has a NUL byte; is this a text file?")
    return Unreadable("not_text", f"line {line}: {error}")


def _never_closed(line: int) -> Unreadable:
    return Unreadable("unclosed_quote", f"line {line} opens a quotation mark that is never closed")
