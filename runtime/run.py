"""`python -m runtime.run <service>`: one service in one process, on nameko's own runner.

nameko's command line is passed by: it needs a package that newer Pythons no longer have, and its shutdown has no bound.
"""

import eventlet

eventlet.monkey_patch()

import fcntl  # noqa: E402
import gc  # noqa: E402
import importlib  # noqa: E402
import logging  # noqa: E402
import os  # noqa: E402
import signal  # noqa: E402
import sys  # noqa: E402
from typing import Any  # noqa: E402

from eventlet import patcher  # noqa: E402
from nameko.runners import ServiceRunner  # noqa: E402

from contracts.catalogue import SERVICES  # noqa: E402
from runtime import health, logs  # noqa: E402
from runtime.migrated import wait_migrated  # noqa: E402
from runtime.service import SETTINGS, BusExtension  # noqa: E402
from runtime.settings import Settings  # noqa: E402

log = logging.getLogger(__name__)


def main(service: str) -> None:
    """Runs `service` until SIGTERM or SIGINT; ends within `stop_seconds` of it, whatever the broker does."""
    try:
        settings = Settings.load()
    except ValueError as error:
        raise SystemExit(str(error)) from None
    logs.configure(service, settings.log_level)
    lock = _only_one(service, settings)
    wait_migrated(service, settings)
    runner = ServiceRunner(_configuration(settings))
    runner.add_service(_class_of(service))
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: eventlet.spawn_n(_stop, runner, settings.stop_seconds))
    runner.start()
    (container,) = runner.containers
    bus = next(extension for extension in container.subextensions if isinstance(extension, BusExtension)).bus
    health.serve(bus, settings.health_host, settings.health_port_of(service))
    gc.freeze()  # what is here now stays: to look through all of it would stop a lead for a tenth of a second
    log.info("started", extra={"pid": os.getpid(), "database": bus.database.dialect})
    runner.wait()
    del lock


def _configuration(settings: Settings) -> dict[str, Any]:
    return {
        "AMQP_URI": settings.amqp_url,
        "HEARTBEAT": 20,
        "max_workers": 10,
        "parent_calls_tracked": 1,
        SETTINGS: settings,
    }


def _class_of(service: str) -> type:
    module = importlib.import_module(f"services.{service}.service")
    classes = [
        value for value in vars(module).values() if isinstance(value, type) and vars(value).get("name") == service
    ]
    if len(classes) != 1:
        raise SystemExit(f"services/{service}/service.py must hold one class whose name is {service!r}")
    return classes[0]


def _only_one(service: str, settings: Settings) -> Any:
    """On SQLite holds the service's lock file; several replicas are for PostgreSQL."""
    if settings.database_url:
        return None
    settings.var.mkdir(parents=True, exist_ok=True)
    lock = (settings.var / f"{service}.lock").open("a+")
    for _ in range(50):  # a predecessor may be ending
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            eventlet.sleep(0.1)
        else:
            return lock
    raise SystemExit(
        f"another {service} process already uses {settings.var}/{service}.db. SQLite takes one replica of each "
        "service: set RODIZIO_DATABASE_URL to a PostgreSQL database to run several."
    )


def _stop(runner: ServiceRunner, seconds: float) -> None:
    log.info("stopping")
    # A real thread: when the broker is away a green one might wait for the same thing as everybody else.
    watchdog = patcher.original("threading").Timer(seconds, _give_up)
    watchdog.daemon = True
    watchdog.start()
    runner.stop()


def _give_up() -> None:
    os.write(2, b'{"event": "did not stop in time; unfinished work will be delivered again", "level": "warning"}\n')
    os._exit(1)


if __name__ == "__main__":
    if len(sys.argv) != 2 or sys.argv[1] not in SERVICES:
        raise SystemExit(f"usage: python -m runtime.run {{{'|'.join(SERVICES)}}}")
    main(sys.argv[1])
