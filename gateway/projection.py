"""`python -m gateway.projection`: keeps the gateway's own database.

Takes over what capture tells of its forms, and publishes what the gateway held while the broker was away: held
submissions are rows of the gateway's outbox, which this process sweeps.
"""

import logging
import os
import signal
import threading

from contracts.capture import FORM_CHANGED, FormChanged
from gateway import store
from runtime import health, logs
from runtime.bus import Bus
from runtime.database import Database, open_database
from runtime.inbox import Subscription
from runtime.migrated import wait_migrated
from runtime.settings import Settings
from runtime.topology import LANES
from runtime.transaction import Transaction

log = logging.getLogger(__name__)

OWNER = "gateway"


def handle_forms(transaction: Transaction, states: list[FormChanged]) -> None:
    """Takes over the forms' states that are newer than those known."""
    store.apply_forms(transaction, states)


def subscriptions() -> list[Subscription]:
    """What the gateway listens to."""
    return [Subscription(FORM_CHANGED, FORM_CHANGED.queue(OWNER, lane), lane, handle_forms) for lane in LANES]


def start(database: Database, settings: Settings) -> Bus:
    """Begins to consume and to sweep, on threads of its own."""
    return Bus(database, subscriptions(), settings).start()


def main() -> None:
    """Runs until SIGTERM or SIGINT; ends within `stop_seconds` of it, whatever the broker does."""
    settings = Settings.load()
    logs.configure("gateway-projection", settings.log_level)
    wait_migrated(OWNER, settings)
    stopping = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopping.set())
    bus = start(open_database(OWNER, settings), settings)
    health.serve(bus, settings.health_host, settings.health_port_of(OWNER))
    log.info("started", extra={"pid": os.getpid(), "database": bus.database.dialect})
    stopping.wait()
    watchdog = threading.Timer(settings.stop_seconds, os._exit, [1])
    watchdog.daemon = True
    watchdog.start()
    bus.stop()


if __name__ == "__main__":
    main()
