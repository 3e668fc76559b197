"""What was accepted, one row each, in a SQLite file of the sandbox's own."""

import json
import sqlite3
import threading
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

_SCHEMA = """
CREATE TABLE IF NOT EXISTS accepted (
    id INTEGER PRIMARY KEY,
    provider TEXT NOT NULL,
    provider_id TEXT NOT NULL,
    recipient TEXT NOT NULL,
    sender TEXT NOT NULL,
    subject TEXT NOT NULL,
    body TEXT NOT NULL,
    reference TEXT NOT NULL,
    custom TEXT NOT NULL,
    accepted_at TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS accepted_recipient ON accepted (recipient, id);
CREATE INDEX IF NOT EXISTS accepted_reference ON accepted (reference, id);
CREATE INDEX IF NOT EXISTS accepted_provider_id ON accepted (provider_id);
"""


class Ledger:
    """Accepted messages, in the order they came. Safe from several threads; survives the process."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._lock = threading.Lock()
        self._connection = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
        self._connection.row_factory = sqlite3.Row
        # No fsync for each message: a stand-in has to survive its own crash, not a power cut.
        self._connection.executescript("PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;" + _SCHEMA)

    def add(
        self,
        provider: str,
        provider_id: str,
        recipient: str,
        *,
        sender: str,
        subject: str,
        body: str,
        reference: str,
        custom: Mapping[str, Any],
    ) -> None:
        """Writes one accepted message.

        Args:
            reference: the sender's own id of it, as far as it can be told; by it duplicates are counted.
            custom: everything else that came along.
        """
        values = (provider, provider_id, recipient, sender, subject, body, reference, json.dumps(custom), _now())
        with self._lock:
            self._connection.execute(
                "INSERT INTO accepted (provider, provider_id, recipient, sender, subject, body, reference, custom,"
                " accepted_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                values,
            )

    def rows(
        self,
        *,
        recipient: str = "",
        reference: str = "",
        provider: str = "",
        provider_id: str = "",
        since: str = "",
        until: str = "",
        after: int = 0,
        limit: int = 1000,
    ) -> list[dict[str, Any]]:
        """Accepted messages, oldest first, narrowed by what is given.

        Args:
            since, until: ISO 8601 texts, compared with when the message was accepted; until is exclusive.
            after: only rows with a greater id, for paging.
        """
        wanted = [
            ("recipient = ?", recipient), ("reference = ?", reference), ("provider = ?", provider),
            ("provider_id = ?", provider_id), ("accepted_at >= ?", since), ("accepted_at < ?", until),
        ]  # fmt: skip
        conditions = ["id > ?", *(condition for condition, value in wanted if value)]
        values: list[Any] = [after, *(value for _, value in wanted if value), limit]
        query = f"SELECT * FROM accepted WHERE {' AND '.join(conditions)} ORDER BY id LIMIT ?"  # noqa: S608 - constants
        with self._lock:
            found = self._connection.execute(query, values).fetchall()
        return [{**dict(row), "custom": json.loads(row["custom"])} for row in found]


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="microseconds")
