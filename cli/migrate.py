"""`rodizio migrate`: brings databases to the state this version needs."""

import time

import click
import sqlalchemy as sa

from cli.local import load_settings
from runtime.database import open_database
from runtime.migrated import newest
from runtime.settings import OWNERS, Settings
from runtime.trouble import Trouble, classify


@click.command()
@click.argument("owners", nargs=-1, type=click.Choice(OWNERS), metavar="[OWNER]...")
@click.option("--wait", default=60.0, show_default=True, help="Seconds to wait for a database that does not answer.")
def migrate(owners: tuple[str, ...], wait: float) -> None:
    """Bring the databases of the named owners, or of all, to the state this version needs.

    What is done already is not done again. Several may run at the same time, and beside services that work: they
    go on, also those of the version before.
    """
    from runtime.migrations import upgrade

    try:
        settings = load_settings()
        for owner in owners or OWNERS:
            _wait_for(owner, settings, wait)
            upgrade(owner, settings)
            click.echo(f"{owner}: at {newest(owner):04d}")
    except ValueError as error:
        raise click.ClickException(str(error)) from error
    except (sa.exc.SQLAlchemyError, OSError) as error:
        raise click.ClickException(str(error).partition("\n")[0]) from error


def _wait_for(owner: str, settings: Settings, seconds: float) -> None:
    """Returns when the database answers; raises its error when it does not within `seconds`."""
    give_up = time.monotonic() + seconds
    database = open_database(owner, settings)
    try:
        while True:
            try:
                with database.read() as connection:
                    connection.execute(sa.select(sa.literal(1)))
                return
            except sa.exc.SQLAlchemyError as error:
                if classify(error) is not Trouble.OUTAGE or time.monotonic() > give_up:
                    raise
            time.sleep(1)
    finally:
        database.close()
