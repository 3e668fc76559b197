"""Whether an owner's database has what this version needs; read without Alembic, which only migrating needs."""

import logging
import re
import signal
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

import sqlalchemy as sa

from runtime.database import Database, open_database
from runtime.settings import Settings
from runtime.trouble import Trouble, classify

log = logging.getLogger(__name__)

ASK_EVERY = 1.0
SAY_EVERY = 30.0


def folder_of(owner: str) -> Path:
    """The folder of an owner's migrations: that of `services.<owner>`, or of `<owner>` outside the services."""
    for name in (f"services.{owner}", owner):
        found = find_spec(name)
        if found is not None and found.origin is not None:
            return Path(found.origin).parent / "migrations"
    raise LookupError(f"there is no package of {owner}")


def newest(owner: str) -> int:
    """The number of the newest migration that this version knows."""
    numbers = [re.match(r"\d+", path.name) for path in folder_of(owner).glob("[0-9]*.py")]
    return max((int(number[0]) for number in numbers if number), default=0)


def shortfall(database: Database, needed: int) -> str:
    """What the database lacks, in words; empty when it has migration number `needed`, or more: an older version goes on
    working while a newer one's migrations are applied, and after."""
    try:
        with database.read() as connection:
            known = connection.execute(sa.text("select version_num from alembic_version")).scalar()
    except sa.exc.SQLAlchemyError as error:
        if classify(error) is Trouble.OUTAGE:
            return "the database does not answer"
        known = None
    if known is not None and int(known) >= needed:
        return ""
    return f"its database is at {known or 'nothing'}, this version needs {needed:04d}: run `rodizio migrate`"


def wait_migrated(owner: str, settings: Settings) -> None:
    """Returns when the owner's database has what this version needs; says in the log what it waits for. A service that
    began earlier would take what the database cannot hold yet for bad facts."""
    needed, database, said = newest(owner), open_database(owner, settings), 0.0
    try:
        with _ended_by_signals():
            while lacking := shortfall(database, needed):
                if not said or time.monotonic() - said >= SAY_EVERY:
                    said = time.monotonic()
                    log.warning("waiting: %s", lacking)
                time.sleep(ASK_EVERY)
    finally:
        database.close()


@contextmanager
def _ended_by_signals() -> Iterator[None]:
    """The first process of a container is ended by SIGTERM only when it says so."""
    if threading.current_thread() is not threading.main_thread() or signal.getsignal(signal.SIGTERM) != signal.SIG_DFL:
        yield
        return
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
