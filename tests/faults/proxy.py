"""A TCP proxy that misbehaves on demand: between our processes and the broker or the database."""

import contextlib
import select
import socket
import struct
import threading
import time
from types import TracebackType
from typing import Literal, Self

Mode = Literal["pass", "black hole", "deaf", "refuse"]
"""pass: hands everything on. black hole: takes everything, hands nothing on and says nothing, in either direction.
deaf: what the client sends arrives, what the server answers does not. refuse: resets whoever connects."""

_RESET = struct.pack("ii", 1, 0)  # SO_LINGER of zero seconds: close() then sends RST


class Proxy:
    """Listens on a port of its own and stands for `host:port`.

    delay: seconds that every piece of data is held up, in both directions.
    mute_client: what the server sends arrives, what the client answers does not.
    refused: how many have been refused so far.
    """

    def __init__(self, port: int, host: str = "127.0.0.1") -> None:
        self._target = (host, port)
        self.mode: Mode = "pass"
        self.delay = 0.0
        self.mute_client = False
        self.refused = 0
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.port: int = self._listener.getsockname()[1]
        self._pairs: set[tuple[socket.socket, socket.socket]] = set()
        self._lock = threading.Lock()
        self._closed = False

    def __enter__(self) -> Self:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _at: TracebackType | None
    ) -> None:
        self._closed = True
        self._listener.close()
        self.reset()

    def instead_of(self, url: str) -> str:
        """`url` with this proxy's port where the target's was."""
        there = f"{self._target[0]}:{self._target[1]}"
        assert there in url, (there, url)
        return url.replace(there, f"127.0.0.1:{self.port}")

    @property
    def connections(self) -> int:
        """How many connections pass through now."""
        return len(self._pairs)

    def reset(self) -> None:
        """Resets every connection there is."""
        with self._lock:
            pairs, self._pairs = self._pairs, set()
        for pair in pairs:
            _reset(*pair)

    def _accept(self) -> None:
        while not self._closed:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            if self.mode == "refuse":
                _reset(client)
                self.refused += 1
                continue
            threading.Thread(target=self._carry, args=(client,), daemon=True).start()

    def _carry(self, client: socket.socket) -> None:
        try:
            server = socket.create_connection(self._target, timeout=5)
        except OSError:
            _reset(client)
            return
        server.settimeout(None)
        pair = (client, server)
        with self._lock:
            self._pairs.add(pair)
        try:
            while self._carry_some(client, server):
                pass
        except (OSError, ValueError):  # the other side, or `reset`, closed it
            pass
        finally:
            with self._lock:
                self._pairs.discard(pair)
            _reset(*pair)

    def _carry_some(self, client: socket.socket, server: socket.socket) -> bool:
        readable, _, _ = select.select([client, server], [], [], 0.2)
        for source in readable:
            data = source.recv(65536)
            if not data:
                return False
            if self.delay:
                time.sleep(self.delay)
            is_answer = source is server
            if self.mode == "black hole" or (self.mode == "deaf" and is_answer) or (self.mute_client and not is_answer):
                continue
            (client if is_answer else server).sendall(data)
        return True


def _reset(*sockets: socket.socket) -> None:
    for one in sockets:
        with contextlib.suppress(OSError):
            one.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
        one.close()
