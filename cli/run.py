"""`rodizio run`: everything on this machine, supervised, until Ctrl-C."""

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

import click
from rich.console import Console
from rich.markup import escape

from cli import fleet
from cli.local import KEY_FILE
from contracts.access import ROLES
from runtime import broker
from runtime.packages import Missing
from runtime.rabbitmq import NotReady, RabbitNode
from runtime.settings import OWNERS, Settings
from runtime.supervision import AlreadyRunning, CannotStart, PortTaken, Supervisor
from sandbox.signing import SENDGRID_KEYS, TWILIO_TOKEN, new_environment

START_SECONDS = 90.0
BROKER_SECONDS = 60.0
REVIVE_EVERY = 2.0
_SEEDED = "demo-founded"


class _Stop(Exception):
    """Somebody asked us to end."""


@dataclass(frozen=True)
class _Installation:
    settings: Settings
    node: RabbitNode | None
    members: list[fleet.Member]


@click.command()
@click.option("--port", type=click.IntRange(1, 65535), help="Port of the gateway; RODIZIO_GATEWAY_PORT or 8080.")
@click.option("--var", type=click.Path(file_okay=False, path_type=Path), help="Folder of all data; RODIZIO_VAR or var.")
@click.option("--demo/--no-demo", default=True, help="Found a small demo company on the first start (the default).")
@click.option("--history/--no-history", default=True, help="Give the demo company a past of five weeks (the default).")
def run(port: int | None, var: Path | None, demo: bool, history: bool) -> None:
    """Run everything on this machine: broker, services, gateway and sandbox, until Ctrl-C."""
    console = Console(highlight=False)
    settings = _settings(port, var)
    try:
        supervisor = Supervisor(settings.var)
        with _signals_stop():
            try:
                _start(settings, supervisor, console, demo=demo, history=history)
                _watch(supervisor)
            finally:
                # Nothing may interrupt the end, which is bounded.
                for number in _STOP_SIGNALS:
                    signal.signal(number, signal.SIG_IGN)
                console.print("Stopping…")
                supervisor.stop()
    except _Stop:
        return
    except (AlreadyRunning, CannotStart, Missing, NotReady, PortTaken, ValueError, broker.BrokerAway) as error:
        raise click.ClickException(_advice(error, settings)) from error


def _settings(port: int | None, var: Path | None) -> Settings:
    """Settings, with the options put where the processes to be started will read them."""
    if port is not None:
        os.environ["RODIZIO_GATEWAY_PORT"] = str(port)
    try:
        chosen = var or Settings.load().var
        os.environ["RODIZIO_VAR"] = str(chosen.resolve())
        return Settings.load()
    except ValueError as error:
        raise click.ClickException(str(error)) from error


def _start(settings: Settings, supervisor: Supervisor, console: Console, *, demo: bool, history: bool) -> None:
    with console.status("Starting…") as status:
        settings.var.mkdir(mode=0o700, parents=True, exist_ok=True)  # it will hold people's addresses
        supervisor.lock()
        installation = _prepare(settings)
        _bring_up(installation, supervisor, status.update)
        settings = installation.settings
        ill = fleet.wait_healthy(
            installation.members,
            START_SECONDS,
            lambda left: status.update(f"Waiting for {', '.join(health.name for health in left)}…"),
        )
        has_past = False
        if demo and not ill:
            status.update("Founding the demo company…")
            has_past = _seed_once(settings, console, history=history)
        _keep_api_key(settings)
    _tell(console, installation, ill)
    if has_past:
        _tell_past(settings, console)


def _prepare(settings: Settings) -> _Installation:
    """Decides what is to run; with a private broker, puts its address where every process will read it."""
    _hand_out_keys(settings)
    node = None
    if not os.environ.get("RODIZIO_AMQP_URL"):
        node = fleet.broker_node(settings)
        node.prepare()
        os.environ["RODIZIO_AMQP_URL"] = node.url()
    settings = Settings.load()
    return _Installation(settings, node, fleet.members(settings))


def _hand_out_keys(settings: Settings) -> None:
    """Where the sandbox stands in for a provider, it signs callbacks with keys that only this run knows."""
    keys = new_environment()
    if not (settings.sandbox_url or settings.twilio_account_sid or settings.twilio_auth_token):
        os.environ[TWILIO_TOKEN] = keys[TWILIO_TOKEN]
    if not (settings.sandbox_url or settings.sendgrid_api_key or settings.sandbox_key):
        os.environ.update({name: keys[name] for name in SENDGRID_KEYS})


def _bring_up(installation: _Installation, supervisor: Supervisor, say: Callable[[str], None]) -> None:
    from runtime.migrations import upgrade

    settings, node = installation.settings, installation.node
    programs = [member.program for member in installation.members]
    say("Starting the broker…" if node else "Starting…")
    supervisor.start([*(fleet.broker_programs(node) if node else []), *programs])
    say("Bringing the databases up to date…")
    for owner in OWNERS:
        upgrade(owner, settings)
    say("Waiting for the broker…")
    if node:
        node.wait_ready(BROKER_SECONDS)
    broker.declare_topology(settings.amqp_url, BROKER_SECONDS)
    if node:
        node.sync()
    supervisor.start_programs(program.name for program in programs)


def _watch(supervisor: Supervisor) -> None:
    while supervisor.is_alive:
        supervisor.revive()
        time.sleep(REVIVE_EVERY)
    raise CannotStart("supervisord was killed, and everything ended with it. Start again: rodizio run")


