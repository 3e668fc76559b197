"""gunicorn's configuration: `gunicorn -c python:gateway.gunicorn`.

Workers with threads and no eventlet. Each worker has its own publisher, made when the application is.
"""

import gc
import importlib
import os
import threading
from pathlib import Path
from typing import Any

from runtime import logs
from runtime.migrated import wait_migrated
from runtime.settings import Settings

_settings = Settings.load()
_metrics_folder = Path(_settings.var, "run", "metrics-gateway")
# Before anything imports the metrics library, which looks once.
os.environ.setdefault("PROMETHEUS_MULTIPROC_DIR", str(_metrics_folder.resolve()))

wsgi_app = "gateway.app:create_app()"
bind = f"{_settings.gateway_host}:{_settings.gateway_port}"
workers = _settings.gateway_workers
threads = _settings.gateway_threads
worker_class = "gateway.worker.PatientWorker"
logger_class = "gateway.worker.JsonLogger"
timeout = 30
graceful_timeout = max(1, int(_settings.stop_seconds) - 3)
keepalive = 15
backlog = 1024
limit_request_line = 8190
control_socket_disable = True


def on_starting(_server: Any) -> None:
    """Begins with empty metrics, on a database that has what is needed."""
    logs.configure("gateway", _settings.log_level)
    wait_migrated("gateway", _settings)
    folder = Path(os.environ["PROMETHEUS_MULTIPROC_DIR"])
    folder.mkdir(parents=True, exist_ok=True)
    for left_behind in folder.glob("*.db"):
        left_behind.unlink(missing_ok=True)
    # Read once here, the code is one copy for all workers; each makes an application of its own.
    importlib.import_module("gateway.app")
    gc.collect()
    gc.freeze()


def post_worker_init(worker: Any) -> None:
    """The worker's own logs."""
    from gateway import access

    logs.configure("gateway", _settings.log_level)
    access.start("gateway", _settings.log_level)
    gc.freeze()  # the application stays: nothing of it needs to be looked through again


def worker_exit(_server: Any, worker: Any) -> None:
    """Waits for what is on its way to the broker, not longer than it may."""
    from gateway.parts import EXTENSION

    watchdog = threading.Timer(4.0, os._exit, [0])
    watchdog.daemon = True
    watchdog.start()
    application = getattr(worker, "wsgi", None)
    if application is not None:
        parts = application.extensions[EXTENSION]
        parts.acceptance.publisher.stop(2.0)
        parts.database.close()


def child_exit(_server: Any, worker: Any) -> None:
    """Drops what only a living worker may say of itself."""
    from prometheus_client.multiprocess import mark_process_dead

    mark_process_dead(worker.pid)  # type: ignore[no-untyped-call]
