"""Somebody else's service, written against stock nameko alone: it prints what it hears, a JSON line for each event.

`python stock_listener.py AMQP_URL`
"""

import eventlet

eventlet.monkey_patch()

import json  # noqa: E402
import sys  # noqa: E402
from typing import Any  # noqa: E402

from nameko.events import event_handler  # noqa: E402
from nameko.runners import ServiceRunner  # noqa: E402


class ListenerService:
    name = "listener"

    @event_handler("capture", "lead_captured")
    def lead_captured(self, payload: dict[str, Any]) -> None:
        print(json.dumps(payload), flush=True)

    @event_handler("capture", "lead_captured.bulk")
    def lead_captured_in_bulk(self, payload: dict[str, Any]) -> None:
        print(json.dumps(payload), flush=True)

    @event_handler("distribution", "work_assigned.#")  # both lanes
    def work_assigned(self, payload: dict[str, Any]) -> None:
        print(json.dumps(payload), flush=True)


if __name__ == "__main__":
    runner = ServiceRunner({"AMQP_URI": sys.argv[1]})
    runner.add_service(ListenerService)
    runner.start()
    print(json.dumps({"type": "listening"}), flush=True)
    runner.wait()
