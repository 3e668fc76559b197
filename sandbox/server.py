"""`python -m sandbox.server`: the sandbox on its port, until SIGTERM."""

import logging
import signal
import threading

from werkzeug.serving import make_server

from runtime.settings import Settings
from sandbox.app import create_app


def main() -> None:
    """Serves until SIGTERM or Ctrl-C. Only on this machine: it believes whatever it is told."""
    settings = Settings.load()
    logging.getLogger("werkzeug").setLevel(logging.WARNING)
    # Werkzeug's threaded server, since it hands out the socket, without which no connection can be dropped on request.
    server = make_server("127.0.0.1", settings.sandbox_port, create_app(settings.var / "sandbox.db"), threaded=True)

    def stop(_signal: int, _frame: object) -> None:
        threading.Thread(target=server.shutdown, daemon=True).start()

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    server.serve_forever()
    server.server_close()


if __name__ == "__main__":
    main()
