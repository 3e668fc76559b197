"""uvicorn, made to bear strangers: it is reached by anybody, and most of its connections are meant to stay."""

import asyncio
import resource
import signal
import socket
from collections.abc import Callable
from typing import Any

import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.http.h11_impl import H11Protocol

from gateway.live.streams import MOST_STREAMS

MOST_CONNECTIONS = MOST_STREAMS + 200
REQUEST_SECONDS = 10.0
"""A request that has not arrived by then is waited for no longer."""

STALL_SECONDS = 20.0
"""A client that takes nothing of what it is sent for so long is dropped: it is gone, or does not read."""

_SEND_BUFFER = 16 * 1024  # bytes the kernel keeps for one client; events are small


class Server(uvicorn.Server):
    """Serves `app` until SIGTERM or SIGINT.

    stopping(): told that the end has begun; streams must end now, for they are waited for.
    stop_seconds: how long.
    """

    def __init__(self, app: ASGIApp, stopping: Callable[[], None], stop_seconds: float) -> None:
        super().__init__(
            uvicorn.Config(
                app,
                http=_Protocol,
                ws="none",
                loop="asyncio",
                lifespan="off",
                log_config=None,
                access_log=False,  # addresses hold tokens
                proxy_headers=False,
                server_header=False,
                headers=[("Connection", "close")],  # one request each: there is nothing to come after a stream
            )
        )
        self._stopping, self._stop_seconds = stopping, stop_seconds

    async def listen(self, host: str, port: int) -> None:
        """Answers at `host`:`port` until told to stop. Raises OSError when the port is taken."""
        _allow_descriptors(MOST_CONNECTIONS + 100)
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        with socket.create_server((host, port), family=family, backlog=1024) as listening:
            # Every connection inherits these.
            listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, int(STALL_SECONDS * 1000))
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _SEND_BUFFER)
            await self.serve([listening])

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Ends every connection; called by uvicorn after a signal."""
        self._stopping()
        asyncio.get_running_loop().call_later(self._stop_seconds, self._cut_off)
        await super().shutdown(sockets)

    def _cut_off(self) -> None:
        for connection in list(self.server_state.connections):
            connection.transport.abort()


class _Protocol(H11Protocol):
    """Keeps neither a connection that asks for nothing nor more of them than there is room for."""

    _overdue: asyncio.TimerHandle

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        self._overdue = self.loop.call_later(REQUEST_SECONDS, self._give_up)
        if len(self.connections) > MOST_CONNECTIONS:
            transport.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        self._overdue.cancel()
        super().connection_lost(exc)

    def _give_up(self) -> None:
        if self.cycle is None:
            self.transport.abort()


def end_quietly() -> None:
    """Has the process end with 0 on SIGTERM and SIGINT: uvicorn raises the signal again once it has stopped."""

    def end(_number: int, _frame: object) -> None:
        raise SystemExit(0)

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, end)


def _allow_descriptors(wanted: int) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        most = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))
