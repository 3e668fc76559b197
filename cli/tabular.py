"""Text tables (CSV, TXT) as people send them: any usual encoding and delimiter, checked whole before a row is used.

The encoding is told by charset-normalizer, the delimiter and quotation mark by clevercsv.
"""

import codecs
import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

import charset_normalizer
import clevercsv
from clevercsv.dialect import SimpleDialect

DELIMITERS = ",;\t|"
LIKELY_ENCODINGS = ["utf_8", "utf_16", "cp1252", "latin_1"]
"""What spreadsheets and databases of Western Europe and the Americas write; others have to be named."""

SAMPLE_BYTES = 64 * 1024
SAMPLE_LINES = 100
SNIFFED_CHARACTERS = 8 * 1024
"""How much the delimiter is told from: the work grows with the square of it."""

MOST_LINES_PER_ROW = 200
"""A row that goes on for longer comes from a quotation mark that nobody closed."""

_SPREADSHEETS = {b"PK\x03\x04": "an .xlsx or .ods file", b"\xd0\xcf\x11\xe0": "an .xls file"}


class BadFile(Exception):
    """A file that cannot be used; the message is one line that says why and what to do."""


@dataclass(frozen=True, slots=True)
class Row:
    """One row below the header. number: of the row in the file, the header being 1, blank rows counted."""

    number: int
    cells: list[str]


@dataclass(frozen=True)
class Table:
    """A text table that was read through once and found sound.

    digest: SHA-256 of the file's bytes. rows: how many there are below the header, blank ones not counted.
    """

    path: Path
    encoding: str
    dialect: SimpleDialect
    digest: str
    header: list[str]
    rows: int = field(default=0)

    def read(self) -> Iterator[Row]:
        """Rows below the header that have anything in them, as they stand in the file.

        Raises:
            BadFile: the file cannot be read, or is not what it was.
        """
        rows = _rows(self.path, self.encoding, self.dialect)
        next(rows, None)
        return (row for row in rows if any(cell.strip() for cell in row.cells))


def open_table(path: Path, encoding: str | None = None, delimiter: str | None = None) -> Table:
    """Finds out how `path` is written and reads it through: what is wrong with it shows before anything is sent.

    encoding, delimiter: what the caller knows; None finds out.

    Raises:
        BadFile: missing, empty, not text, not in the encoding, or with a quotation mark that is never closed.
    """
    digest, sample = _digest_and_sample(path)
    encoding = _codec(encoding or _encoding_of(path, sample))
    dialect = _dialect_of(path, encoding, delimiter)
    rows = _rows(path, encoding, dialect)
    header = next(rows, None)
    if header is None or not any(cell.strip() for cell in header.cells):
        raise BadFile(f"{path}: the first line is empty; it should name the columns")
    count = sum(1 for row in rows if any(cell.strip() for cell in row.cells))
    if not count:
        raise BadFile(f"{path}: there are no rows below the header")
    return Table(path, encoding, dialect, digest, [cell.strip() for cell in header.cells], count)


def _digest_and_sample(path: Path) -> tuple[str, bytes]:
    """SHA-256 of the file, and its first lines followed by the first of those that are not plain ASCII."""
    digest = hashlib.sha256()
    sample = bytearray()
    try:
        with path.open("rb") as file:
            for number, line in enumerate(file):
                digest.update(line)
                if len(sample) < SAMPLE_BYTES and (number < SAMPLE_LINES or not line.isascii()):
                    sample += line[:SAMPLE_BYTES]
    except OSError as error:
        raise BadFile(f"{path}: {(error.strerror or str(error)).lower()}") from error
    if not sample:
        raise BadFile(f"{path}: the file is empty")
    for magic, kind in _SPREADSHEETS.items():
        if sample.startswith(magic):
            raise BadFile(f"{path}: this is {kind}; save it as CSV first")
    return digest.hexdigest(), bytes(sample)


def _encoding_of(path: Path, sample: bytes) -> str:
    # Lines of UTF-16 cannot be cut at newline bytes: its own mark says enough.
    if sample.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf_16"
    best = charset_normalizer.from_bytes(sample, cp_isolation=LIKELY_ENCODINGS).best()
    if best is None:
        raise BadFile(f"{path}: this does not look like text; if it is, name its encoding with --encoding")
    return best.encoding


def _codec(encoding: str) -> str:
    try:
        name = codecs.lookup(encoding).name
    except LookupError:
        raise BadFile(f"there is no encoding called {encoding!r}; try utf-8, latin-1 or cp1252") from None
    return "utf-8-sig" if name in ("utf-8", "ascii") else name


def _dialect_of(path: Path, encoding: str, delimiter: str | None) -> SimpleDialect:
    sample = "".join(islice(_lines(path, encoding), SAMPLE_LINES))[:SNIFFED_CHARACTERS]
    try:
        found = clevercsv.Sniffer().sniff(sample, delimiters=DELIMITERS)
    except clevercsv.exceptions.Error as error:
        raise BadFile(f"{path}: {_reason(error)}") from error
    if delimiter is None and found is None:
        raise BadFile(f"{path}: the delimiter could not be told; name it with --delimiter")
    told = found.delimiter if delimiter is None else delimiter
    # A sample without quotation marks says nothing of the rows after it.
    quotation, escape = (found.quotechar, found.escapechar) if found else ("", "")
    return SimpleDialect(told, quotation or '"', escape)


def _lines(path: Path, encoding: str) -> Iterator[str]:
    try:
        with path.open(encoding=encoding, newline="") as file:
            yield from file
    except UnicodeDecodeError as error:
        byte = error.object[error.start]
        raise BadFile(
            f"{path}: byte 0x{byte:02x} is not {_spoken(encoding)}; name the encoding with --encoding, such as latin-1"
        ) from error
    except UnicodeError as error:
        raise BadFile(f"{path}: this is not {_spoken(encoding)}: {error}") from error
    except OSError as error:
        raise BadFile(f"{path}: {(error.strerror or str(error)).lower()}") from error


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


def _rows(path: Path, encoding: str, dialect: SimpleDialect) -> Iterator[Row]:
    """Every row, the header and blank ones included."""
    lines = _Counted(_lines(path, encoding))
    reader = clevercsv.reader(lines, dialect)
    before = 0
    number = 0
    while True:
        try:
            cells: Sequence[str] | None = next(reader, None)
        except clevercsv.exceptions.Error as error:
            raise BadFile(f"{path}: line {before + 1}: {_reason(error)}") from error
        if cells is None:
            return
        if lines.taken - before > MOST_LINES_PER_ROW:
            raise BadFile(f"{path}: line {before + 1} opens a quotation mark that is never closed")
        before = lines.taken
        number += 1
        yield Row(number, list(cells))


def _reason(error: Exception) -> str:
    if "field larger" in str(error):
        return "a cell is too long; is a quotation mark never closed?"
    if "NULL" in str(error):
        return "there is a NUL byte; is this a text file?"
    return str(error)
