"""`rodizio import`: a file of contacts becomes leads of a form, in the bulk lane."""

import json
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from cli.api import Api, ApiError
from cli.columns import ColumnMap, NoMatch, match
from cli.local import api_key
from cli.outcome import Outcome, Stalled, seller_rows, show, wait_assigned, wait_captured
from cli.rejected import RejectedRows
from cli.sending import Sent, import_id, send
from cli.tabular import BadFile, Table, open_table
from runtime.settings import Settings

SOME_REJECTED = 3
"""Exit code when the import is done but some rows were not taken."""

_TAB_NAMES = ("tab", "\\t")


@dataclass(frozen=True)
class Summary:
    """What an import came to.

    captured: leads it has by now. seconds: until captured. assigned_seconds: until assigned.
    """

    file: str
    form: str
    import_id: str
    encoding: str
    delimiter: str
    rows: int
    accepted: int
    rejected: int
    rejected_file: str | None
    captured: int
    seconds: float
    assigned_seconds: float | None = None
    sellers: list[dict[str, Any]] | None = None
    waiting: dict[str, int] | None = None


@dataclass(frozen=True)
class _Job:
    """One import and how it is shown.

    patience: seconds to put up with a system that is busy, away or at a standstill.
    """

    api: Api
    form: dict[str, Any]
    table: Table
    columns: ColumnMap
    identifier: str
    rejected: Path
    console: Console
    patience: float


