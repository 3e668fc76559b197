"""A whole installation, its services as processes of their own, for all tests of a module."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from faults.installation import Installation
from flask import Flask

from contracts.catalogue import SERVICES
from gateway.app import create_app
from gateway.parts import EXTENSION
from runtime.rabbitmq import RabbitNode
from runtime.settings import OWNERS, Settings


@contextmanager
def installation(broker: RabbitNode, vhost: str) -> Iterator[Installation]:
    """All services, started. Nothing is sent to anybody: there is no sandbox."""
    with tempfile.TemporaryDirectory(prefix="rodizio-test-") as folder:
        settings = Settings(
            var=Path(folder, "var"),
            amqp_url=broker.url(vhost),
            gateway_workers=1,
            rate_per_key="unlimited",
            rate_per_ip="unlimited",
            rate_per_form="unlimited",
        )
        with Installation(settings, OWNERS) as made:
            yield made.start(*SERVICES)


@contextmanager
def gateway_of(made: Installation) -> Iterator[Flask]:
    """The gateway's application in this process, so that its routes are known."""
    app = create_app(made.settings)
    parts = app.extensions[EXTENSION]
    assert parts.acceptance.publisher.wait_open(20)
    yield app
    parts.acceptance.publisher.stop(1.0)
    parts.services.close()
    parts.database.close()
