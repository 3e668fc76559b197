"""`rodizio topology`: exchanges, queues and bindings, as they should be and as they are."""

import json
import subprocess
from collections.abc import Iterable
from dataclasses import asdict
from urllib.parse import unquote, urlsplit

import click
from rich.console import Console
from rich.table import Table

from cli.local import load_settings, private_node
from runtime.settings import Settings
from runtime.topology import Binding, bindings
from runtime.topology_check import CannotLook, Difference, Found, Pruned, compare, look_at_api, look_at_node, prune


@click.command()
@click.option(
    "--list", "action", flag_value="list", default=True, help="Show what the contracts call for (the default)."
)
@click.option("--check", "action", flag_value="check", help="Compare with the broker; exit code 1 on any difference.")
@click.option("--prune", "action", flag_value="prune", help="Remove what nothing reads: empty queues, stray bindings.")
@click.option("--force", is_flag=True, help="With --prune: remove orphan queues with everything that waits in them.")
@click.option(
    "--rabbitmq-api",
    envvar="RODIZIO_RABBITMQ_API",
    show_envvar=True,
    metavar="URL",
    help="RabbitMQ's management API, where the broker is not the one of rodizio run.",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object, for scripts.")
def topology(action: str, force: bool, rabbitmq_api: str | None, as_json: bool) -> None:
    """Show, check or prune the exchanges, queues and bindings on the broker."""
    if force and action != "prune":
        raise click.UsageError("--force goes with --prune")
    if action == "list":
        _list(as_json)
        return
    settings = load_settings()
    try:
        difference = compare(_look(settings, rabbitmq_api))
        pruned = prune(settings.amqp_url, difference, force=force) if action == "prune" else None
    except CannotLook as error:
        raise click.ClickException(str(error)) from error
    if as_json:
        click.echo(json.dumps({**asdict(difference), "pruned": asdict(pruned) if pruned else None}))
    else:
        _tell(difference, pruned)
    left = pruned.kept if pruned else not difference.is_none
    if left or not difference.is_complete:
        click.get_current_context().exit(1)


def _list(as_json: bool) -> None:
    expected = bindings()
    if as_json:
        click.echo(json.dumps({"bindings": [asdict(binding) for binding in expected]}))
        return
    table = Table("queue", "exchange", "routing key")
    for binding in expected:
        table.add_row(binding.queue, binding.exchange, binding.routing_key)
    Console().print(table)


def _look(settings: Settings, rabbitmq_api: str | None) -> Found:
    if rabbitmq_api:
        return look_at_api(rabbitmq_api, settings.amqp_url)
    node = private_node(settings)
    if node is None:
        raise CannotLook(
            "this broker shows its bindings only through its management API: enable it with "
            "rabbitmq-plugins enable rabbitmq_management and set RODIZIO_RABBITMQ_API=http://host:15672"
        )
    try:
        return look_at_node(node, unquote(urlsplit(settings.amqp_url).path[1:]) or "/")
    except (subprocess.SubprocessError, OSError) as error:
        why = (getattr(error, "stderr", "") or str(error)).strip().splitlines()
        raise CannotLook(f"the private broker does not tell; is it running? {why[0] if why else ''}") from error


def _tell(difference: Difference, pruned: Pruned | None) -> None:
    if difference.is_none:
        click.echo("The broker has what the contracts call for, and nothing else of ours.")
        return
    _lines("missing queue", difference.missing_queues)
    _lines("missing binding", map(_spoken, difference.missing_bindings))
    if not difference.is_complete:
        click.echo("Any process of Rodízio declares what is missing when it starts.")
    if pruned is None:
        _lines("orphan queue", difference.orphan_queues)
        _lines("orphan binding", map(_spoken, difference.orphan_bindings))
        if difference.orphan_queues or difference.orphan_bindings:
            click.echo("rodizio topology --prune removes orphans.")
        return
    _lines("removed queue", pruned.queues)
    _lines("removed binding", map(_spoken, pruned.bindings))
    _lines(
        "kept queue", (f"{queue}: {reason}; --force removes it all the same" for queue, reason in pruned.kept.items())
    )


def _lines(what: str, things: Iterable[str]) -> None:
    for thing in things:
        click.echo(f"{what}: {thing}")


def _spoken(binding: Binding) -> str:
    return f"{binding.queue} to {binding.exchange} by {binding.routing_key}"
