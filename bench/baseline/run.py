"""Runs one service of the baseline: `python -m bench.baseline.run capture`.

The same steps as nameko's own command line, which cannot be used where pkg_resources is gone. Workers, prefetch,
heartbeat and retries stay at nameko's defaults.
"""

import eventlet

eventlet.monkey_patch()

import os  # noqa: E402
import signal  # noqa: E402
import sys  # noqa: E402

from nameko.runners import ServiceRunner  # noqa: E402

from bench.baseline.services import SERVICES  # noqa: E402


def main(name: str) -> None:
    """Serves until SIGTERM."""
    runner = ServiceRunner(
        {
            "AMQP_URI": os.environ["BASELINE_AMQP_URL"],
            "DATABASE_URL": os.environ["BASELINE_DATABASE_URL"],
        }
    )
    runner.add_service(SERVICES[name])
    # the handler runs in the hub's loop, which must not block
    signal.signal(signal.SIGTERM, lambda *_: eventlet.spawn_n(runner.stop))
    runner.start()
    print("started", flush=True)
    eventlet.spawn(runner.wait).wait()


if __name__ == "__main__":
    main(sys.argv[1])
