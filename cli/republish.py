"""`rodizio republish`: what an owner knows is told again, for a service that began to keep it later."""

import click

from cli.local import load_settings
from runtime.errors import Broken, RuntimeRefusal, Unavailable
from runtime.rpc_client import RpcPool

_OWNERS = {"sellers": ("distribution", "republish_sellers")}


@click.command()
@click.argument("what", type=click.Choice(list(_OWNERS)))
def republish(what: str) -> None:
    """Tell everybody of all sellers again, as they are. Whoever knows them already changes nothing."""
    pool = RpcPool(load_settings())
    service, method = _OWNERS[what]
    try:
        count = pool.call(service, method)
    except (Unavailable, Broken, RuntimeRefusal) as error:
        raise click.ClickException(f"{service}: {error}") from error
    finally:
        pool.close()
    click.echo(f"told: {count} {what}")
