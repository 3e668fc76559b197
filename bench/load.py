"""A cheap HTTP load generator: kept connections on raw sockets, because it shares the cores with what it measures."""

import asyncio
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

CLOSED_EARLY = (ConnectionError, asyncio.IncompleteReadError)
ANSWER_SECONDS = 30.0


class Refused(Exception):
    """The server answered something else than success."""


@dataclass
class Load:
    """What a load did.

    seconds: from the first request to the last answer. latencies: seconds of each request.
    """

    seconds: float = 0.0
    latencies: list[float] = field(default_factory=list)

    @property
    def per_second(self) -> float:
        """Answered requests per second."""
        return len(self.latencies) / self.seconds


def request(path: str, body: bytes, content_type: str) -> bytes:
    """The bytes of one POST on a kept connection."""
    head = (
        f"POST {path} HTTP/1.1\r\nHost: localhost\r\nAccept: application/json\r\n"
        f"Content-Type: {content_type}\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


class _Wire(asyncio.Protocol):
    """One connection, one request in flight."""

    def __init__(self) -> None:
        self.transport: asyncio.Transport | None = None
        self.received = b""
        self.waiting: asyncio.Future[bytes] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        self.received += data
        head, found, body = self.received.partition(b"\r\n\r\n")
        if not found or self.waiting is None:
            return
        length = _content_length(head)
        if len(body) < length:
            return
        self.received = b""
        waiting, self.waiting = self.waiting, None
        if head[9:10] in (b"2", b"3"):
            waiting.set_result(body)
        else:
            waiting.set_exception(Refused((head.splitlines()[0] + b" " + body[:300]).decode(errors="replace")))

    def connection_lost(self, error: Exception | None) -> None:
        self.transport = None
        if self.waiting is not None and not self.waiting.done():
            self.waiting.set_exception(ConnectionResetError("closed before the answer"))

    def ask(self, payload: bytes) -> asyncio.Future[bytes]:
        assert self.transport is not None
        self.waiting = asyncio.get_running_loop().create_future()
        self.transport.write(payload)
        return self.waiting


def _content_length(head: bytes) -> int:
    for line in head.split(b"\r\n")[1:]:
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length":
            return int(value)
    raise Refused("an answer without Content-Length")


class Connection:
    """A keep-alive connection that is opened when needed."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.wire: _Wire | None = None

    async def post(self, payload: bytes) -> bytes:
        """Sends one request and gives the answer's body; opens the connection again if the server let it go idle.

        Raises:
            Refused: any status but 2xx and 3xx.
            TimeoutError: no answer in 30 s.
        """
        for last in (False, True):
            fresh = self.wire is None or self.wire.transport is None
            try:
                async with asyncio.timeout(ANSWER_SECONDS):
                    if fresh:
                        loop = asyncio.get_running_loop()
                        _, self.wire = await loop.create_connection(_Wire, "127.0.0.1", self.port)
                    assert self.wire is not None
                    return await self.wire.ask(payload)
            except CLOSED_EARLY:
                if fresh or last:
                    raise
        raise AssertionError("unreachable")

    def close(self) -> None:
        """Closes the connection."""
        if self.wire and self.wire.transport:
            self.wire.transport.close()


def closed_loop(
    port: int, payloads: Iterator[bytes], *, connections: int, seconds: float = 60.0, total: int | None = None
) -> Load:
    """Posts over `connections` at once, each waiting for its answer, until `total` posts or `seconds` have passed."""
    return asyncio.run(_closed_loop(port, payloads, connections, seconds, total))


async def _closed_loop(
    port: int, payloads: Iterator[bytes], connections: int, seconds: float, total: int | None
) -> Load:
    load, left = Load(), total if total is not None else 10**9
    began = time.monotonic()
    until = began + seconds

    async def post_on() -> None:
        nonlocal left
        connection = Connection(port)
        try:
            while left > 0 and (at := time.monotonic()) < until:
                left -= 1
                await connection.post(next(payloads))
                load.latencies.append(time.monotonic() - at)
        finally:
            connection.close()

    await asyncio.gather(*(post_on() for _ in range(connections)))
    load.seconds = time.monotonic() - began
    return load


def open_loop(
    port: int, payloads: Iterator[bytes], *, rate: float, seconds: float, on_answer: Callable[[float, bytes], None]
) -> Load:
    """Posts at fixed instants, `rate` per second, whether or not earlier posts were answered.

    on_answer: told the scheduled instant (monotonic seconds) and the answer's body, so that waiting counts.
    """
    return asyncio.run(_open_loop(port, payloads, rate, seconds, on_answer))


async def _open_loop(
    port: int, payloads: Iterator[bytes], rate: float, seconds: float, on_answer: Callable[[float, bytes], None]
) -> Load:
    load, idle = Load(), [Connection(port) for _ in range(4)]
    began = time.monotonic() + 0.1

    async def post_at(scheduled: float) -> None:
        connection = idle.pop() if idle else Connection(port)
        body = await connection.post(next(payloads))
        load.latencies.append(time.monotonic() - scheduled)
        on_answer(scheduled, body)
        idle.append(connection)

    posting = []
    for number in range(int(rate * seconds)):
        scheduled = began + number / rate
        await asyncio.sleep(max(0.0, scheduled - time.monotonic()))
        posting.append(asyncio.create_task(post_at(scheduled)))
    await asyncio.gather(*posting)
    load.seconds = time.monotonic() - began
    for connection in idle:
        connection.close()
    return load
