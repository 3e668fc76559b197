"""The ground both sides stand on: one private broker and one private PostgreSQL, with their default settings."""

import shutil
import tempfile
from pathlib import Path
from typing import Self

import psycopg2

from bench.measure import say
from runtime.postgres import PostgresCluster
from runtime.rabbitmq import RabbitNode


class Ground:
    """Starts both below a folder that is removed at the end; gives out fresh vhosts and databases."""

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="rodizio-bench-"))
        self.folder.chmod(0o755)  # PostgreSQL may have to run as an account of its own
        self._broker = RabbitNode(self.folder / "broker")
        self._postgresql = PostgresCluster(self.folder / "postgresql")
        self._given = 0

    def __enter__(self) -> Self:
        say("starting a broker and a PostgreSQL of our own")
        try:
            self._broker.start()
            self._postgresql.start()
        except BaseException:
            self._stop()
            raise
        return self

    def __exit__(self, *_error: object) -> None:
        self._stop()

    def _stop(self) -> None:
        self._postgresql.stop()
        self._broker.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def vhost(self, name: str) -> str:
        """AMQP address of a new virtual host."""
        unique = self._unique(name)
        self._broker.add_vhost(unique)
        return self._broker.url(unique)

    def postgresql(self, name: str) -> str:
        """Address of a new, empty PostgreSQL database, as psycopg2 takes it."""
        return self._postgresql.create_database(self._unique(name)).replace("postgresql+psycopg2:", "postgresql:")

    def logs(self, name: str) -> Path:
        """A new folder, for logs or files."""
        folder = self.folder / self._unique(name)
        folder.mkdir()
        return folder

    @property
    def broker_pid(self) -> int:
        """Process id of the broker."""
        pid = self._broker.pid()
        if pid is None:
            raise RuntimeError("the broker has ended")
        return pid

    @property
    def postgresql_pid(self) -> int:
        """Process id of PostgreSQL's first process."""
        return int((self._postgresql.folder / "data" / "postmaster.pid").read_text().split()[0])

    def _unique(self, name: str) -> str:
        self._given += 1
        return f"{name}_{self._given}"


def connect(url: str) -> "psycopg2.extensions.connection":
    """A connection of the bench's own, each statement a transaction."""
    connection = psycopg2.connect(url)
    connection.autocommit = True
    return connection
