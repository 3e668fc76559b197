"""One JSON line per request, and its metrics."""

import logging
import time
from collections.abc import Callable, Iterable
from typing import Any

import orjson

from gateway import metrics
from gateway.api.resource import CORRELATION

log = logging.getLogger("gateway.access")

_PARTS = (("/f/", "form"), ("/api/", "api"), ("/health/", "probe"), ("/metrics", "probe"))


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
            part = part_of(environ.get("PATH_INFO", ""))
            metrics.REQUESTS.labels(part, status).inc()
            self._seconds[part].observe(seconds)
            if part != "probe" and log.isEnabledFor(logging.INFO):
                log.info("request", extra={"request": _described(environ, status, seconds)})


def part_of(path: str) -> str:
    """Which part of the gateway a path belongs to: few values, for metrics."""
    return next((part for prefix, part in _PARTS if path.startswith(prefix)), "web")


def _described(environ: dict[str, Any], status: str, seconds: float) -> dict[str, Any]:
    return {
        "method": environ.get("REQUEST_METHOD", ""),
        "path": environ.get("PATH_INFO", ""),
        "status": int(status),
        "ms": round(seconds * 1000, 2),
        "correlation_id": environ.get(CORRELATION, ""),
    }


class AccessFormatter(logging.Formatter):
    """A line of the access log: the general renderer costs several times as much, and there is a line per lead."""

    def __init__(self, process: str) -> None:
        super().__init__()
        self._process = process

    def format(self, record: logging.LogRecord) -> str:
        at = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created))
        line = {
            "event": "request",
            "level": "info",
            "timestamp": f"{at}.{int(record.msecs):03d}Z",
            "process": self._process,
            **record.__dict__["request"],
        }
        return orjson.dumps(line).decode()


def configure(process: str) -> None:
    """Gives the access log its own renderer; call it after `runtime.logs.configure`."""
    handler = logging.StreamHandler()
    handler.setFormatter(AccessFormatter(process))
    log.handlers[:] = [handler]
    log.propagate = False
