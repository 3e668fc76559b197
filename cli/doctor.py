"""`rodizio doctor`: what is wrong on this machine, and what to do about it."""

import json
import os
import shutil
from collections.abc import Iterator
from dataclasses import asdict, dataclass

import click
import sqlalchemy as sa

from cli import fleet
from cli.local import load_settings
from runtime import broker
from runtime.ports import is_free
from runtime.rabbitmq import installed_server
from runtime.settings import PROBED, Settings
from runtime.supervision import ProgramState, states_of

ENOUGH_DISK = 1024**3
"""Bytes; RabbitMQ stops taking messages when its disk is nearly full, and so should nobody be surprised."""

_TROUBLED = ("BACKOFF", "FATAL", "EXITED", "UNKNOWN")


@dataclass(frozen=True)
class Problem:
    """Something wrong, in one line, and what to do about it, in another."""

    problem: str
    fix: str


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object, for scripts.")
def doctor(as_json: bool) -> None:
    """Look for what is wrong here and say how to mend it; exit code 1 when something is."""
    try:
        settings = load_settings()
        found = list(diagnose(settings))
    except ValueError as error:
        found = [Problem(str(error), "correct the variable")]
    if as_json:
        click.echo(json.dumps({"ok": not found, "problems": [asdict(problem) for problem in found]}))
    else:
        for problem in found:
            click.echo(f"{problem.problem}. To mend it: {problem.fix}.")
        if not found:
            click.echo("Nothing is wrong.")
    if found:
        click.get_current_context().exit(1)


def diagnose(settings: Settings) -> Iterator[Problem]:
    """Everything wrong that can be seen from here; no check waits for more than seconds."""
    yield from _folder(settings)
    yield from _database(settings)
    running = _running(settings)
    if running:
        yield from _programs(settings, running)
    else:
        yield from _ports(settings)
    yield from _broker(settings, is_running=bool(running))


def _folder(settings: Settings) -> Iterator[Problem]:
    folder = settings.var.resolve()
    existing = next(path for path in (folder, *folder.parents) if path.exists())
    if not existing.is_dir() or not os.access(existing, os.W_OK | os.X_OK):
        yield Problem(f"{folder} cannot be written to", "choose another folder with RODIZIO_VAR")
        return
    free = shutil.disk_usage(existing).free
    if free < ENOUGH_DISK:
        yield Problem(f"only {free // 1024**2} MB are free on the disk of {folder}", "free at least 1 GB")


def _database(settings: Settings) -> Iterator[Problem]:
    if not settings.database_url:
        return
    try:
        url = sa.make_url(settings.database_url).set(drivername="postgresql+psycopg2")
    except sa.exc.ArgumentError:
        yield Problem("RODIZIO_DATABASE_URL is not an address", "write it as postgresql://user:password@host/database")
        return
    engine = sa.create_engine(url, connect_args={"connect_timeout": 5}, poolclass=sa.NullPool)
    try:
        with engine.connect() as connection:
            connection.exec_driver_sql("SELECT 1")
    except sa.exc.SQLAlchemyError as error:
        reason = str(getattr(error, "orig", error)).strip().splitlines()[0]
        yield Problem(f"PostgreSQL at {url.host} does not let us in: {reason}", "start it, or correct the address")


def _running(settings: Settings) -> list[ProgramState]:
    try:
        return states_of(settings.var)
    except OSError:
        return []


def _programs(settings: Settings, running: list[ProgramState]) -> Iterator[Problem]:
    states = {state.name: state for state in running}
    for state in running:
        if state.state in _TROUBLED:
            log = settings.var / "log" / f"{state.name}.log"
            yield Problem(f"{state.name} does not stay up ({state.said})", f"read the end of {log}")
    for member in fleet.members(settings):
        state_here = states.get(member.program.name)
        if state_here is None or state_here.state != "RUNNING":
            continue
        for ill in fleet.examine(member).problems:
            log = settings.var / "log" / f"{member.program.name}.log"
            yield Problem(f"{member.program.name} is not ready: {ill}", f"read the end of {log}")


def _ports(settings: Settings) -> Iterator[Problem]:
    wanted = {settings.gateway_port: "RODIZIO_GATEWAY_PORT", settings.live_port: "RODIZIO_LIVE_PORT"}
    wanted |= {settings.health_port_of(owner): "RODIZIO_HEALTH_PORT" for owner in PROBED}
    if fleet.needs_sandbox(settings):
        wanted[settings.sandbox_port] = "RODIZIO_SANDBOX_PORT"
    for port, variable in wanted.items():
        if not is_free(port):
            yield Problem(f"port {port} is taken by another program", f"end it, or choose another port with {variable}")


def _broker(settings: Settings, *, is_running: bool) -> Iterator[Problem]:
    if not os.environ.get("RODIZIO_AMQP_URL"):
        if installed_server() is None:
            yield Problem("RabbitMQ is not installed", "sudo apt-get install -y rabbitmq-server")
            return
        if not is_running:
            return  # rodizio run brings its own up
    try:
        broker.check(settings.amqp_url)
    except (broker.BrokerAway, ValueError) as error:
        fix = "correct RODIZIO_AMQP_URL, or leave it out" if os.environ.get("RODIZIO_AMQP_URL") else "read its log"
        yield Problem(str(error), fix)
