"""What the process answers: /live, /health/live, /health/ready, /metrics."""

import logging
import time
from collections.abc import AsyncIterator, Callable
from urllib.parse import urlsplit

import orjson
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from gateway.live.streams import Full, Stream, Streams
from gateway.live.tokens import Refused, read

log = logging.getLogger(__name__)

HEARTBEAT_SECONDS = 15.0
RETRY_MS = 3000
"""How long a browser waits before it connects again."""

REST_SECONDS = 0.25
"""Between two writes to one stream: an import gives a seller hundreds of leads, each worth the same glance."""

_HEADERS = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}  # nor may a proxy keep events back


def create_app(
    streams: Streams, secret: Callable[[], bytes | None], problems: Callable[[], list[str]], public_url: str
) -> Starlette:
    """The ASGI application.

    secret: what tokens are signed with, None while it is not known.
    problems: why the process could not work now, in words.
    public_url: whose pages may listen; empty: those of any origin, since it is the token that opens a stream.
    """

    async def live(request: Request) -> ASGIApp:
        known = secret()
        if known is None:
            return _refusal(503, "not ready yet")
        try:
            seller_id, expires_at = read(known, request.query_params.get("token", ""), time.time())
        except Refused as refused:
            return _refusal(401, f"no stream with this token: {refused}")
        return _streaming(streams, seller_id, expires_at)

    async def alive(_request: Request) -> Response:
        return _health([])

    async def ready(_request: Request) -> Response:
        return _health(problems())

    async def metrics(_request: Request) -> Response:
        return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)

    return Starlette(
        routes=[
            Route("/live", live),
            Route("/health/live", alive),
            Route("/health/ready", ready),
            Route("/metrics", metrics),
        ],
        middleware=[Middleware(CORSMiddleware, allow_origins=[_origin(public_url)])],
    )


def _streaming(streams: Streams, seller_id: str, expires_at: float) -> ASGIApp:
    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        try:
            with streams.open(seller_id) as stream:
                events = StreamingResponse(_events(stream, expires_at), 200, _HEADERS, "text/event-stream")
                await events(scope, receive, send)
        except Full as full:
            await _refusal(503 if full.everywhere else 429, str(full))(scope, receive, send)

    return answer


async def _events(stream: Stream, expires_at: float) -> AsyncIterator[bytes]:
    yield f"retry: {RETRY_MS}\n\n".encode()
    while not stream.is_over and (left := expires_at - time.time()) > 0:
        events = await stream.take(min(HEARTBEAT_SECONDS, left))
        yield events or b":\n\n"
        if events:
            await stream.rest(REST_SECONDS)


def _refusal(status: int, words: str) -> Response:
    return PlainTextResponse(words, status, {"Cache-Control": "no-store", "Retry-After": "30"})


def _health(found: list[str]) -> Response:
    return Response(
        orjson.dumps({"ok": not found, "problems": found}), 503 if found else 200, media_type="application/json"
    )


def _origin(public_url: str) -> str:
    parts = urlsplit(public_url)
    return f"{parts.scheme}://{parts.netloc}" if public_url else "*"
