"""Who sees what: every RPC of a service, asked by everybody."""

import inspect
from typing import Any

from nameko.extensions import ENTRYPOINT_EXTENSIONS_ATTR

from contracts.access import Actor
from runtime.database import Database
from runtime.errors import NotFound
from runtime.service import MeasuredRpc

OPERATED = frozenset({"bus_status", "parked_list", "parked_replay", "parked_drop"})
"""What `runtime.service.operable` adds, for those who see everything: see tests/integration/runtime."""


def rpcs_of(service: type) -> set[str]:
    """The names of a service's methods that may be called over RPC, but for what operators need."""
    return {
        name
        for name, method in inspect.getmembers(service, inspect.isfunction)
        if any(isinstance(each, MeasuredRpc) for each in getattr(method, ENTRYPOINT_EXTENSIONS_ATTR, ()))
    } - OPERATED


def asked(service: type, database: Database, actor: Actor, name: str, **arguments: Any) -> Any:
    """What a service answers when `actor` asks; `NotFound` itself when that is what it says."""
    worker = service()
    worker.database, worker.actor = database, actor  # type: ignore[attr-defined]
    try:
        return getattr(worker, name)(**arguments)
    except NotFound:
        return NotFound
