"""Rows on their way to the gateway: in batches, a few at once, in the order of the file."""

import json
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid5

from cli.api import Api
from cli.columns import ColumnMap
from cli.rejected import NUMBER, RejectedRows
from cli.tabular import Row, Table
from contracts.limits import IMPORT_BYTES, IMPORT_ROWS
from runtime.spreadsheet import original_cell

IMPORTS = UUID("6b6a3d1e-2f0a-5c57-9a54-5d1f7c0e8a11")
"""Namespace of import ids."""

MOST_BYTES = IMPORT_BYTES // 2
"""A batch is closed before it passes this, or IMPORT_ROWS; the gateway takes twice as many bytes."""

AT_ONCE = 4


def import_id(digest: str, form_id: str) -> str:
    """Id of the import of a file into a form: the same for every repeat of the same content."""
    return str(uuid5(IMPORTS, f"{digest}:{form_id}"))


@dataclass(frozen=True, slots=True)
class Batch:
    """Rows sent together. first: number of the first among the rows that are sent at all."""

    first: int
    rows: list[Row]
    fields: list[dict[str, str]]


@dataclass(slots=True)
class Sent:
    """What became of the rows."""

    rows: int = 0
    accepted: int = 0
    rejected: int = 0


def send(
    api: Api,
    table: Table,
    columns: ColumnMap,
    identifier: str,
    form_key: str,
    rejected: RejectedRows,
    progress: Callable[[Sent], None],
) -> Sent:
    """Sends every row; those that do not fit the header stay here and are rejected.

    progress: told after each batch.

    Raises:
        ApiError: the gateway refused or stayed away; a repeat goes on where this one stopped.
        BadFile: the file or that of the rejected rows failed.
    """
    sent = Sent()
    under_way: deque[tuple[Batch, Future[Any]]] = deque()

    def post(batch: Batch) -> Any:
        document = {"form_key": form_key, "first_row": batch.first, "rows": batch.fields}
        return api.post(f"/imports/{identifier}/rows", document)

    def settle() -> None:
        batch, future = under_way.popleft()
        outcome = future.result()
        for refusal in outcome["rejected"]:
            row = batch.rows[refusal["row"] - batch.first]
            rejected.add(row.number, row.cells, [_reason(error) for error in refusal["errors"]])
        sent.rows += len(batch.rows)
        sent.accepted += outcome["accepted"]
        sent.rejected = rejected.count
        progress(sent)

    def reject(row: Row, reason: str) -> None:
        rejected.add(row.number, row.cells, [reason])
        sent.rows += 1

    pool = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="import")
    try:
        for batch in _batches(table, columns, reject):
            under_way.append((batch, pool.submit(post, batch)))
            if len(under_way) >= AT_ONCE:
                settle()
        while under_way:
            settle()
    except BaseException:
        api.stop()
        raise
    finally:
        pool.shutdown(cancel_futures=True)
    sent.rejected = rejected.count
    progress(sent)
    return sent


def _batches(table: Table, columns: ColumnMap, reject: Callable[[Row, str], None]) -> Iterator[Batch]:
    """Rows are numbered among those that are sent: the same content gives the same numbers, whatever was rejected."""
    first, size = 0, 0
    batch = Batch(0, [], [])
    for row in _sound(table, reject):
        fields = columns.fields(row.cells)
        weight = len(json.dumps(fields))
        if batch.rows and (len(batch.rows) >= IMPORT_ROWS or size + weight > MOST_BYTES):
            yield batch
            first, size = first + len(batch.rows), 0
            batch = Batch(first, [], [])
        batch.rows.append(row)
        batch.fields.append(fields)
        size += weight
    if batch.rows:
        yield batch


def _sound(table: Table, reject: Callable[[Row, str], None]) -> Iterator[Row]:
    """Rows with as many cells as the header; empty ones too many at the end do no harm."""
    width = len(table.header)
    quoted_by_us = NUMBER in table.header
    for row in table.read():
        cells = row.cells
        while len(cells) > width and not cells[-1].strip():
            cells = cells[:-1]
        if len(cells) != width:
            reject(row, f"{len(cells)} cells where the header has {width}")
            continue
        yield Row(row.number, _originals(cells) if quoted_by_us else cells)


def _originals(cells: Iterable[str]) -> list[str]:
    return [original_cell(cell) for cell in cells]


def _reason(error: dict[str, Any]) -> str:
    return f"{error['field']}: {error['message']}" if error.get("field") else str(error["message"])
