"""Lists as files that spreadsheets open, sent while they are read: one at a time for each person."""

import csv
import io
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import chain
from typing import Any

from flask import Response, render_template, stream_with_context

from gateway import turns
from gateway.accounts.noted import noted
from gateway.parts import parts
from gateway.web.filters import Typed
from gateway.web.pages import account
from runtime.clock import utc_now
from runtime.spreadsheet import safe_cell

PAGE = 500
"""Rows asked for at a time: as many as a service gives."""

MARK = "\ufeff"
"""With it spreadsheets take the text for UTF-8."""

Page = Sequence[Mapping[str, Any]]
_BEGAN = {
    "leads": "began to export leads",
    "contacts": "began to export contacts",
    "reports": "began to export a report",
    "report_leads": "began to export leads of a report",
}
_ENDED = {
    "leads": "exported leads",
    "contacts": "exported contacts",
    "reports": "exported a report",
    "report_leads": "exported leads of a report",
}
_RETRY_SECONDS, _RENEWED_SECONDS = 10, 20


def lines(
    pages: Iterable[Page], header: Sequence[str], cells: Callable[[Mapping[str, Any]], Sequence[str]], locale: str
) -> Iterator[str]:
    """The file, a page at a time. locale: whose spreadsheet opens it; where a comma belongs to numbers, columns are
    parted by semicolons."""
    delimiter = "," if locale == "en" else ";"
    yield MARK + _written([header], delimiter)
    for page in pages:
        yield _written([cells(row) for row in page], delimiter)


def _written(rows: Iterable[Sequence[str]], delimiter: str) -> str:
    text = io.StringIO()
    writer = csv.writer(text, delimiter=delimiter)
    writer.writerows([safe_cell(cell) for cell in row] for row in rows)
    return text.getvalue()


def answered(
    what: str,
    filters: Typed,
    back: str,
    found: Iterator[Page],
    header: Sequence[str],
    cells: Callable[[Mapping[str, Any]], Sequence[str]],
) -> Response:
    """The file as an answer.

    what: one of `_BEGAN`: its name, and what the trail says went out. back: the list it is of. found: its rows, a
        page at a time. cells: those of a row, below `header`.
    """
    database = parts().database
    turn = database.transact(turns.take, "export", account().id)
    if not turn:
        headers = {"Retry-After": str(_RETRY_SECONDS)}
        return Response(render_template("busy.html", back=back), 429, headers, mimetype="text/html")
    try:
        first = next(found)  # before the answer begins: a service that is away is a page that says so, not half a file
    except BaseException:
        database.transact(turns.give_back, turn)
        raise
    noted(_BEGAN[what], "", filters=_without_text(filters))
    body = lines(_counted(chain([first], found), what, filters, turn), header, cells, account().locale)
    response = Response(stream_with_context(body), mimetype="text/csv")
    response.call_on_close(lambda: database.transact(turns.give_back, turn))  # also when nobody reads a line of it
    response.headers["Content-Disposition"] = f'attachment; filename="{what}-{utc_now():%Y-%m-%d}.csv"'
    return response


def _counted(found: Iterable[Page], what: str, filters: Typed, turn: str) -> Iterator[Page]:
    """The pages as they are; when they end, and also when they break off, the trail has how many rows went out."""
    count, is_whole, renewed = 0, False, time.monotonic()
    try:
        for page in found:
            if time.monotonic() - renewed > _RENEWED_SECONDS:
                parts().database.transact(turns.renew, turn)
                renewed = time.monotonic()
            count += len(page)
            yield page
        is_whole = True
    finally:
        parts().database.transact(turns.give_back, turn)
        noted(_ENDED[what], "", filters=_without_text(filters), **{what: count}, whole=is_whole)


def _without_text(filters: Typed) -> Typed:
    """What was searched for is most likely somebody's name, which the trail does not keep."""
    return {name: "…" if name == "q" else value for name, value in filters.items()}
