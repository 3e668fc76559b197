"""The process: what is heard from the broker goes to the streams of whom it is for."""

import asyncio
import logging
import os
import sys
import threading
from contextlib import suppress

import orjson

from contracts.message import Message
from contracts.notifications import MESSAGE_SENT, MessageSent
from gateway.live.app import create_app
from gateway.live.server import Server, end_quietly
from gateway.live.streams import Streams
from runtime import logs
from runtime.listener import Listener
from runtime.settings import Settings

log = logging.getLogger("gateway.live")

SECRET_SECONDS = 30.0
"""Longest wait for the process that reads the secret."""

SECRET_AGAIN_SECONDS = 2.0
MISSED = b"event: missed\ndata: {}\n\n"
"""Told to every page when the broker is back: something may have been told meanwhile."""


def main() -> None:
    """Runs until SIGTERM or SIGINT; ends within `stop_seconds` of it, whatever broker and clients do."""
    try:
        settings = Settings.load()
    except ValueError as error:
        raise SystemExit(str(error)) from None
    logs.configure("gateway-live", settings.log_level)
    logging.getLogger("uvicorn.error").setLevel(logging.ERROR)  # a stranger's bad request is not worth a line
    end_quietly()
    asyncio.run(serve(settings))


async def serve(settings: Settings) -> None:
    """Listens to the broker and answers pages until a signal comes."""
    loop = asyncio.get_running_loop()
    streams = Streams()
    secret: list[bytes] = []

    def hear(_message: Message, fact: MessageSent) -> None:
        event = event_of(fact)
        if event and streams.wanted(fact.recipient_id):
            loop.call_soon_threadsafe(streams.tell, fact.recipient_id, event)

    def missed() -> None:
        loop.call_soon_threadsafe(streams.tell_all, MISSED)

    def stopping() -> None:
        watchdog = threading.Timer(settings.stop_seconds, os._exit, [1])
        watchdog.daemon = True
        watchdog.start()
        streams.end()

    def problems() -> list[str]:
        found = [] if listener.is_listening else ["broker: not listening"]
        return found if secret else [*found, "database: the secret is not known yet"]

    listener = Listener(settings.amqp_url, "gateway live", [MESSAGE_SENT], hear, began=missed)
    app = create_app(streams, lambda: secret[0] if secret else None, problems, settings.public_url)
    server = Server(app, stopping, settings.stop_seconds / 2)
    fetching = asyncio.create_task(_fetch_secret(secret))
    listener.start()
    log.info("started", extra={"pid": os.getpid()})
    try:
        await server.listen(settings.gateway_host, settings.live_port)
    finally:
        fetching.cancel()
        await asyncio.to_thread(listener.stop, settings.stop_seconds / 4)


def event_of(fact: MessageSent) -> bytes:
    """What a seller's page is told of a message; nothing unless it is in their inbox."""
    if fact.channel != "in_app" or fact.recipient_kind != "seller" or fact.status != "sent":
        return b""
    data = orjson.dumps({"work_id": fact.work_id, "message_id": fact.message_id})
    return b"event: lead\ndata: " + data + b"\n\n"


async def _fetch_secret(secret: list[bytes]) -> None:
    """Puts the installation's secret into `secret`, however long the database is away."""
    while not secret:
        child = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "gateway.live.secret", stdout=asyncio.subprocess.PIPE
        )
        said = b""
        try:
            with suppress(TimeoutError):
                async with asyncio.timeout(SECRET_SECONDS):
                    said, _ = await child.communicate()
        finally:
            if child.returncode is None:
                child.kill()
        if said and child.returncode == 0:
            secret.append(said)
        else:
            await asyncio.sleep(SECRET_AGAIN_SECONDS)


if __name__ == "__main__":
    main()
