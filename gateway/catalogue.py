"""Forms by key, compiled, kept in memory for a moment: a post does not wait for the database."""

import logging
import threading
import time
from dataclasses import dataclass

import sqlalchemy as sa

from contracts import limits
from contracts.capture import FormChanged
from gateway import store
from gateway.forms import Form, compile_form
from runtime.database import Database, pause_after_conflict, worth_repeating
from runtime.errors import Unavailable

log = logging.getLogger(__name__)

FRESH_SECONDS = 2.0
"""How long a form is used without looking whether it has changed."""

KEPT_SECONDS = 10.0
"""How long a form is used without looking after the database could not be read."""

UNKNOWN_AT_ONCE = 2
"""How many keys that are not in memory are looked up at a time: a hanging database keeps no more threads than that."""

UNKNOWN_WAIT_SECONDS = 0.5
"""How long the others wait for their turn."""

MAX_FORMS = 10_000
ATTEMPTS = 6


@dataclass(slots=True)
class _Entry:
    form: Form
    fresh_until: float
    is_refreshing: bool = False


class FormCatalogue:
    """Forms of the gateway's own database. Unknown keys are asked for every time, so that a new form works at once."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._entries: dict[str, _Entry] = {}
        self._lock = threading.Lock()  # never held while the database is asked
        self._turns = threading.BoundedSemaphore(UNKNOWN_AT_ONCE)

    def find(self, key: str) -> Form | None:
        """The active form that answers to `key`.

        Raises:
            Unavailable: the form is not in memory and the database is away, or busy with other unknown keys.
        """
        entry = self._entries.get(key)
        if entry is None:
            return None if len(key) > limits.FORM_KEY else self._find_unknown(key)
        if entry.fresh_until > time.monotonic():
            return entry.form
        with self._lock:
            if entry.is_refreshing or entry.fresh_until > time.monotonic():
                return entry.form  # one asks, the others go on with the old one meanwhile
            entry.is_refreshing = True
        try:
            return self._load(key, entry)
        finally:
            entry.is_refreshing = False

    def _find_unknown(self, key: str) -> Form | None:
        if not self._turns.acquire(timeout=UNKNOWN_WAIT_SECONDS):
            raise Unavailable("the gateway's database is slow to answer")
        try:
            entry = self._entries.get(key)  # somebody may have found it meanwhile
            return entry.form if entry is not None else self._load(key, None)
        finally:
            self._turns.release()

    def _load(self, key: str, known: _Entry | None) -> Form | None:
        try:
            state = self._read(key)
        except sa.exc.SQLAlchemyError as error:
            log.warning("form %s could not be read%s: %s", key, ", the old one serves" if known else "", error)
            if known is None:
                raise Unavailable("the gateway's database does not answer") from error
            known.fresh_until = time.monotonic() + KEPT_SECONDS
            return known.form
        if state is None or not state.active:
            self._entries.pop(key, None)
            return None
        if known is not None and (known.form.form_id, known.form.version) == (state.form_id, state.subject_version):
            known.fresh_until = time.monotonic() + FRESH_SECONDS
            return known.form
        form = compile_form(state)
        if len(self._entries) >= MAX_FORMS:
            self._entries.clear()
        self._entries[key] = _Entry(form, time.monotonic() + FRESH_SECONDS)
        return form

    def _read(self, key: str) -> FormChanged | None:
        for attempt in range(1, ATTEMPTS):
            try:
                with self._database.read() as connection:
                    return store.form_by_key(connection, key)
            except sa.exc.DBAPIError as error:
                # The first connections to a SQLite file may find it locked for a moment.
                if not worth_repeating(error, attempt):
                    raise
            time.sleep(pause_after_conflict(attempt))
        with self._database.read() as connection:
            return store.form_by_key(connection, key)
