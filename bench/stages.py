"""How far leads have come: counted by plain SQL in each owner's own database, read only."""

import sqlite3
from pathlib import Path
from typing import Any

from bench.ground import connect

_COUNTED = "select coalesce(sum(count), 0) from rollup where measure = "

STAGES = {
    "captured": ("capture", "select count(*) from lead"),
    "assigned": ("distribution", "select count(*) from work where state = 'assigned'"),
    "notified": ("notifications", "select count(*) from messages where channel = 'in_app' and state = 'sent'"),
    "opportunity open": ("campaigns", "select count(*) from opportunity where state = 'open'"),
    "task open": ("campaigns", "select count(*) from task where state = 'open'"),
    "counted as captured": ("reporting", _COUNTED + "'leads_captured'"),
    "counted as assigned": ("reporting", _COUNTED + "'leads_assigned'"),
    "counted as opened": ("reporting", _COUNTED + "'opportunities_opened'"),
    "counted as notified": ("reporting", _COUNTED + "'in_app_sent'"),
}
"""Whose database tells of a stage, and how many leads have reached it."""


class Ledgers:
    """Read-only connections to the databases of all owners.

    database_url: PostgreSQL with a schema per owner; empty: a SQLite file per owner below `var`.
    """

    def __init__(self, database_url: str, var: Path) -> None:
        self._url, self._var = database_url, var
        self._connections: dict[str, Any] = {}

    def ask(self, owner: str, query: str) -> int:
        """The one number that `query` gives in the database of `owner`."""
        cursor = self._connection(owner).cursor()
        cursor.execute(query)
        (number,) = cursor.fetchone()
        cursor.close()
        return int(number or 0)

    def reached(self, stage: str) -> int:
        """How many leads have reached `stage`."""
        return self.ask(*STAGES[stage])

    def reached_all(self) -> dict[str, int]:
        """How many leads have reached each stage."""
        return {stage: self.reached(stage) for stage in STAGES}

    def analyze(self) -> None:
        """Lets PostgreSQL look at what the tables hold now, as it would by itself a minute later."""
        if self._url:
            self._connection("capture").cursor().execute("analyze")

    def close(self) -> None:
        """Closes all connections."""
        for connection in self._connections.values():
            connection.close()

    def _connection(self, owner: str) -> Any:
        if owner not in self._connections:
            if self._url:
                self._connections[owner] = connect(self._url)
                self._connections[owner].cursor().execute(f"set search_path to {owner}")
            else:
                file = self._var / f"{owner}.db"
                self._connections[owner] = sqlite3.connect(f"file:{file}?mode=ro", uri=True, isolation_level=None)
        return self._connections[owner]
