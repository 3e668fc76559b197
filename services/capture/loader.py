"""`python -m services.capture.loader`: looks at files and loads them, beside the service and not in it.

A plain process with lower priority: reading rows keeps a processor busy, and forms must not wait for that. It takes up
one import after the other; several loaders share the work on PostgreSQL. What a batch of rows changes and where to go
on are committed together, so that it may be killed at any moment.
"""

import logging
import os
import platform
import signal
import tempfile
import threading
import time
import zlib
from collections import deque
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from errno import EDQUOT, ENOSPC
from itertools import islice
from pathlib import Path
from typing import Any
from uuid import NAMESPACE_DNS, uuid5

import sqlalchemy as sa

from runtime import health, logs
from runtime.bus import Readiness
from runtime.clock import utc_now
from runtime.database import Database, open_database
from runtime.migrated import wait_migrated
from runtime.outbox import Outbox
from runtime.publisher import Publisher
from runtime.settings import Settings
from runtime.trouble import Trouble, classify
from services.capture import store
from services.capture.domain.rows import Plan, plan_of
from services.capture.domain.tables import Row, Unreadable
from services.capture.handlers import base_leads, loading

log = logging.getLogger(__name__)

OWNER, NAME = "capture", "loader"

BATCH = 1000
"""Rows in one transaction, of about a tenth of a second."""

BREATHE_EVERY = 1_000
KEEP_EVERY = 2.0
PACE_BATCHES = 20
NICE = 10
IDLE_SECONDS = 0.5
WAIT_SECONDS = 0.2
OUTAGE_SECONDS = 2.0
SILENT_FOR = 120.0
FORGET_EVERY = 3600.0
FORGET_AFTER = timedelta(days=90)
"""Rejected rows and files that nobody went on with hold people's details: they are kept no longer than this."""


class _Stopped(Exception):
    """The import is no longer ours, or the process ends."""


@dataclass
class Loader:
    """What the loader works with. last_turn: when it last came round, on the monotonic clock. lost: what is in hand is
    no longer ours."""

    settings: Settings
    database: Database
    publisher: Publisher
    outbox: Outbox
    holder: str
    stopping: threading.Event
    lost: threading.Event
    last_turn: float

    def is_alive(self) -> bool:
        """Whether it still comes round; while the database is away it waits, and is well."""
        return time.monotonic() - self.last_turn < SILENT_FOR

    def readiness(self) -> Readiness:
        """Whether the database answers."""
        try:
            with self.database.read() as connection:
                connection.execute(sa.select(sa.literal(1)))
        except sa.exc.SQLAlchemyError as error:
            return Readiness([f"database: {type(error).__name__}"])
        return Readiness([])

    def run(self) -> None:
        """Takes up imports until it is told to stop."""
        forget_at = time.monotonic()
        while not self.stopping.is_set():
            self.last_turn = time.monotonic()
            try:
                taken = self.database.transact(loading.take_up, self.holder)
                if taken is not None:
                    self._work_on(taken)
                elif time.monotonic() >= forget_at:
                    forget_at = time.monotonic() + FORGET_EVERY
                    self._forget()
                else:
                    self.stopping.wait(IDLE_SECONDS)
            except _Stopped:
                continue
            except sa.exc.SQLAlchemyError as error:
                # Whatever was in hand goes on from its last committed batch.
                log.warning("the database is in trouble: %s", error)
                self.stopping.wait(OUTAGE_SECONDS)

    def let_go(self) -> None:
        """Leaves what is in hand to another loader, or to the next start, at once."""
        try:
            with self.database.write() as transaction:
                store.imports.let_go(transaction.connection, self.holder)
        except sa.exc.SQLAlchemyError as error:
            log.warning("another loader has to wait: %s", error)

    def _work_on(self, imported: Mapping[str, Any]) -> None:
        import_id = imported["id"]
        try:
            with self._kept(import_id):
                if "base" in imported["plan"]:
                    self._distribute(imported)
                    return
                with _spooled(self.database, import_id) as path:
                    if imported["state"] == "examining":
                        self._examine(imported, path)
                    else:
                        self._load(imported, path)
        except _Stopped:
            raise
        except Unreadable as problem:
            self._fail(import_id, problem.code, str(problem))
        except OSError as error:
            is_full = error.errno in (ENOSPC, EDQUOT)
            code, said = ("disk_full", "the disk is full") if is_full else ("lost", f"the file cannot be read: {error}")
            self._fail(import_id, code, said)
        except sa.exc.SQLAlchemyError as error:
            if not isinstance(error, sa.exc.DBAPIError) or classify(error) is not Trouble.DATA:
                raise
            self._fail(import_id, "lost", f"the database refuses a row: {error.orig}")
        except Exception as error:
            # Whatever is wrong with one file, those behind it go on.
            log.exception("import %s", import_id)
            self._fail(import_id, "lost", f"it cannot be read: {type(error).__name__}: {error}")

    @contextmanager
    def _kept(self, import_id: str) -> Iterator[None]:
        """Says again and again that the import is held, on a thread: opening a large workbook takes a minute."""
        done = threading.Event()
        self.lost.clear()

        def keep() -> None:
            while not done.wait(KEEP_EVERY):
                self.last_turn = time.monotonic()
                try:
                    if not self.database.transact(loading.still_held, import_id, self.holder):
                        self.lost.set()
                        return
                except sa.exc.SQLAlchemyError as error:
                    log.warning("import %s could not be held: %s", import_id, error)

        keeper = threading.Thread(target=keep, name="keeper", daemon=True)
        keeper.start()
        try:
            yield
        finally:
            done.set()
            keeper.join()

    def _fail(self, import_id: str, code: str, message: str) -> None:
        log.warning("import %s: %s", import_id, message)
        self.database.transact(loading.fail, import_id, self.holder, code, message)

    def _examine(self, imported: Mapping[str, Any], path: Path) -> None:
        from services.capture.reading.examination import examine  # what it needs is large, and most days go without

        with self.database.read() as connection:
            mappings = store.imports.mappings(connection)
        asked = imported["found"].get("asked", {})
        looked = examine(path, asked, mappings, self._breathe)
        self.database.transact(loading.examined, imported["id"], self.holder, looked)

    def _load(self, imported: Mapping[str, Any], path: Path) -> None:
        from services.capture.reading import rows_of

        with self.database.read() as connection:
            form = store.forms.find(connection, imported["form_id"]) if imported["form_id"] else None
        if imported["form_id"] and form is None:
            raise Unreadable("lost", "the form of its leads is gone")
        load = loading.Load(
            imported, form, self.holder, plan_of(imported["found"], imported["plan"], imported["region"])
        )
        rows = self._from(imported["next_row"], rows_of(path, imported["found"]))
        pace = Pace(time.monotonic())
        while batch := list(islice(rows, BATCH)):
            self._wait_for_others()
            ready, refused = loading.read(load, batch)
            rate, next_row = pace.after(len(batch), time.monotonic()), batch[-1].number + 1
            if not self.database.transact(loading.store_rows, load, ready, refused, next_row, rate):
                raise _Stopped
            self._breathe()
        self.database.transact(loading.finish, load)
        log.info("import %s is in", imported["id"])

    def _distribute(self, imported: Mapping[str, Any]) -> None:
        load = loading.Load(imported, None, self.holder, Plan((), (), imported["region"]))
        pace = Pace(time.monotonic())
        with self.database.read() as connection:
            for batch in base_leads.chosen_contacts(connection, imported):
                connection.rollback()  # nothing is read any more: it must not hold a snapshot while rows go in
                self._wait_for_others()
                rate = pace.after(len(batch), time.monotonic())
                if not self.database.transact(base_leads.store_leads_of, load, batch, rate):
                    raise _Stopped
                self._breathe()
        self.database.transact(loading.finish, load)

    def _from(self, first: int, rows: Iterator[Row]) -> Iterator[Row]:
        """Rows from number `first` on; going past those before it takes a while in a large workbook."""
        for place, row in enumerate(rows):
            if row.number >= first:
                yield row
            elif place % BREATHE_EVERY == 0:
                self._breathe()

    def _wait_for_others(self) -> None:
        """Rows wait while capture has too much to tell others: a form's lead must not stand behind a million."""
        while self.outbox.waiting > self.settings.outbox_brake:
            self._breathe()
            self.stopping.wait(WAIT_SECONDS)

    def _breathe(self) -> None:
        """Goes on only while there is something to go on with.

        Raises:
            _Stopped
        """
        if self.stopping.is_set() or self.lost.is_set():
            raise _Stopped

    def _forget(self) -> None:
        with self.database.write() as transaction:
            store.imports.forget(transaction.connection, utc_now() - FORGET_AFTER, 100)


