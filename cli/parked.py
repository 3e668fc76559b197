"""`rodizio parked` and `rodizio replay`: facts that a service could not handle, seen, tried again, given up."""

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import click
from rich.console import Console
from rich.table import Table

from cli.local import load_settings
from contracts.catalogue import SERVICES
from runtime.errors import Broken, RuntimeRefusal, Unavailable
from runtime.rpc_client import RpcPool

PAGE = 500
ERROR_WIDTH = 80

Items = dict[str, list[dict[str, Any]]]

service_option = click.option("--service", type=click.Choice(SERVICES), help="Of this service only.")
json_option = click.option("--json", "as_json", is_flag=True, help="Print one JSON object, for scripts.")


@contextmanager
def _pool() -> Iterator[RpcPool]:
    pool = RpcPool(load_settings())
    try:
        yield pool
    finally:
        pool.close()


@click.group(invoke_without_command=True)
@click.pass_context
def parked(context: click.Context) -> None:
    """Show and handle facts that a service could not handle: parked ones, and those to be tried again."""
    if context.invoked_subcommand is None:
        context.invoke(list_parked)


@parked.command("list")
@service_option
@json_option
def list_parked(service: str | None = None, as_json: bool = False) -> None:
    """List them, newest first, by service."""
    with _pool() as pool:
        items, away = _gather(pool, service)
    if as_json:
        click.echo(json.dumps({"items": _flat(items), "unreachable": sorted(away)}, ensure_ascii=False))
    else:
        _print_list(items)
    _end(away)


def _print_list(items: Items) -> None:
    shown = _flat(items)
    if not shown:
        click.echo("Nothing is parked.")
        return
    table = Table("service", "id", "queue", "state", "attempts", "error")
    for item in shown:
        table.add_row(
            item["service"], item["id"], item["queue"], _state(item), str(item["attempts"]), item["error"][:ERROR_WIDTH]
        )
    Console(soft_wrap=True).print(table)
    click.echo("rodizio parked show ID tells more; rodizio replay ID tries again; rodizio parked drop ID gives up.")


def _state(item: dict[str, Any]) -> str:
    return "parked" if item["parked_at"] else f"again at {item['due_at']}"


@parked.command("show")
@service_option
@json_option
@click.argument("ids", nargs=-1, required=True, metavar="ID...")
def show_parked(service: str | None, as_json: bool, ids: tuple[str, ...]) -> None:
    """Show everything about some of them, their bodies (up to 4 KB) too."""
    with _pool() as pool:
        items, away = _gather(pool, service)
    found = [item for item in _flat(items) if item["id"] in ids]
    if as_json:
        click.echo(json.dumps({"items": found, "unreachable": sorted(away)}, ensure_ascii=False))
    else:
        for item in found:
            click.echo("\n".join(f"{name}: {value}" for name, value in item.items()) + "\n")
    _refuse_unknown(ids, found, away)


@parked.command("replay")
@service_option
@json_option
@click.option("--all", "everything", is_flag=True, help="Everything that is parked, instead of the IDs.")
@click.argument("ids", nargs=-1, metavar="ID...")
def replay(service: str | None, as_json: bool, everything: bool, ids: tuple[str, ...]) -> None:
    """Try parked facts again at once, with their attempts forgotten. Also: rodizio replay."""
    if everything == bool(ids):
        raise click.UsageError("name the IDs, or say --all")
    _change("parked_replay", "replayed", service, as_json, None if everything else ids)


@parked.command("drop")
@service_option
@json_option
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.argument("ids", nargs=-1, required=True, metavar="ID...")
def drop_parked(service: str | None, as_json: bool, yes: bool, ids: tuple[str, ...]) -> None:
    """Erase them for good: what they would have changed will never change."""
    if not yes:
        click.confirm(f"Erase {len(ids)} for good?", abort=True, err=True)
    _change("parked_drop", "dropped", service, as_json, ids)


def _change(method: str, done: str, service: str | None, as_json: bool, ids: Sequence[str] | None) -> None:
    """Calls `method` of every service that has some of `ids` (None: of everything parked), and tells how many."""
    changed: dict[str, int] = {}
    with _pool() as pool:
        items, away = _gather(pool, service)
        for name, of_service in items.items():
            chosen = [item["id"] for item in of_service if (item["parked_at"] if ids is None else item["id"] in ids)]
            for start in range(0, len(chosen), PAGE):
                part = chosen[start : start + PAGE]
                changed[name] = changed.get(name, 0) + int(_called(pool, name, method, ids=part))
    if as_json:
        click.echo(json.dumps({done: changed, "unreachable": sorted(away)}))
    else:
        told = ", ".join(f"{count} of {name}" for name, count in changed.items())
        click.echo(f"{done}: {told or 'nothing'}")
    _refuse_unknown(ids or (), _flat(items), away)


def _gather(pool: RpcPool, service: str | None) -> tuple[Items, dict[str, str]]:
    """What is failed or parked by service, and the services that do not answer with why."""
    items: Items = {}
    away: dict[str, str] = {}
    for name in (service,) if service else SERVICES:
        try:
            items[name] = list(_pages(pool, name))
        except (Unavailable, Broken) as error:
            away[name] = str(error)
    return items, away


def _pages(pool: RpcPool, service: str) -> Iterator[dict[str, Any]]:
    cursor: str | None = None
    while True:
        page = pool.call(service, "parked_list", cursor=cursor, limit=PAGE)
        yield from ({"service": service, **item} for item in page["items"])
        cursor = page["next"]
        if cursor is None:
            return


def _called(pool: RpcPool, service: str, method: str, **arguments: Any) -> Any:
    try:
        return pool.call(service, method, **arguments)
    except (Unavailable, Broken, RuntimeRefusal) as error:
        raise click.ClickException(f"{service}: {error}") from error


def _flat(items: Items) -> list[dict[str, Any]]:
    return [item for of_service in items.values() for item in of_service]


def _refuse_unknown(ids: Sequence[str], found: list[dict[str, Any]], away: dict[str, str]) -> None:
    known = {item["id"] for item in found}
    unknown = [identifier for identifier in ids if identifier not in known]
    for identifier in unknown:
        click.echo(f"nothing is parked under {identifier}", err=True)
    _end(away, failed=bool(unknown))


def _end(away: dict[str, str], *, failed: bool = False) -> None:
    for service, why in away.items():
        click.echo(f"{service} does not answer: {why}", err=True)
    if away or failed:
        click.get_current_context().exit(1)
