"""gunicorn's threaded worker, with a limit on how long a request may take to arrive."""

import logging
import socket
import threading
import time
from typing import Any

from gunicorn.glogging import Logger
from gunicorn.workers.gthread import ThreadWorker

READ_SECONDS = 15.0
"""A request that has not arrived and been answered by then is read no further: a client that sends a byte now and then
would keep a thread for as long as it likes."""

_serving = threading.local()


def went_on() -> None:
    """Gives the request in hand READ_SECONDS from now on: for a long body of somebody who may send one, each part of
    which is to arrive in that time."""
    if renew := getattr(_serving, "renew", None):
        renew()


class PatientWorker(ThreadWorker):  # type: ignore[misc]
    """Stops reading from connections that keep a thread too long; what is being answered is still answered."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._busy: dict[Any, float] = {}

    def handle(self, conn: Any) -> Any:
        """Handles one request, on a thread of the pool."""
        self._busy[conn] = time.monotonic()
        _serving.renew = lambda: self._renew(conn)
        try:
            return super().handle(conn)
        finally:
            self._busy.pop(conn, None)

    def _renew(self, conn: Any) -> None:
        if conn in self._busy:  # else it was cut off already
            self._busy[conn] = time.monotonic()

    def murder_pending(self) -> None:
        """Called at every turn of the worker's loop, at least once a second."""
        super().murder_pending()
        overdue = time.monotonic() - READ_SECONDS
        for conn, since in list(self._busy.items()):
            if since < overdue:
                self._busy.pop(conn, None)
                try:
                    conn.sock.shutdown(socket.SHUT_RD)
                except OSError:
                    self.log.debug("a slow connection closed by itself")


class JsonLogger(Logger):  # type: ignore[misc]
    """gunicorn's own messages go where all others go."""

    def setup(self, cfg: Any) -> None:
        super().setup(cfg)
        self.error_log.handlers[:] = []
        self.error_log.propagate = True
        self.error_log.setLevel(logging.INFO)
