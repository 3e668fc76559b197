"""What went wrong, and therefore what to do: split the batch, try again, or wait for the database."""

import enum
import sqlite3

import sqlalchemy as sa


class Trouble(enum.Enum):
    """DATA: this input cannot be handled. CONFLICT: another transaction was in the way. OUTAGE: no database."""

    DATA = "data"
    CONFLICT = "conflict"
    OUTAGE = "outage"


_CONFLICT_STATES = {"40001", "40P01", "55P03", "23505", "57014"}  # serialisation, deadlock, lock, unique race, timeout
_OUTAGE_CLASSES = ("08", "53", "57P", "58", "XX", "25006")
_SQLITE_CONFLICT = ("SQLITE_BUSY", "SQLITE_LOCKED", "SQLITE_CONSTRAINT_UNIQUE", "SQLITE_CONSTRAINT_PRIMARYKEY")
_SQLITE_OUTAGE = (
    "SQLITE_IOERR",
    "SQLITE_FULL",
    "SQLITE_CANTOPEN",
    "SQLITE_READONLY",
    "SQLITE_CORRUPT",
    "SQLITE_NOTADB",
)


def classify(error: BaseException) -> Trouble:
    """Tells an error of the data from a conflict and from an outage."""
    if isinstance(error, sa.exc.TimeoutError):
        return Trouble.OUTAGE  # no connection could be had from the pool
    if not isinstance(error, sa.exc.DBAPIError):
        return Trouble.DATA
    if error.connection_invalidated:
        return Trouble.OUTAGE
    original = error.orig
    if isinstance(original, sqlite3.Error):
        return _classify_sqlite(getattr(original, "sqlite_errorname", "") or "")
    return _classify_postgresql(error, getattr(original, "pgcode", None))


def _classify_sqlite(name: str) -> Trouble:
    if name.startswith(_SQLITE_CONFLICT):
        return Trouble.CONFLICT
    if name.startswith(_SQLITE_OUTAGE):
        return Trouble.OUTAGE
    return Trouble.DATA


def _classify_postgresql(error: sa.exc.DBAPIError, state: str | None) -> Trouble:
    if state is None:
        is_outage = isinstance(error, sa.exc.OperationalError | sa.exc.InterfaceError)
        return Trouble.OUTAGE if is_outage else Trouble.DATA
    if state in _CONFLICT_STATES:
        return Trouble.CONFLICT
    return Trouble.OUTAGE if state.startswith(_OUTAGE_CLASSES) else Trouble.DATA


def took_too_long(error: BaseException) -> bool:
    """Whether PostgreSQL cancelled a statement at its time limit: half the data may take half the time."""
    return isinstance(error, sa.exc.DBAPIError) and getattr(error.orig, "pgcode", None) == "57014"
