"""The broker as seen from outside: does it answer, has it got our exchanges and queues."""

import time
from urllib.parse import urlsplit

import pika
import pika.exceptions

from runtime import topology

_TIMEOUT = 5


class BrokerAway(Exception):
    """The broker does not let us in; the message says where it was looked for, without the password."""


def check(amqp_url: str) -> None:
    """Connects and goes.

    Raises:
        BrokerAway: no connection within a few seconds, or it was refused.
        ValueError: not an AMQP address.
    """
    _connect(amqp_url).close()


def declare_topology(amqp_url: str, patience: float) -> None:
    """Declares all exchanges, queues and bindings, waiting up to `patience` seconds for the broker.

    Raises:
        BrokerAway: not in time, or the broker refused a declaration.
        ValueError: not an AMQP address.
    """
    deadline = time.monotonic() + patience
    while True:
        try:
            with _connect(amqp_url) as connection:
                topology.declare(connection.channel())
            return
        except BrokerAway:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.2)
        except pika.exceptions.AMQPError as error:
            raise BrokerAway(f"the broker at {place(amqp_url)} refused our queues: {error!r}") from error


def place(amqp_url: str) -> str:
    """Host, port and virtual host of an address, fit to be shown."""
    parts = urlsplit(amqp_url)
    return f"{parts.hostname}:{parts.port or 5672}{parts.path}"


def _connect(amqp_url: str) -> pika.BlockingConnection:
    parameters = pika.URLParameters(amqp_url)
    parameters.socket_timeout = parameters.stack_timeout = parameters.blocked_connection_timeout = _TIMEOUT
    parameters.connection_attempts = 1
    try:
        return pika.BlockingConnection(parameters)
    except pika.exceptions.ProbableAuthenticationError:
        raise BrokerAway(f"the broker at {place(amqp_url)} does not accept the user name and password") from None
    except (pika.exceptions.AMQPError, OSError) as error:
        raise BrokerAway(f"the broker at {place(amqp_url)} does not answer ({type(error).__name__})") from error
