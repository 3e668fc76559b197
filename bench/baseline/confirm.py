"""Starts the baseline of P1."""

from collections.abc import Iterator
from typing import Self

import pika

from bench.ground import Ground
from bench.measure import say
from bench.processes import Processes, answers, free_port
from bench.visitors import posts
from runtime.settings import Settings

QUEUE = "form_posts"


class ConfirmApp:
    """The bare Flask application under the same gunicorn settings as the gateway, with a vhost of its own."""

    def __init__(self, ground: Ground) -> None:
        self.amqp_url = ground.vhost("bare")
        self.port = free_port()
        environment = {"BASELINE_AMQP_URL": self.amqp_url, "BASELINE_QUEUE": QUEUE}
        self.processes = Processes(ground.logs("bare"), environment)
        settings = Settings()
        self._workers, self._threads = settings.gateway_workers, settings.gateway_threads
        self._ground_pids = {"broker": ground.broker_pid}

    def __enter__(self) -> Self:
        with pika.BlockingConnection(pika.URLParameters(self.amqp_url)) as connection:
            connection.channel().queue_declare(QUEUE, durable=True, arguments={"x-queue-type": "quorum"})
        size = ["-w", str(self._workers), "--threads", str(self._threads)]
        flags = [*size, "-k", "gthread", "-b", f"127.0.0.1:{self.port}"]
        self.processes.start("gateway", ["-m", "gunicorn", *flags, "bench.baseline.confirm_app:app"])
        try:
            url = f"http://127.0.0.1:{self.port}/health"
            self.processes.wait_until(lambda: answers(url), "the bare application's start")
        except BaseException:
            self.processes.stop()
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, *_error: object) -> None:
        if kind is not None:
            say(self.processes.last_words())
        self.processes.stop()

    @property
    def roots(self) -> dict[str, int]:
        """Everything that works for it."""
        return {**self.processes.pids, **self._ground_pids}

    def posts(self) -> Iterator[bytes]:
        """Form posts."""
        return posts(["/leads"])

    def empty_queue(self) -> None:
        """Drops what was posted, so that every measurement begins with an empty queue."""
        with pika.BlockingConnection(pika.URLParameters(self.amqp_url)) as connection:
            connection.channel().queue_purge(QUEUE)
