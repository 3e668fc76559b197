"""Compares the exchanges, queues and bindings a broker has with those the contracts call for."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, unquote, urlsplit

import pika
import requests
from pika.exceptions import AMQPError, ChannelClosedByBroker

from contracts.catalogue import SERVICES
from runtime.connection import connection_parameters
from runtime.rabbitmq import RabbitNode
from runtime.topology import Binding, bindings, exchanges

OWNERS = (*SERVICES, "gateway")
"""Whoever has queues; a queue is ours when its name begins with one of these and a dot."""

API_SECONDS = 10.0


class CannotLook(Exception):
    """The broker's bindings cannot be seen; the message is one line that says what to do."""


@dataclass(frozen=True, slots=True)
class Found:
    """What the broker has: every binding of a queue to a named exchange, and every queue."""

    bindings: frozenset[Binding]
    queues: frozenset[str]


@dataclass(frozen=True, slots=True)
class Difference:
    """How the broker differs from the contracts.

    orphan_queues: ours by their name, and nothing of this version reads them.
    orphan_bindings: of a queue that is meant to be there, but with something it is not meant to hear. Queues of
        others may be bound to our exchanges: listening is free.
    """

    missing_queues: tuple[str, ...]
    missing_bindings: tuple[Binding, ...]
    orphan_queues: tuple[str, ...]
    orphan_bindings: tuple[Binding, ...]

    @property
    def is_complete(self) -> bool:
        """Whether every message reaches every subscriber; orphans do not hinder that."""
        return not self.missing_queues and not self.missing_bindings

    @property
    def is_none(self) -> bool:
        """Whether there is no difference at all."""
        return self.is_complete and not self.orphan_queues and not self.orphan_bindings


@dataclass(frozen=True, slots=True)
class Pruned:
    """What was removed, and orphan queues that were kept with the reason for each."""

    queues: tuple[str, ...]
    bindings: tuple[Binding, ...]
    kept: Mapping[str, str]


def compare(found: Found) -> Difference:
    """What is missing and what is too many."""
    expected = frozenset(bindings())
    names = {binding.queue for binding in expected}
    ours = frozenset(exchanges())
    return Difference(
        missing_queues=tuple(sorted(names - found.queues)),
        missing_bindings=tuple(sorted(expected - found.bindings)),
        orphan_queues=tuple(sorted(queue for queue in found.queues - names if _is_ours(queue))),
        orphan_bindings=tuple(
            sorted(
                binding
                for binding in found.bindings - expected
                if binding.queue in names and (binding.exchange in ours or _is_ours(binding.exchange))
            )
        ),
    )


def _is_ours(name: str) -> bool:
    owner, dot, _ = name.partition(".")
    return bool(dot) and owner in OWNERS


def look_at_node(node: RabbitNode, vhost: str = "/") -> Found:
    """What a private node has.

    Raises:
        subprocess.CalledProcessError, subprocess.TimeoutExpired: rabbitmqctl failed.
    """
    rows = [
        {"source": row["source_name"], "destination": row["destination_name"], **row}
        for row in node.list_bindings(vhost)
    ]
    # Every queue is bound to the default exchange by its own name: the list of bindings is a list of queues too.
    return _found(rows, (row["destination_name"] for row in rows if row["destination_kind"] == "queue"))


def look_at_api(base: str, amqp_url: str) -> Found:
    """What a broker has, as its management plugin tells over HTTP.

    base: address of the plugin, such as http://user:password@host:15672; without an account that of `amqp_url` is used.

    Raises:
        CannotLook: no answer, or a refusal.
    """
    amqp = pika.URLParameters(amqp_url)
    vhost = quote(amqp.virtual_host, safe="")
    address = urlsplit(base)
    account = (unquote(address.username or ""), unquote(address.password or ""))
    if not address.username:
        account = (str(amqp.credentials.username), str(amqp.credentials.password))
    place = address.netloc.rpartition("@")[2]
    root = f"{address.scheme}://{place}{address.path.rstrip('/')}/api"
    queues = _asked(f"{root}/queues/{vhost}", account)
    rows = _asked(f"{root}/bindings/{vhost}", account)
    return _found(
        [{**row, "destination_kind": row["destination_type"]} for row in rows], (row["name"] for row in queues)
    )


def _asked(url: str, account: tuple[str, str]) -> list[dict[str, Any]]:
    try:
        response = requests.get(url, auth=account, timeout=API_SECONDS)
        response.raise_for_status()
        answer: list[dict[str, Any]] = response.json()
    except (requests.RequestException, ValueError) as error:
        raise CannotLook(f"RabbitMQ's management API does not tell: {error}") from error
    return answer


def _found(rows: Sequence[Mapping[str, Any]], queues: Iterable[Any]) -> Found:
    return Found(
        frozenset(
            Binding(str(row["destination"]), str(row["source"]), str(row["routing_key"]))
            for row in rows
            if row["destination_kind"] == "queue" and row["source"]
        ),
        frozenset(map(str, queues)),
    )


def prune(amqp_url: str, difference: Difference, *, force: bool) -> Pruned:
    """Removes orphan bindings, and orphan queues that are empty and unread; with `force` the others too.

    Raises:
        CannotLook: the broker is away.
    """
    try:
        connection = pika.BlockingConnection(connection_parameters(amqp_url, "rodizio topology"))
    except (AMQPError, OSError) as error:
        raise CannotLook(f"the broker cannot be reached: {error or type(error).__name__}") from error
    try:
        removed, kept = [], {}
        for queue in difference.orphan_queues:
            reason = "" if force else _reason_to_keep(connection, queue)
            if reason:
                kept[queue] = reason
            else:
                connection.channel().queue_delete(queue)
                removed.append(queue)
        channel = connection.channel()
        for binding in difference.orphan_bindings:
            channel.queue_unbind(binding.queue, binding.exchange, binding.routing_key)
        return Pruned(tuple(removed), difference.orphan_bindings, kept)
    finally:
        connection.close()


def _reason_to_keep(connection: pika.BlockingConnection, queue: str) -> str:
    # Asked rather than deleted with if_empty: quorum queues refuse that.
    try:
        state = connection.channel().queue_declare(queue, passive=True).method
    except ChannelClosedByBroker as error:
        return f"it cannot be looked at: {error.reply_text}"
    if state.message_count:
        return f"{state.message_count} messages wait in it"
    return f"{state.consumer_count} consumers read it" if state.consumer_count else ""
