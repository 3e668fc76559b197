"""Sees rows of a table the moment they are committed, and notes when.

PostgreSQL tells by itself: a trigger made by the bench notifies, and notifications leave at COMMIT. SQLite cannot tell,
so its file is read every 2 ms by row number: what it shows is up to 2 ms late, which counts against us.
"""

import select
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench.ground import connect

POLL_SECONDS = 0.002
CHANNEL = "bench_row"

Seen = dict[str, float]
"""Monotonic seconds at which the row of a subject was seen, by subject."""


@contextmanager
def watch_postgresql(url: str, table: str, subject: str) -> Iterator[Seen]:
    """Watches `table` (`schema.table`), whose column `subject` tells the rows apart."""
    owner = connect(url)
    cursor = owner.cursor()
    cursor.execute(
        f"create function bench_tell() returns trigger language plpgsql as "
        f"$$begin perform pg_notify('{CHANNEL}', new.{subject}::text); return null; end$$"
    )
    cursor.execute(f"create trigger bench_tell after insert on {table} for each row execute function bench_tell()")
    try:
        with _thread(_listen, url) as seen:
            yield seen
    finally:
        cursor.execute(f"drop trigger bench_tell on {table}")
        cursor.execute("drop function bench_tell()")
        owner.close()


@contextmanager
def watch_sqlite(file: Path, table: str, subject: str) -> Iterator[Seen]:
    """Watches `table` of a SQLite file, whose column `subject` tells the rows apart."""
    with _thread(_poll, file, table, subject) as seen:
        yield seen


@contextmanager
def _thread(work: object, *arguments: object) -> Iterator[Seen]:
    seen: Seen = {}
    ready, stopping = threading.Event(), threading.Event()
    thread = threading.Thread(target=work, args=(*arguments, seen, ready, stopping), name="watch")  # type: ignore[arg-type]
    thread.start()
    try:
        if not ready.wait(10):
            raise RuntimeError("the watch did not begin")
        yield seen
    finally:
        stopping.set()
        thread.join()


def _listen(url: str, seen: Seen, ready: threading.Event, stopping: threading.Event) -> None:
    connection = connect(url)
    connection.cursor().execute(f"listen {CHANNEL}")
    ready.set()
    while not stopping.is_set():
        if not select.select([connection], [], [], 0.1)[0]:
            continue
        connection.poll()
        now = time.monotonic()
        for notice in connection.notifies:
            seen.setdefault(notice.payload, now)
        connection.notifies.clear()
    connection.close()


def _poll(file: Path, table: str, subject: str, seen: Seen, ready: threading.Event, stopping: threading.Event) -> None:
    connection = sqlite3.connect(f"file:{file}?mode=ro", uri=True, isolation_level=None)
    (last,) = connection.execute(f"select coalesce(max(rowid), 0) from {table}").fetchone()
    ready.set()
    while not stopping.wait(POLL_SECONDS):
        rows = connection.execute(f"select rowid, {subject} from {table} where rowid > ? order by rowid", (last,))
        found = rows.fetchall()
        if found:
            now, last = time.monotonic(), found[-1][0]
            for _, identifier in found:
                seen.setdefault(str(identifier), now)
    connection.close()
