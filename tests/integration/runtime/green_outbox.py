"""A service's outbox in its own surroundings, green threads: prints how many of its messages were not on the wire yet
when `publish` returned to the thread that had committed them.

`python green_outbox.py AMQP_URL`
"""

import eventlet

eventlet.monkey_patch()

import socket  # noqa: E402
import sys  # noqa: E402
from pathlib import Path  # noqa: E402
from typing import Any  # noqa: E402

sys.path += map(str, Path(__file__).resolve().parents[2:4])

from runtime_cases import captured  # noqa: E402

from contracts.capture import LEAD_CAPTURED  # noqa: E402
from runtime.outbox import Outbox  # noqa: E402
from runtime.publisher import Publisher  # noqa: E402
from runtime.wire import pack  # noqa: E402

MESSAGES = 20


def main(amqp_url: str) -> None:
    """Publishes one message after the other, with a pause between them."""
    sent = bytearray()
    send = socket.socket.send

    def noted(self: socket.socket, data: bytes, *flags: Any) -> int:
        count = send(self, data, *flags)
        sent.extend(data[:count])
        return count

    socket.socket.send = noted  # type: ignore[method-assign, assignment]
    publisher = Publisher(amqp_url).start()
    assert publisher.wait_open(20)
    box = Outbox(None, publisher, sweep_after=60)  # type: ignore[arg-type]
    late = 0
    for _ in range(MESSAGES):
        (message,) = pack(LEAD_CAPTURED, [captured()], lane="live")
        box.publish([message])
        late += message.body not in sent
        while message.body not in sent:
            eventlet.sleep(0.01)
        eventlet.sleep(0.01)  # the next one finds everybody asleep, as most do
    publisher.stop()
    print(late)


if __name__ == "__main__":
    main(sys.argv[1])
