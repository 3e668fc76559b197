"""What a worker of the gateway is made of, reachable from its views."""

import logging
from dataclasses import dataclass
from typing import Any, Protocol

from flask import current_app, g

from contracts.access import NOBODY, Actor
from gateway.acceptance import Acceptance
from gateway.catalogue import FormCatalogue
from gateway.keys import Keyring
from gateway.throttle import Throttle
from runtime.database import Database
from runtime.errors import Broken, NotFound, Unavailable
from runtime.settings import Settings

log = logging.getLogger(__name__)

EXTENSION = "rodizio"


class Services(Protocol):
    """What is needed of a `runtime.rpc_client.RpcPool`."""

    def call_as(self, actor: Actor, service: str, method: str, /, **arguments: Any) -> Any: ...


@dataclass(frozen=True, slots=True)
class Parts:
    """The parts, made once per worker by `gateway.app.create_app`."""

    settings: Settings
    database: Database
    acceptance: Acceptance
    catalogue: FormCatalogue
    keyring: Keyring
    services: Services
    per_visitor: Throttle
    per_form: Throttle
    per_key: Throttle
    sign_in_per_address: Throttle
    sign_in_per_network: Throttle
    sign_in_per_account: Throttle


def parts() -> Parts:
    """The parts of the application that answers the request in hand."""
    return current_app.extensions[EXTENSION]


def call(service: str, method: str, /, **arguments: Any) -> Any:
    """Asks a service in the name of whoever made the request in hand; raises what `RpcPool.call_as` raises."""
    return parts().services.call_as(actor(), service, method, **arguments)


def call_if_there(service: str, method: str, /, **arguments: Any) -> Any:
    """What a page can do without: None while the service is away, or where it has nothing for whoever asks."""
    try:
        return call(service, method, **arguments)
    except (NotFound, Unavailable, Broken) as error:
        log.info("%s.%s was done without: %s", service, method, error)
        return None


def actor() -> Actor:
    """Who made the request in hand; nobody until they were recognised."""
    found: Actor = g.get("actor", NOBODY)
    return found