@click.command("import")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--form", "form_key", required=True, metavar="KEY", help="Key of the form whose leads these become.")
@click.option("--api", "address", metavar="URL", help="Address of the gateway; by default the one on this machine.")
@click.option("--key", envvar="RODIZIO_API_KEY", show_envvar=True, help="Key of the API; by default this machine's.")
@click.option("--encoding", help="utf-8, latin-1, cp1252, …; told by itself when left out.")
@click.option("--delimiter", help="One character, or tab; told by itself when left out.")
@click.option(
    "--map",
    "chosen",
    multiple=True,
    metavar="COLUMN=FIELD",
    help="Which field a column fills, where the names differ. COLUMN= leaves the column out. May be repeated.",
)
@click.option(
    "--rejected",
    "rejected_path",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Where rejected rows are written; by default FILE.rejected.csv beside the file.",
)
@click.option(
    "--wait-assigned",
    "until_assigned",
    is_flag=True,
    help="Wait until every row has a seller or a reason to wait, and show who got how many.",
)
@click.option(
    "--patience", default=300.0, show_default=True, metavar="SECONDS", help="How long to wait while nothing moves."
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object, for scripts.")
def import_file(
    file: Path,
    form_key: str,
    address: str | None,
    key: str | None,
    encoding: str | None,
    delimiter: str | None,
    chosen: tuple[str, ...],
    rejected_path: Path | None,
    until_assigned: bool,
    patience: float,
    as_json: bool,
) -> None:
    """Import a CSV or TXT FILE of contacts as leads of a form.

    The first row names the columns; those named like a field of the form fill it, others go along under their own
    names. Importing the same file again is harmless: what is there already stays as it is.

    Exit code: 0 every row was taken, 1 it failed, 2 wrong usage, 3 some rows were rejected.
    """
    rejected_path = rejected_path or file.with_name(f"{file.stem}.rejected.csv")
    if rejected_path.resolve() == file.resolve():
        raise click.UsageError("--rejected must be another file than the one to import")
    mapping, character = _chosen(chosen), _character(delimiter)
    try:
        table = open_table(file, encoding, character)
        api = _api(address, key, patience)
        form = _form(api, form_key)
        columns = match(table.header, form, mapping)
        identifier = import_id(table.digest, str(form["form_id"]))
        # Progress and remarks go to standard error: standard output is for the result.
        job = _Job(api, form, table, columns, identifier, rejected_path, Console(stderr=True, quiet=as_json), patience)
        summary, outcome = _run(job, until_assigned)
    except (BadFile, NoMatch, ApiError, Stalled) as error:
        raise click.ClickException(str(error)) from error
    if as_json:
        click.echo(json.dumps(asdict(summary), ensure_ascii=False))
    else:
        _tell(summary, outcome)
    if summary.rejected:
        click.get_current_context().exit(SOME_REJECTED)


def _api(address: str | None, key: str | None, patience: float) -> Api:
    settings = Settings.load()
    key = key or api_key(settings)
    if key is None:
        raise ApiError("no key for the API: give one with --key or RODIZIO_API_KEY")
    return Api(address or settings.address, key, patience)


def _chosen(texts: tuple[str, ...]) -> dict[str, str]:
    pairs = {}
    for text in texts:
        column, equals, target = text.rpartition("=")
        if not equals or not column.strip():
            raise click.BadParameter(f"{text!r} is not COLUMN=FIELD", param_hint="--map")
        pairs[column.strip()] = target.strip()
    return pairs


def _character(delimiter: str | None) -> str | None:
    if delimiter is None:
        return None
    character = "\t" if delimiter.lower() in _TAB_NAMES else delimiter
    if len(character) != 1 or character in '\r\n"':
        raise click.BadParameter(f"{delimiter!r} is not one character", param_hint="--delimiter")
    return character


def _form(api: Api, form_key: str) -> dict[str, Any]:
    forms = {form["key"]: form for form in api.items("/forms")}
    if form_key in forms:
        return forms[form_key]
    known = f"there are: {', '.join(sorted(forms))}" if forms else "there are none yet; make one, or type rodizio demo"
    raise ApiError(f"there is no form {form_key!r}; {known}")


def _run(job: _Job, until_assigned: bool) -> tuple[Summary, Outcome | None]:
    began = time.monotonic()
    with RejectedRows(job.rejected, job.table.header) as rejected, _progress(job.console) as progress:
        sent = _send(job, rejected, progress)
        captured = _captured(job, sent, progress)
    seconds = time.monotonic() - began
    summary = Summary(
        file=str(job.table.path),
        form=str(job.form["key"]),
        import_id=job.identifier,
        encoding=job.table.encoding,
        delimiter=job.table.dialect.delimiter or "",
        rows=sent.rows,
        accepted=sent.accepted,
        rejected=sent.rejected,
        rejected_file=str(job.rejected) if sent.rejected else None,
        captured=captured,
        seconds=round(seconds, 2),
    )
    if not until_assigned:
        return summary, None
    with job.console.status("waiting for every lead to have a seller or a reason to wait"):
        outcome = wait_assigned(job.api, job.identifier, job.patience)
    assigned = {
        "assigned_seconds": round(time.monotonic() - began, 2),
        "sellers": seller_rows(job.api, outcome, str(job.form["form_id"])),
        "waiting": dict(outcome.waiting),
    }
    return Summary(**{**asdict(summary), **assigned}), outcome


def _progress(console: Console) -> Progress:
    return Progress(
        TextColumn("{task.description:>8}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[remark]}"),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
        console=console,
    )


def _send(job: _Job, rejected: RejectedRows, progress: Progress) -> Sent:
    task = progress.add_task("sent", total=job.table.rows, remark="")

    def advance(sent: Sent) -> None:
        remark = f"{sent.rejected:,} rejected" if sent.rejected else ""
        progress.update(task, completed=sent.rows, remark=remark)

    return send(job.api, job.table, job.columns, job.identifier, str(job.form["key"]), rejected, advance)


def _captured(job: _Job, sent: Sent, progress: Progress) -> int:
    task = progress.add_task("captured", total=sent.accepted, remark="")
    return wait_captured(
        job.api, job.identifier, sent.accepted, job.patience, lambda count: progress.update(task, completed=count)
    )


def _tell(summary: Summary, outcome: Outcome | None) -> None:
    console = Console()
    console.print(
        f"{summary.accepted:,} of {summary.rows:,} rows accepted, {summary.captured:,} leads captured"
        f" in {summary.seconds:,.1f} s ({summary.encoding}, delimiter {summary.delimiter!r})",
        highlight=False,
    )
    if summary.rejected:
        told = f"rejected: {summary.rejected:,}; see {summary.rejected_file}"
        console.print(told, highlight=False, soft_wrap=True)
    if outcome is not None and summary.sellers is not None:
        console.print(f"every lead settled after {summary.assigned_seconds:,.1f} s", highlight=False)
        show(console, summary.sellers, outcome)