def _seed_once(settings: Settings, console: Console, *, history: bool) -> bool:
    """Founds the demo company where there is nothing yet. Returns: whether its past is still to be told."""
    from cli.demo import seed
    from cli.history import begin, is_begun
    from cli.sign_ins import is_ours_to_fill
    from runtime.errors import Broken, RuntimeRefusal, Unavailable

    founded = settings.var / _SEEDED
    if founded.exists():
        return history and is_begun(settings)
    try:
        if not is_ours_to_fill(settings):
            return False
        history = history and begin(settings)
        seed(settings, bare=history)
    except (RuntimeRefusal, Unavailable, Broken) as error:
        console.print(f"[yellow]The demo company could not be founded ({escape(str(error))}). Try: rodizio demo[/]")
        return False
    founded.touch()
    return history


def _tell_past(settings: Settings, console: Console) -> None:
    """In a thread that ends with us; what it has not told then it tells at the next start."""

    def tell() -> None:
        from cli.history import tell_past

        try:
            tell_past(settings)
        except Exception as error:
            console.print(
                f"[yellow]The past is not complete ({escape(str(error))}). The next start goes on.[/]", soft_wrap=True
            )
        else:
            console.print("[dim]The demo company's past is complete.[/]", soft_wrap=True)

    console.print(
        "\n[dim]The demo company gets its past five weeks now: that takes about half a minute.[/]", soft_wrap=True
    )
    threading.Thread(target=tell, name="demo-history", daemon=True).start()


def _keep_api_key(settings: Settings) -> None:
    """Makes the key kept for this machine's own use when there is none that the gateway knows."""
    from gateway.keys import Keyring, issue
    from runtime.database import open_database

    path = settings.var / KEY_FILE
    database = open_database("gateway", settings)
    try:
        known = path.read_text().strip() if path.exists() else ""
        if known and Keyring(database).holder(known):
            return
        key: str = database.transact(issue, "rodizio run")
    finally:
        database.close()
    path.touch(mode=0o600)
    path.write_text(key + "\n")


def _tell(console: Console, installation: _Installation, ill: list[fleet.Health]) -> None:
    settings = installation.settings
    address = settings.address
    log = settings.var / "log"
    lines = {
        "Address": address,
        **_sign_in_lines(settings),
        **_first_look(settings, address),
        "API": f"{address}/api/docs   (key in {settings.var / KEY_FILE})",
        "Messages": "SMS and e-mail go to nobody: see them in the outbox"
        if fleet.needs_sandbox(settings)
        else "go to real people",
        "Data": f"{settings.var}" if not settings.database_url else f"PostgreSQL, and {settings.var}",
        "Logs": f"{log}",
    }
    if ill:
        console.print(f"[yellow]Running, but not all is well after {START_SECONDS:.0f} s:[/]")
        for health in ill:
            console.print(f"  {health.name}: {escape('; '.join(health.problems))}  (see {log / health.name}.log)")
    else:
        console.print("[bold green]Rodízio is running.[/] Ctrl-C ends it.")
    for name, text in lines.items():
        console.print(f"  [dim]{name:<10}[/] {escape(text)}", soft_wrap=True)


def _sign_in_lines(settings: Settings) -> dict[str, str]:
    """One sign-in of each role; how to make one where nobody signs in."""
    from cli.sign_ins import FILE, has_accounts, read, still_valid

    if not has_accounts(settings):
        return {"Sign in": "nobody can yet: .venv/bin/rodizio account create you@example.com"}
    first = {sign_in.role: sign_in for sign_in in reversed(read(settings))}
    found = still_valid(settings, [first[role] for role in ROLES if role in first])
    if not found:
        return {"Sign in": "a new password: .venv/bin/rodizio account password E-MAIL"}
    width = max(len(sign_in.login) for sign_in in found)
    texts = [f"{sign_in.role:<11}{sign_in.login:<{width}}   {sign_in.password}" for sign_in in found]
    gap = "\n" + " " * 13
    return {"Sign in": gap.join([*texts, f"all of them: {settings.var / FILE}"])}


def _first_look(settings: Settings, address: str) -> dict[str, str]:
    from cli.kitchens import FORM_KEY

    if not (settings.var / _SEEDED).exists():
        return {}
    steps = (
        f"send a lead as a visitor does: {address}/f/{FORM_KEY}",
        "as the manager: Overview, then Leads, to see who has got it, and why",
        "as a seller, best on a phone: Today",
    )
    return {"Look first": ("\n" + " " * 13).join(f"{number}. {step}" for number, step in enumerate(steps, 1))}


def _advice(error: Exception, settings: Settings) -> str:
    match error:
        case AlreadyRunning():
            return f"{error} (folder {settings.var}). Stop it first, or choose another folder with --var."
        case PortTaken(program="gateway"):
            return f"{error}. Choose another with --port."
        case PortTaken():
            return f"{error}. Choose others with RODIZIO_HEALTH_PORT, RODIZIO_LIVE_PORT and RODIZIO_SANDBOX_PORT."
        case CannotStart():
            return f"{error}\nSee {settings.var / 'log'}."
        case _:
            return str(error)


_STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@contextmanager
def _signals_stop() -> Iterator[None]:
    def stop(_number: int, _frame: object) -> NoReturn:
        raise _Stop

    before = [(number, signal.signal(number, stop)) for number in _STOP_SIGNALS]
    try:
        yield
    finally:
        for number, handler in before:
            signal.signal(number, handler)
