"""What a worker of the gateway is made of, reachable from its views."""

from dataclasses import dataclass
from typing import Any, Protocol

from flask import current_app

from gateway.acceptance import Acceptance
from gateway.catalogue import FormCatalogue
from gateway.keys import Keyring
from runtime.database import Database
from runtime.settings import Settings

EXTENSION = "rodizio"


class Services(Protocol):
    """What is needed of a `runtime.rpc_client.RpcPool`."""

    def call(self, service: str, method: str, /, **arguments: Any) -> Any: ...


@dataclass(frozen=True, slots=True)
class Parts:
    """The parts, made once per worker by `gateway.app.create_app`."""

    settings: Settings
    database: Database
    acceptance: Acceptance
    catalogue: FormCatalogue
    keyring: Keyring
    services: Services


def parts() -> Parts:
    """The parts of the application that answers the request in hand."""
    return current_app.extensions[EXTENSION]


def call(service: str, method: str, /, **arguments: Any) -> Any:
    """Asks a service; raises what `runtime.rpc_client.RpcPool.call` raises."""
    return parts().services.call(service, method, **arguments)
