"""What is printed of an import: what is in its file, and what it came to."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import click
from rich.console import Console
from rich.table import Table

from cli.import_follow import Card
from cli.outcome import Outcome, show

PREVIEWED_ROWS = 5


@dataclass(frozen=True)
class Summary:
    """What an import came to.

    form: key of the form, empty for contacts. seconds: from the upload to the last row, as this command saw it.
    assigned_seconds: until assigned.
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
    repeated: int
    created: int
    known: int
    wrong_emails: int
    wrong_phones: int
    seconds: float
    assigned_seconds: float | None = None
    sellers: list[dict[str, Any]] | None = None
    waiting: dict[str, int] | None = None


def preview(card: Card, plan: Mapping[str, Any], as_json: bool) -> None:
    """Prints what is in a file and what its columns would fill."""
    found = card["found"]
    if as_json:
        click.echo(json.dumps({"found": found, "plan": plan, "rows": card["total"]}, ensure_ascii=False))
        return
    console = Console()
    console.print(
        f"{card['name']}: {card['total'] or 0:,} rows, {found['kind']}, {found['encoding']}, "
        f"delimiter {found['delimiter']!r}, header in row {found['header_row']}, dates {plan['dates']}",
        highlight=False,
        markup=False,
    )
    table = Table()
    for name in ("column", "kind", "fills", "first rows"):
        table.add_column(name, overflow="fold")
    for place, (column, target) in enumerate(zip(found["columns"], plan["columns"], strict=True)):
        cells = [str(row[place])[:40] for row in found["rows"][:PREVIEWED_ROWS] if place < len(row) and row[place]]
        fills = "(left out)" if not target else f"(kept as) {target[1:]}" if target.startswith("+") else target
        table.add_row(*(_plainly(text) for text in (column["name"], column["kind"], fills, " | ".join(cells))))
    console.print(table)
    console.print("nothing was loaded")


def _plainly(text: str) -> str:
    return text.replace("[", "\\[")


def tell(summary: Summary, outcome: Outcome | None) -> None:
    """Prints what an import came to."""
    console = Console()
    made = "leads" if summary.form else "rows"
    console.print(
        f"{summary.accepted:,} of {summary.rows:,} rows accepted in {summary.seconds:,.1f} s: {summary.created:,} new "
        f"contacts, {summary.known:,} known, {summary.repeated:,} {made} were in already "
        f"({summary.encoding}, delimiter {summary.delimiter!r})",
        highlight=False,
        markup=False,
        soft_wrap=True,
    )
    if summary.wrong_emails or summary.wrong_phones:
        wrong = f"to mend: {summary.wrong_emails:,} wrong e-mail addresses, {summary.wrong_phones:,} wrong phones"
        console.print(f"{wrong}; see the page Clean up", highlight=False, soft_wrap=True)
    if summary.rejected:
        told = f"rejected: {summary.rejected:,}; see {summary.rejected_file}"
        console.print(told, highlight=False, markup=False, soft_wrap=True)
    if outcome is not None and summary.sellers is not None:
        console.print(f"every lead settled after {summary.assigned_seconds:,.1f} s", highlight=False)
        show(console, summary.sellers, outcome)
