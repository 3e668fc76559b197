"""`rodizio replay`: parked facts tried again, or what reporting shows built again from everything it heard."""

import json
import time
from dataclasses import asdict, replace

import click
import sqlalchemy as sa
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from cli.local import load_settings
from cli.parked import replay as replay_parked
from runtime.database import open_database
from services.reporting.handlers.replay import Overtaken
from services.reporting.handlers.replay import replay as build_again

_LONGEST_SECONDS = 600.0
"""An index over all journeys takes longer than any statement of a service may."""


class _ReplayGroup(click.Group):
    """What is no command's name belongs to the first there was: `rodizio replay ID` and `rodizio replay --all`."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        if args and args[0] not in (*self.commands, *ctx.help_option_names):
            args = ["parked", *args]
        return super().parse_args(ctx, args)


@click.group(cls=_ReplayGroup)
def replay() -> None:
    """Do again what was heard.

    rodizio replay ID... (or --all) tries parked facts again; rodizio replay reporting builds what reporting shows again
    from its log.
    """


replay.add_command(replay_parked, "parked")


@replay.command("reporting")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object, for scripts.")
def replay_reporting(as_json: bool) -> None:
    """Build counts, overviews and reports again from the log of facts, while the service runs. Until it is done the old
    numbers are shown; broken off it changes nothing, and can be begun again."""
    database = open_database("reporting", replace(load_settings(), sql_timeout_seconds=_LONGEST_SECONDS))
    began = time.monotonic()
    columns = (TextColumn("facts"), BarColumn(), TaskProgressColumn(), TimeElapsedColumn(), TimeRemainingColumn())
    try:
        with Progress(*columns, console=Console(stderr=True)) as bar:
            task = bar.add_task("", total=None)
            done = build_again(database, lambda last, newest: bar.update(task, completed=last, total=newest))
    except Overtaken:
        raise click.ClickException("somebody has begun another replay; the numbers are as they were") from None
    except sa.exc.DBAPIError as error:
        raise click.ClickException(f"reporting's database: {error.orig}. The numbers are as they were") from error
    finally:
        database.close()
    seconds = time.monotonic() - began
    if as_json:
        click.echo(json.dumps({**asdict(done), "seconds": round(seconds, 3)}))
        return
    click.echo(f"built again from {done.facts:,} facts in {seconds:.1f} s")
    if done.unknown:
        click.echo(f"{done.unknown:,} facts are of types that there no longer are: they count nowhere", err=True)
