"""Health and metrics of a process over HTTP: /health/live, /health/ready, /metrics."""

import logging
import socketserver
import threading
from collections.abc import Callable, Iterable
from typing import Any, Protocol
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

import orjson
from prometheus_client import make_wsgi_app

from runtime.bus import Readiness

log = logging.getLogger(__name__)


class Probed(Protocol):
    """What can say how it is."""

    def is_alive(self) -> bool:
        """Whether it should go on; if not, it is ended and started anew."""

    def readiness(self) -> Readiness:
        """Whether it can work."""


class _Server(socketserver.ThreadingMixIn, WSGIServer):
    daemon_threads = True
    allow_reuse_address = True


class _Quiet(WSGIRequestHandler):
    timeout = 5

    def log_message(self, *_arguments: Any) -> None:
        """Probes are not worth a log line."""


def serve(bus: Probed, host: str, port: int) -> WSGIServer:
    """Answers probes on a thread of its own until the process ends."""
    server = make_server(host, port, _application(bus), server_class=_Server, handler_class=_Quiet)
    threading.Thread(target=server.serve_forever, name="health", daemon=True).start()
    return server


def _application(bus: Probed) -> Callable[..., Iterable[bytes]]:
    metrics = make_wsgi_app()

    def application(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        match environ["PATH_INFO"]:
            case "/metrics":
                return metrics(environ, start_response)
            case "/health/live":
                problems = [] if bus.is_alive() else ["the consumer's loop does not come round"]
            case "/health/ready":
                problems = bus.readiness().problems
            case _:
                start_response("404 Not Found", [("Content-Type", "text/plain")])
                return [b"/health/live /health/ready /metrics\n"]
        status = "503 Service Unavailable" if problems else "200 OK"
        start_response(status, [("Content-Type", "application/json")])
        return [orjson.dumps({"ok": not problems, "problems": problems})]

    return application
