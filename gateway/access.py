"""One JSON line per request, and its metrics."""

import atexit
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import Any, NamedTuple, TextIO

import orjson

from gateway import metrics
from gateway.api.problem import CORRELATION
from gateway.paths import loggable

FLUSH_SECONDS = 0.2

_PARTS = (("/f/", "form"), ("/api/", "api"), ("/health/", "probe"), ("/metrics", "probe"))


class _Line(NamedTuple):
    at: float
    seconds: float
    status: str
    method: str
    path: str
    correlation_id: str


class Lines:
    """Writes lines a few times a second, all at once: a write per request, behind a lock that all threads share, would
    cost more than answering does. What a killed process had not written yet is lost; leads are not."""

    def __init__(self) -> None:
        self._waiting: deque[_Line] = deque()
        self._process = ""
        self._stream: TextIO = sys.stderr
        self.is_on = False

    def start(self, process: str, stream: TextIO) -> None:
        """Begins to write, in the process that answers."""
        self._process, self._stream, self.is_on = process, stream, True
        threading.Thread(target=self._run, name="access log", daemon=True).start()
        atexit.register(self.flush)

    def add(self, line: _Line) -> None:
        """Takes a line; needs no lock, for appending to a deque is one step."""
        self._waiting.append(line)

    def flush(self) -> None:
        """Writes what there is."""
        lines = [self._waiting.popleft() for _ in range(len(self._waiting))]
        if lines:
            self._stream.write("".join(map(self._written, lines)))
            self._stream.flush()

    def _written(self, line: _Line) -> str:
        document = {
            "event": "request",
            "level": "info",
            "timestamp": datetime.fromtimestamp(line.at, UTC).isoformat(timespec="milliseconds"),
            "process": self._process,
            "method": line.method,
            "path": line.path,
            "status": int(line.status),
            "ms": round(line.seconds * 1000, 2),
            "correlation_id": line.correlation_id,
        }
        return orjson.dumps(document, option=orjson.OPT_APPEND_NEWLINE).decode()

    def _run(self) -> None:
        while True:
            time.sleep(FLUSH_SECONDS)
            self.flush()


lines = Lines()


class AccessLog:
    """Wraps a WSGI application."""

    def __init__(self, application: Callable[..., Iterable[bytes]]) -> None:
        self._application = application
        self._seconds = {part: metrics.REQUEST_SECONDS.labels(part) for part in ("form", "api", "probe", "web")}

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        started = time.perf_counter()
        status = "500"

        def noting(status_line: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Any:
            nonlocal status
            status = status_line[:3]
            return start_response(status_line, headers, exc_info) if exc_info else start_response(status_line, headers)

        try:
            return self._application(environ, noting)
        finally:
            seconds = time.perf_counter() - started
            path = environ.get("PATH_INFO", "")
            part = part_of(path)
            metrics.REQUESTS.labels(part, status).inc()
            self._seconds[part].observe(seconds)
            if lines.is_on and part != "probe":
                method, correlation_id = environ.get("REQUEST_METHOD", ""), environ.get(CORRELATION, "")
                lines.add(_Line(time.time(), seconds, status, method, loggable(path), correlation_id))


def part_of(path: str) -> str:
    """Which part of the gateway a path belongs to: few values, for metrics."""
    return next((part for prefix, part in _PARTS if path.startswith(prefix)), "web")


def start(process: str, level: str) -> None:
    """Begins to write the access log, unless only warnings are wanted."""
    if level in ("DEBUG", "INFO"):
        lines.start(process, sys.stderr)
