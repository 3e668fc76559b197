"""The processes of one machine, and whether they are well."""

import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path

import orjson

from cli.local import BROKER_FOLDER
from contracts.catalogue import SERVICES
from runtime.ports import LOOPBACK
from runtime.rabbitmq import RabbitNode
from runtime.settings import Settings
from runtime.supervision import Program

_EPMD, _BROKER, _REST = 1, 2, 10
_PROBE_SECONDS = 2.0


@dataclass(frozen=True)
class Member:
    """A process of ours: how it is run, and the address at which it says whether it is ready."""

    program: Program
    ready_url: str


@dataclass(frozen=True)
class Health:
    """What a process said of itself; `problems` is empty when it is well."""

    name: str
    problems: tuple[str, ...] = field(default=())


def members(settings: Settings) -> list[Member]:
    """Every process of Rodízio that the settings call for; none starts before it is told to."""
    services = [_member(name, ["runtime.run", name], settings.health_port_of(name)) for name in SERVICES]
    projection = _member("gateway-projection", ["gateway.projection"], settings.health_port_of("gateway"))
    web = _member("gateway", ["gunicorn", "-c", _gunicorn_settings()], settings.gateway_port, settings.local_host)
    live = _member("gateway-live", ["gateway.live"], settings.live_port, settings.local_host)
    loader = _member("loader", ["services.capture.loader"], settings.health_port_of("loader"))
    all_members = [*services, projection, loader, web, live]
    if needs_sandbox(settings):
        all_members.append(_member("sandbox", ["sandbox.server"], settings.sandbox_port))
    return all_members


def broker_programs(node: RabbitNode) -> list[Program]:
    """The private broker and its port mapper; they start at once and end last."""
    environment = node.environment()
    return [
        Program("epmd", node.epmd_command(), environment, order=_EPMD),
        Program("broker", node.broker_command(), environment, order=_BROKER),
    ]


def broker_node(settings: Settings) -> RabbitNode:
    """The private broker of an installation."""
    return RabbitNode(settings.var / BROKER_FOLDER)


def needs_sandbox(settings: Settings) -> bool:
    """Whether some message has no real provider to go to."""
    return not settings.sandbox_url and (settings.sms_is_pretended or settings.email_is_pretended)


def examine(member: Member) -> Health:
    """Asks a process whether it is ready; answers within seconds."""
    name = member.program.name
    try:
        with urllib.request.urlopen(member.ready_url, timeout=_PROBE_SECONDS):  # noqa: S310 - our own, always http
            return Health(name)
    except urllib.error.HTTPError as error:
        with error:
            return Health(name, _problems(error.read(65_536)) or (f"answered {error.code}",))
    except OSError:
        return Health(name, ("does not answer",))


def wait_healthy(
    wanted: Iterable[Member], timeout: float, tick: Callable[[list[Health]], None] = lambda ill: None
) -> list[Health]:
    """Waits up to `timeout` seconds for all to be ready; returns those that are not.

    tick: told, several times a second, who is not ready yet.
    """
    waiting = list(wanted)
    deadline = time.monotonic() + timeout
    while True:
        examined = [(member, examine(member)) for member in waiting]
        waiting = [member for member, health in examined if health.problems]
        ill = [health for _, health in examined if health.problems]
        tick(ill)
        if not ill or time.monotonic() > deadline:
            return ill
        time.sleep(0.25)


def _member(name: str, module: list[str], port: int, host: str = LOOPBACK) -> Member:
    command = [sys.executable, "-m", *module]
    program = Program(name, command, ports=(port,), order=_REST, at_once=False)
    return Member(program, f"http://{host}:{port}/health/ready")


def _gunicorn_settings() -> str:
    found = find_spec("gateway")
    if found is None or found.origin is None:
        raise ImportError("the package gateway is not installed")
    return str(Path(found.origin).with_name("gunicorn.py"))


def _problems(body: bytes) -> tuple[str, ...]:
    try:
        return tuple(map(str, orjson.loads(body)["problems"]))
    except (ValueError, KeyError, TypeError):
        return ()
