"""TCP ports of this machine: picking free ones, waiting for busy ones."""

import random
import socket
import time
from collections.abc import Iterable

LOOPBACK = "127.0.0.1"
_PICK_FROM = range(20_000, 32_000)  # below Linux's ephemeral range: no outgoing connection can sit on one


def is_free(port: int, host: str = LOOPBACK) -> bool:
    """Whether a server could listen on `port` now; connections lingering after a close do not count."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
            probe.listen(1)
        except OSError:
            return False
    return True


def pick_free(count: int) -> list[int]:
    """`count` different ports free at this moment.

    Raises:
        OSError: not that many could be found.
    """
    candidates = random.sample(_PICK_FROM, k=min(len(_PICK_FROM), 200 * count))
    free: list[int] = []
    for port in candidates:
        if len(free) == count:
            break
        if is_free(port):
            free.append(port)
    if len(free) < count:
        raise OSError(f"no {count} free TCP ports between {_PICK_FROM.start} and {_PICK_FROM.stop}")
    return free


def wait_free(ports: Iterable[int], timeout: float) -> list[int]:
    """Waits up to `timeout` seconds for all `ports` to be free; returns those still taken."""
    deadline = time.monotonic() + timeout
    while True:
        taken = [port for port in ports if not is_free(port)]
        if not taken or time.monotonic() > deadline:
            return taken
        time.sleep(0.05)
