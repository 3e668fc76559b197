"""`rodizio import`: a file of clients is uploaded, looked at, and becomes contacts or leads of a form."""

import json
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import click
from rich.console import Console

from cli.api import Api, ApiError
from cli.import_follow import Card, Job, Unfinished, bar, followed, following, interrupted, until
from cli.import_plan import NoMatch, columns_of, explained
from cli.import_result import Summary, preview, tell
from cli.local import api_key
from cli.outcome import Outcome, Stalled, seller_rows, wait_assigned
from cli.uploading import BadFile, upload
from runtime.settings import Settings

SOME_REJECTED = 3
"""Exit code when the import is done but some rows were not taken."""

_TAB_NAMES = ("tab", "\\t")


@dataclass(frozen=True)
class Options:
    """What was said on the command line of what becomes of the rows. form: None for contacts of the base."""

    form: Mapping[str, Any] | None
    chosen: Mapping[str, str]
    reading: Mapping[str, str]
    source: str
    region: str | None
    status: str
    dates: str | None
    mapping: str | None
    one_lead_each: bool


@click.command("import")
@click.argument("file", type=click.Path(path_type=Path), required=False)
@click.option("--form", "form_key", metavar="KEY", help="Rows become leads of this form, distributed at once.")
@click.option("--contacts", "as_contacts", is_flag=True, help="Rows become contacts of the base; nobody is told.")
@click.option("--api", "address", metavar="URL", help="Address of the gateway; by default the one on this machine.")
@click.option("--key", envvar="RODIZIO_API_KEY", show_envvar=True, help="Key of the API; by default this machine's.")
@click.option("--source", default="", help="Where these clients come from; by default the form's source, or the file.")
@click.option("--region", metavar="COUNTRY", help="Country of phones without a prefix, such as PT.")
@click.option("--status", type=click.Choice(["potential", "client"]), default="potential", show_default=True)
@click.option("--one-lead-each", is_flag=True, help="One lead for each client, however many rows.")
@click.option("--encoding", help="utf-8, latin-1, cp1252, …; told by itself when left out.")
@click.option("--delimiter", help="One character, or tab; told by itself when left out.")
@click.option("--sheet", help="Sheet of a workbook; the first by default.")
@click.option("--dates", type=click.Choice(["dmy", "mdy", "ymd"]), help="Order of dates; told by itself when left out.")
@click.option("--mapping", metavar="NAME", help="A mapping saved on the page; the one that fits is taken by itself.")
@click.option(
    "--map",
    "chosen",
    multiple=True,
    metavar="COLUMN=TARGET",
    help="What a column fills; +NAME keeps it under that name, COLUMN= leaves it out. May be repeated.",
)
@click.option(
    "--rejected",
    "rejected_path",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Where rejected rows are written; by default FILE.rejected.csv beside the file.",
)
@click.option("--dry-run", is_flag=True, help="Show what is in the file and what its columns would fill; load nothing.")
@click.option(
    "--wait-assigned",
    "until_assigned",
    is_flag=True,
    help="Wait until every row has a seller or a reason to wait, and show who got how many.",
)
@click.option("--resume", "resumed", metavar="ID", help="Go on with an import that was paused, and follow it.")
@click.option("--pause", "paused", metavar="ID", help="Pause an import.")
@click.option(
    "--patience", default=300.0, show_default=True, metavar="SECONDS", help="How long to wait while nothing moves."
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object, for scripts.")
def import_file(
    file: Path | None,
    form_key: str | None,
    as_contacts: bool,
    address: str | None,
    key: str | None,
    rejected_path: Path | None,
    dry_run: bool,
    until_assigned: bool,
    resumed: str | None,
    paused: str | None,
    patience: float,
    as_json: bool,
    **said: Any,
) -> None:
    """Import a CSV, text or Excel FILE of clients: as leads of a form, or as contacts.

    The file is uploaded, and loaded in the background: Ctrl-C stops following it, not the import. Importing the same
    file again is harmless: what is there already stays as it is.

    Exit code: 0 every row was taken, 1 it failed, 2 wrong usage, 3 some rows were rejected, 130 interrupted.
    """
    if (file is not None) + bool(resumed) + bool(paused) != 1:
        raise click.UsageError("give a FILE, or --resume ID, or --pause ID")
    if file is not None and bool(form_key) == as_contacts:
        raise click.UsageError("say what the rows become: --form KEY for leads, or --contacts")
    rejected_path = rejected_path or (file.with_name(f"{file.stem}.rejected.csv") if file else None)
    if file is not None and rejected_path is not None and rejected_path.resolve() == file.resolve():
        raise click.UsageError("--rejected must be another file than the one to import")
    chosen, delimiter = _chosen(said.pop("chosen")), _character(said.pop("delimiter"))
    reading = {"encoding": said.pop("encoding"), "delimiter": delimiter, "sheet": said.pop("sheet")}
    began, summary, outcome = time.monotonic(), None, None
    try:
        api = _api(address, key, patience)
        # Progress and remarks go to standard error: standard output is for the result.
        job = Job(api, Console(stderr=True, quiet=as_json), patience)
        if paused:
            card = api.post(f"/imports/{paused}/pause", {})
            click.echo(json.dumps(card) if as_json else f"paused; go on with: rodizio import --resume {paused}")
            return
        form = _form(api, form_key) if form_key else None
        if file is not None:
            given = {name: value for name, value in reading.items() if value}
            options = Options(form=form, chosen=chosen, reading=given, **said)
            card = _uploaded(job, file, options)
            plan = _plan(job, card, options)
            if dry_run:
                api.post(f"/imports/{card['import_id']}/cancel", {})
                preview(card, plan, as_json)
                return
            card = _started(job, card, plan)
        else:
            card = _resumed(job, str(resumed))
        card = followed(job, card)
        summary = _summary(job, card, form, str(file or card["name"]), rejected_path, began)
        if until_assigned and card["form_id"]:
            summary, outcome = _assigned(job, card, summary, began)
    except (BadFile, NoMatch, ApiError, Stalled, Unfinished) as error:
        raise click.ClickException(str(error)) from error
    if as_json:
        click.echo(json.dumps(asdict(summary), ensure_ascii=False))
    else:
        tell(summary, outcome)
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
            raise click.BadParameter(f"{text!r} is not COLUMN=TARGET", param_hint="--map")
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


def _uploaded(job: Job, path: Path, options: Options) -> Card:
    """The import of a file that is there and was looked at."""
    begun: list[str] = []
    with bar(job.console, "sent") as (progress, task):

        def begins(import_id: str, size: int) -> None:
            begun.append(import_id)
            progress.update(task, total=size)

        try:
            card = upload(job.api, path, begins, lambda received: progress.update(task, completed=received))
        except BaseException as error:
            if begun and not isinstance(error, ApiError):
                _give_up(job.api, begun[0])
            if isinstance(error, KeyboardInterrupt):
                interrupted("interrupted before the file was there: nothing was imported")
            raise
    with job.console.status("the file is being looked at"), following(card):
        if options.reading:
            card = job.api.post(f"/imports/{card['import_id']}/examine", dict(options.reading))
        card = until(job, card, lambda _card: None)
    if card["state"] == "failed":
        raise Unfinished(f"{path}: {card['problem']['message']}")
    return card


def _give_up(api: Api, import_id: str) -> None:
    with suppress(ApiError):  # it is forgotten by itself after a while
        api.post(f"/imports/{import_id}/cancel", {})


def _plan(job: Job, card: Card, options: Options) -> dict[str, Any]:
    if card["state"] != "ready":
        raise Unfinished(f"import {card['import_id']} is {card['state']}: somebody did that meanwhile")
    wanted = options.mapping or card["found"]["mapping"]
    kept = {mapping["name"]: mapping for mapping in job.api.get("/imports/mappings")["items"]} if wanted else {}
    if options.mapping and options.mapping not in kept:
        raise NoMatch(f"there is no mapping {options.mapping!r}; there are: {', '.join(sorted(kept)) or 'none'}")
    mapping = kept.get(wanted)
    columns = columns_of(card["found"], options.form, options.chosen, mapping)
    before = mapping["plan"] if mapping else {}
    own = options.form or {}
    plan = {
        "makes": "leads" if options.form else "contacts",
        "source": options.source or before.get("source", ""),
        "region": options.region or before.get("region") or own.get("region") or "PT",
        "status": options.status,
        "one_lead_each": options.one_lead_each,
        "dates": options.dates or card["found"]["dates"],
        "columns": columns,
    }
    return plan | ({"form_id": own["form_id"]} if own else {})


def _started(job: Job, card: Card, plan: dict[str, Any]) -> Card:
    try:
        started: Card = job.api.post(f"/imports/{card['import_id']}/start", {"plan": plan, "version": card["version"]})
    except ApiError as error:
        _give_up(job.api, card["import_id"])
        if error.errors:
            raise NoMatch(explained(error.errors, card["found"])) from error
        raise
    return started


def _resumed(job: Job, import_id: str) -> Card:
    card: Card = job.api.get(f"/imports/{import_id}")
    if card.get("state") in ("paused", "failed"):
        card = job.api.post(f"/imports/{import_id}/resume", {})
    if card.get("state") not in ("loading", "done"):
        raise Unfinished(f"import {import_id} cannot go on: it is {card.get('state', 'not of a file')}")
    return card


def _summary(
    job: Job, card: Card, form: Mapping[str, Any] | None, file: str, rejected: Path | None, began: float
) -> Summary:
    counts = ("accepted", "rejected", "repeated", "created", "known", "wrong_emails", "wrong_phones")
    path = rejected or Path(f"{Path(card['name']).stem}.rejected.csv")
    if card["rejected"]:
        try:
            job.api.download(f"/imports/{card['import_id']}/rejected.csv", path)
        except OSError as error:
            said = f"{path}: the rejected rows cannot be written: {error.strerror}; they are on the page Imports, too"
            raise BadFile(said) from error
    return Summary(
        file=file,
        form=str(form["key"]) if form else "",
        import_id=card["import_id"],
        encoding=str(card["found"].get("encoding", "")),
        delimiter=str(card["found"].get("delimiter", "")),
        rows=card["total"] or 0,
        rejected_file=str(path) if card["rejected"] else None,
        seconds=round(time.monotonic() - began, 2),
        **{name: card[name] for name in counts},
    )


def _assigned(job: Job, card: Card, summary: Summary, began: float) -> tuple[Summary, Outcome]:
    # Rows that were in already are leads of the import that brought them.
    imports = [card["import_id"], *([card["same_as"]] if card["same_as"] and card["repeated"] else [])]
    with job.console.status("waiting for every lead to have a seller or a reason to wait"):
        outcome = wait_assigned(job.api, imports, job.patience)
    assigned = {
        "assigned_seconds": round(time.monotonic() - began, 2),
        "sellers": seller_rows(job.api, outcome, str(card["form_id"])),
        "waiting": dict(outcome.waiting),
    }
    return Summary(**{**asdict(summary), **assigned}), outcome
