"""`rodizio demo`: a small company that makes kitchens, so that there is somebody to assign a lead to."""

import json

import click

from cli import sign_ins
from cli.company import found
from cli.kitchens import COMPANY, FORM_KEY
from cli.local import load_settings
from runtime.errors import Broken, RuntimeRefusal, Unavailable
from runtime.rpc_client import RpcPool
from runtime.settings import Settings

PATIENCE = 60.0
"""Seconds to wait for services that are starting."""

_LEAD = {"name": "Ana Silva", "email": "ana.silva@example.com", "phone": "912 345 678", "message": "Quero um orçamento"}


def seed(settings: Settings, *, bare: bool = False) -> None:
    """Founds the demo company and those who sign in to it, or what is missing; waits for services that are starting.

    bare: new sellers have no hours, caps or channels yet; `cli.history` gives them theirs once it has told the past.

    Raises:
        Unavailable: a service stayed away for too long.
    """
    rpc = RpcPool(settings)
    try:
        found(rpc, COMPANY, PATIENCE, bare=bare)
        sign_ins.open_accounts(settings, rpc)
    finally:
        rpc.close()


@click.command()
@click.option(
    "--history/--no-history", default=True, help="Tell its past five weeks too, where there are no leads yet."
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object, for scripts.")
def demo(history: bool, as_json: bool) -> None:
    """Found the demo company if it is not there yet, and say how to post a lead to it."""
    from cli.history import begin, tell_past

    settings = load_settings()
    try:
        history = history and begin(settings)
        seed(settings, bare=history)
        if history:
            tell_past(settings)
    except (Unavailable, RuntimeRefusal) as error:
        raise click.ClickException(f"{error}. Is Rodízio running (rodizio run)?") from error
    except Broken as error:
        raise click.ClickException(f"{error}. Its log says why (rodizio doctor)") from error
    address = f"{settings.address}/f/{FORM_KEY}"
    if as_json:
        click.echo(json.dumps({"form_key": FORM_KEY, "address": address}))
        return
    click.echo("Post a lead as a form does, or as JSON:\n")
    typed = " ".join(f"--data-urlencode '{name}={value}'" for name, value in _LEAD.items())
    click.echo(f"  curl -H 'Accept: application/json' {address} {typed}\n")
    document = json.dumps(_LEAD, ensure_ascii=False)
    click.echo(f"  curl {address} -H 'Content-Type: application/json' -d '{document}'")