class Pace:
    """Rows a second over the last few seconds."""

    def __init__(self, now: float) -> None:
        self._turns: deque[tuple[float, int]] = deque([(now, 0)], maxlen=PACE_BATCHES)

    def after(self, rows: int, now: float) -> int:
        """The pace when `rows` more are done at `now`, in seconds."""
        self._turns.append((now, rows))
        seconds = now - self._turns[0][0]
        return round(sum(count for _, count in list(self._turns)[1:]) / seconds) if seconds > 0 else 0


@contextmanager
def _spooled(database: Database, import_id: str) -> Iterator[Path]:
    """The file in a place where it can be read to and fro, for as long as it is needed."""
    with tempfile.NamedTemporaryFile(prefix="rodizio-import-") as file:
        with database.read() as connection:
            for data in store.imports.parts(connection, import_id):
                file.write(zlib.decompress(data))
        file.flush()
        yield Path(file.name)


def open_loader(settings: Settings) -> Loader:
    """A loader on the settings' database and broker, which it publishes to; nothing runs yet."""
    database = open_database(OWNER, settings)
    publisher = Publisher(settings.amqp_url, f"{NAME} publisher")
    outbox = Outbox(database, publisher, settings.sweep_after_seconds, counted_to=settings.outbox_brake + 1)
    return Loader(
        settings, database, publisher, outbox, _holder(settings), threading.Event(), threading.Event(), time.monotonic()
    )


def _holder(settings: Settings) -> str:
    """The same after a restart, which then need not wait for what it held itself."""
    return str(uuid5(NAMESPACE_DNS, f"{platform.node()}:{settings.health_port_of(NAME)}"))


def main() -> None:
    """Runs until SIGTERM or SIGINT; ends within `stop_seconds` of it, whatever the broker does."""
    settings = Settings.load()
    logs.configure(NAME, settings.log_level)
    wait_migrated(OWNER, settings)
    os.nice(NICE)
    loader = open_loader(settings)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: loader.stopping.set())
    loader.publisher.start()
    loader.outbox.start()
    health.serve(loader, settings.health_host, settings.health_port_of(NAME))
    log.info("started", extra={"pid": os.getpid(), "database": loader.database.dialect})
    threading.Thread(target=_end_in_time, args=(loader.stopping, settings.stop_seconds), daemon=True).start()
    loader.run()
    loader.let_go()
    loader.publisher.stop()
    loader.outbox.stop()
    loader.database.close()


def _end_in_time(stopping: threading.Event, seconds: float) -> None:
    stopping.wait()
    time.sleep(seconds)
    os._exit(1)


if __name__ == "__main__":
    main()
