"""`python -m sandbox.server`: the sandbox on its port, until SIGTERM."""

import logging
import signal
import threading
from pathlib import Path
from typing import Any

from werkzeug.serving import BaseWSGIServer, WSGIRequestHandler, make_server

from runtime.ports import LOOPBACK
from runtime.settings import Settings
from sandbox.app import create_app
from sandbox.callbacks import Gateway
from sandbox.signing import private_key


class _Handler(WSGIRequestHandler):
    def connection_dropped(self, error: BaseException, environ: dict[str, Any] | None = None) -> None:
        self.close_connection = True  # there is nothing left to read the next request from


def server(port: int, ledger: Path, gateway: Gateway | None = None, host: str = LOOPBACK) -> BaseWSGIServer:
    """The sandbox bound to a port, 0 for any, of this machine unless told otherwise: it believes whatever it is told.

    Werkzeug's threaded server, since it hands out the socket, without which no connection can be dropped on request.
    """
    return make_server(host, port, create_app(ledger, gateway), threaded=True, request_handler=_Handler)


def main() -> None:
    """Serves until SIGTERM or Ctrl-C; a request that stalls then does not hold up the end."""
    settings = Settings.load()
    logging.getLogger("werkzeug").setLevel(logging.WARNING)
    key = private_key(settings.sandbox_key) if settings.sandbox_key else None
    token = settings.twilio_auth_token if settings.sms_is_pretended else ""
    gateway = Gateway(settings.local_address, settings.address, token, key)
    serving = server(settings.sandbox_port, settings.var / "sandbox.db", gateway, settings.sandbox_host)

    def stop(_signal: int, _frame: object) -> None:
        threading.Thread(target=serving.shutdown, daemon=True).start()

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    serving.serve_forever()
    serving.server_close()


if __name__ == "__main__":
    main()
