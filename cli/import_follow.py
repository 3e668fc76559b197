"""An import as the command line follows it, until it has ended or stands still."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import click
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from cli.api import Api
from cli.outcome import Stalled

INTERRUPTED = 130
"""Exit code after Ctrl-C."""

LOOK_EVERY = 0.5
"""Seconds between two looks."""

_MOVING = ("examining", "loading")

Card = dict[str, Any]
"""An import, as the API shows it."""


class Unfinished(Exception):
    """The import stopped before its end; the message is one line that says why and what to do."""


@dataclass(frozen=True)
class Job:
    """How an import is made and shown. patience: seconds to put up with a system that is busy or at a standstill."""

    api: Api
    console: Console
    patience: float


def followed(job: Job, card: Card) -> Card:
    """The import when it has ended.

    Raises:
        Unfinished: it was stopped or failed. ApiError; Stalled.
    """
    with bar(job.console, "loaded") as (progress, task), following(card):

        def told(card: Card) -> None:
            remark = f"{card['rejected']:,} rejected" if card["rejected"] else ""
            progress.update(task, total=card["total"], completed=card["accepted"] + card["rejected"], remark=remark)

        card = until(job, card, told)
    import_id = card["import_id"]
    if card["state"] == "failed":
        raise Unfinished(f"{card['problem']['message']}; mend that, then: rodizio import --resume {import_id}")
    if card["state"] != "done":
        raise Unfinished(f"somebody {card['state']} it; go on with: rodizio import --resume {import_id}")
    return card


def until(job: Job, card: Card, told: Callable[[Card], None]) -> Card:
    """The import when it does not move by itself any more. told: shows it at every look.

    Raises:
        ApiError; Stalled.
    """
    moved_at = time.monotonic()
    while card["state"] in _MOVING:
        told(card)
        time.sleep(LOOK_EVERY)
        now: Card = job.api.get(f"/imports/{card['import_id']}")
        if now["state"] != card["state"] or now["next_row"] != card["next_row"]:
            moved_at = time.monotonic()
        elif time.monotonic() - moved_at > job.patience:
            raise Stalled(f"import {card['import_id']} does not move; is the loader running (rodizio doctor)?")
        card = now
    told(card)
    return card


@contextmanager
def following(card: Card) -> Iterator[None]:
    """Says after Ctrl-C what becomes of the import."""
    import_id = card["import_id"]
    try:
        yield
    except KeyboardInterrupt:
        interrupted(
            f"import {import_id} goes on in the background; follow it again with rodizio import --resume {import_id}, "
            f"stop it with rodizio import --pause {import_id}"
            if card["state"] == "loading"
            else f"import {import_id} waits on the page Imports; nothing is loaded"
        )


def interrupted(told: str) -> None:
    """Ends the command as Ctrl-C does, after a word on what that means."""
    click.echo(told, err=True)
    raise click.exceptions.Exit(INTERRUPTED)


@contextmanager
def bar(console: Console, name: str) -> Iterator[tuple[Progress, TaskID]]:
    """A progress bar of one task; its total is given when it is known."""
    columns = (TextColumn("{task.description:>8}"), BarColumn(), TextColumn("{task.percentage:>3.0f}%"))
    more = (TextColumn("{task.fields[remark]}"), TimeElapsedColumn(), TimeRemainingColumn())
    with Progress(*columns, *more, console=console) as progress:
        yield progress, progress.add_task(name, total=None, remark="")
