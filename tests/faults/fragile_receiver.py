"""A receiver in a process of its own: a lead whose source is "killer" ends the process, "poison" cannot be handled.

`python fragile_receiver.py`, settings as for every process; the owner's database must be there.
"""

import os
import signal
import sys
import threading
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from runtime_cases import OWNER, leave_effects, subscription

from contracts.capture import LeadCaptured
from runtime import health, logs
from runtime.bus import Bus
from runtime.database import open_database
from runtime.settings import Settings
from runtime.transaction import Transaction


def handle(transaction: Transaction, facts: list[LeadCaptured]) -> None:
    leave_effects(transaction, facts)
    if any(fact.source == "killer" for fact in facts):
        os._exit(9)


def main() -> None:
    settings = Settings.load()
    logs.configure(OWNER)
    stopping = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stopping.set())
    lanes = [subscription(handle, lane=lane) for lane in ("live", "bulk")]
    bus = Bus(open_database(OWNER, settings), lanes, settings).start()
    health.serve(bus, settings.health_host, settings.health_port_of(OWNER))
    stopping.wait()
    bus.stop()


if __name__ == "__main__":
    main()
