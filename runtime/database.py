"""One database per owner: a SQLite file, or a schema of a PostgreSQL database."""

import random
import select
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from functools import partial
from typing import Any, Concatenate, ParamSpec, TypeVar

import orjson
import psycopg2
import psycopg2.extensions
import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine

from contracts.message import Lane
from runtime.settings import Settings
from runtime.transaction import Transaction
from runtime.trouble import Trouble, classify, took_too_long
from runtime.wire import Outgoing

P = ParamSpec("P")
T = TypeVar("T")

ATTEMPTS_ON_CONFLICT = 12
ATTEMPTS_ON_UNIQUE = 3
"""A race for a unique value is settled by the second attempt; what fails a third time is no race."""


class Database:
    """The database of one owner.

    owner: whose it is; names the file or schema.
    sweep_after_seconds: see `runtime.outbox.Outbox`.
    on_committed: told, after each commit, what the transaction emitted.
    """

    def __init__(self, owner: str, engine: Engine, sweep_after_seconds: float = 10.0) -> None:
        self.owner = owner
        self.engine = engine
        self._sweep_after = timedelta(seconds=sweep_after_seconds)
        self.dialect = engine.dialect.name
        self.on_committed: Callable[[list[Outgoing]], None] = lambda outgoing: None
        # One writer at a time per process: under eventlet a write transaction that yields would wait for itself.
        self._writer = threading.RLock() if self.dialect == "sqlite" else None

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """A connection for reading."""
        with self.engine.connect() as connection:
            yield connection

    @contextmanager
    def write(self, *, lane: Lane = "live", hops: int = 0, cause: str = "") -> Iterator[Transaction]:
        """A transaction, committed at the end of the block; what it emitted is published after the commit.

        lane, hops, cause: inherited by what is emitted.
        """
        if self._writer:
            self._writer.acquire()
        try:
            with self.engine.connect().execution_options(writes=True) as connection:
                transaction = Transaction(
                    connection, self.owner, lane=lane, hops=hops, cause=cause, sweep_after=self._sweep_after
                )
                with connection.begin():
                    yield transaction
                    outgoing = transaction.flush()
        finally:
            if self._writer:
                self._writer.release()
        if outgoing:
            self.on_committed(outgoing)
        for act in transaction.afterwards:
            act()

    def transact(self, use_case: Callable[Concatenate[Transaction, P], T], *arguments: P.args, **named: P.kwargs) -> T:
        """Runs `use_case(transaction, …)` and commits; a conflict with another transaction runs it again.

        Raises:
            whatever the use case raises, and the database's error when it stays in conflict.
        """
        attempt = 0
        while True:
            try:
                with self.write() as transaction:
                    return use_case(transaction, *arguments, **named)
            except sa.exc.DBAPIError as error:
                attempt += 1
                if not worth_repeating(error, attempt):
                    raise
            time.sleep(pause_after_conflict(attempt))

    def close(self) -> None:
        """Gives all connections back."""
        self.engine.dispose()


def worth_repeating(error: BaseException, attempt: int) -> bool:
    """Whether a transaction that failed `attempt` times, now with `error`, may succeed when run again at once. What
    took too long would do so once more, long after whoever asked for it has given up."""
    if classify(error) is not Trouble.CONFLICT or took_too_long(error):
        return False
    return attempt < (ATTEMPTS_ON_UNIQUE if isinstance(error, sa.exc.IntegrityError) else ATTEMPTS_ON_CONFLICT)


def pause_after_conflict(attempt: int) -> float:
    """Seconds to wait before attempt number `attempt + 1`: doubling from 5 ms to 500 ms, with jitter."""
    return float(min(0.5, 0.005 * 2**attempt) * random.uniform(0.5, 1.0))


def open_database(owner: str, settings: Settings) -> Database:
    """The database of `owner` as the settings say; connects lazily."""
    if settings.database_url:
        return Database(owner, _postgresql(owner, settings), settings.sweep_after_seconds)
    settings.var.mkdir(parents=True, exist_ok=True)
    return Database(owner, _sqlite(settings.var / f"{owner}.db"), settings.sweep_after_seconds)


def _postgresql(owner: str, settings: Settings) -> Engine:
    psycopg2.extensions.set_wait_callback(partial(_wait, 1.5 * settings.sql_timeout_seconds))
    url = sa.make_url(settings.database_url).set(drivername="postgresql+psycopg2")
    milliseconds = int(settings.sql_timeout_seconds * 1000)
    options = (
        f"-c search_path={owner} -c statement_timeout={milliseconds} -c lock_timeout={milliseconds // 2}"
        f" -c idle_in_transaction_session_timeout={3 * milliseconds} -c timezone=UTC"
    )
    return sa.create_engine(
        url,
        connect_args={
            "options": options,
            "connect_timeout": 5,
            "tcp_user_timeout": milliseconds,
            "keepalives_idle": 10,
            "keepalives_interval": 5,
            "keepalives_count": 3,
            "application_name": f"rodizio-{owner}",
        },
        pool_size=10,
        max_overflow=5,
        pool_timeout=settings.sql_timeout_seconds,
        json_serializer=_dumps,
        json_deserializer=orjson.loads,
        use_insertmanyvalues=True,
        insertmanyvalues_page_size=1000,
    )


def _wait(seconds: float, connection: Any) -> None:
    """Waits for PostgreSQL, and not for ever: the server's own time-outs are no use when it is the one that hangs."""
    deadline = time.monotonic() + seconds
    while (state := connection.poll()) != psycopg2.extensions.POLL_OK:
        reads = [connection] if state == psycopg2.extensions.POLL_READ else []
        writes = [connection] if state == psycopg2.extensions.POLL_WRITE else []
        if not any(_ready(reads, writes, max(0.0, deadline - time.monotonic()))):
            raise psycopg2.OperationalError(f"PostgreSQL did not answer within {seconds:g} s")


def _ready(reads: list[Any], writes: list[Any], seconds: float) -> Any:
    if not hasattr(select, "poll"):  # under eventlet, where select lets the other green threads run
        return select.select(reads, writes, [], seconds)
    poller = select.poll()  # knows no limit on the number of a descriptor
    for one in reads:
        poller.register(one, select.POLLIN)
    for one in writes:
        poller.register(one, select.POLLOUT)
    return poller.poll(seconds * 1000)


def _sqlite(path: Any) -> Engine:
    engine = sa.create_engine(
        f"sqlite:///{path}",
        # Short: a long C-level wait would stop every green thread of the process. The retry is ours.
        connect_args={"timeout": 0.2, "check_same_thread": False},
        pool_size=10,
        max_overflow=5,
        pool_timeout=10,
        json_serializer=_dumps,
        json_deserializer=orjson.loads,
        skip_autocommit_rollback=False,
    )
    sa.event.listen(engine, "connect", _prepare_sqlite)
    sa.event.listen(engine, "begin", _begin_sqlite)
    return engine


def _prepare_sqlite(connection: sqlite3.Connection, _record: object) -> None:
    connection.isolation_level = None  # we say BEGIN ourselves
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=FULL")
    connection.execute("PRAGMA foreign_keys=ON")
    connection.execute("PRAGMA cache_size=-16000")
    connection.execute("PRAGMA temp_store=MEMORY")


def _begin_sqlite(connection: Connection) -> None:
    # A reader that later writes would fail with "database is locked" at once: writers say so from the start.
    immediate = connection.get_execution_options().get("writes", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if immediate else "BEGIN")


def _dumps(value: Any) -> str:
    return orjson.dumps(value).decode()
