"""A company moves in with a real file: uploaded on the page, distributed, worked to the end, and counted.

The file is the UCI "Bank Marketing" table (see docs/real-data.md), which the project does not ship: `make proof
BANK=bank-telemarketing.csv` runs this. Every client is called as often as the file says and ends as the file says; what
the reports then tell is compared with what a few lines of Python count in the file. ROWS=5000 takes every eighth.
"""

import csv
import io
import os
import sqlite3
import time
from collections import Counter, defaultdict
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from browsing_cases import House, Words, sign_in
from playwright.sync_api import Browser, Locator, Page, expect
from process_cases import until

from contracts.access import Actor
from runtime.rpc_client import RpcPool
from runtime.settings import Settings
from tools.bank_leads import contact

pytestmark = [pytest.mark.proof, pytest.mark.timeout(7200)]

KINDS = {"cellular": "Telemóvel", "telephone": "Fixo"}
"""How the client was called: a file, a form and a source of its own each."""

SELLERS = {"Alice": 13, "Bernardo": 8, "Camila": 5, "Dinis": 3, "Elsa": 2, "Fausto": 1}
CALLERS = 6
LOAD_SECONDS = 900
LISTED = 30
"""Leads of a page of the list behind a number."""

Row = dict[str, str]


@pytest.fixture(scope="module")
def bank() -> list[Row]:
    """The file's rows, each with a client made up from its number."""
    path = os.environ.get("BANK")
    if not path:
        pytest.skip("BANK names no file: make proof BANK=bank-telemarketing.csv")
    with Path(path).open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    rows = rows[:: max(1, len(rows) // int(os.environ.get("ROWS") or len(rows)))]
    for number, row in enumerate(rows):
        row["linha"] = str(number)
        row["nome"], row["e-mail"], row["telemóvel"] = contact(number)
    return rows


def _price(row: Row) -> int:
    """What a deposit is worth, in cents: any number will do that differs from client to client."""
    return 100_000 + 1_000 * int(row["age"]) + int(row["linha"]) % 97


def _as_file(rows: list[Row], kind: str) -> bytes:
    text = io.StringIO(newline="")
    names = ["linha", "nome", "e-mail", "telemóvel", "age", "job", "marital", "education", "month", "campaign"]
    writer = csv.DictWriter(text, names, delimiter=";", extrasaction="ignore")
    writer.writeheader()
    writer.writerows(row for row in rows if row["contact"] == kind)
    return text.getvalue().encode("latin-1")


@pytest.mark.feature("CAP-5", "REP-2", "REP-5", "REP-11")
def test_a_real_campaign_from_its_file_to_its_reports(
    house: House, browser: Browser, bank: list[Row], tmp_path: Path
) -> None:
    began = datetime.now(UTC) - timedelta(minutes=1)
    team, sellers = _found(house)
    forms = {kind: _form(house, kind, team) for kind in KINDS}
    manager = house.enlist("bank.manager@example.com", "manager", locale="en")
    with browser.new_context(base_url=house.address, locale="en-GB") as context:
        page = context.new_page()
        sign_in(page, Words("en"), manager, house.sign_ins[manager])
        for kind in KINDS:
            path = tmp_path / f"clientes-{kind}.csv"
            path.write_bytes(_as_file(bank, kind))
            _upload(page, path, kind, sum(row["contact"] == kind for row in bank))
        _wait_assigned(house, began, len(bank))
        whose = _work(house, bank, sellers)
        _compare(house, bank, forms, sellers, whose, began)
        _look(page, bank, whose)


def _found(house: House) -> tuple[str, dict[str, str]]:
    team = house.api("POST", "/teams", {"name": "Banco", "time_zone": "Europe/Lisbon"})["team_id"]
    return team, {
        name: house.api(
            "POST",
            "/sellers",
            {"name": name, "weight": weight, "teams": [team], "time_zone": "Europe/Lisbon", "locale": "pt"},
        )["seller_id"]
        for name, weight in SELLERS.items()
    }


def _form(house: House, kind: str, team: str) -> str:
    fields = [
        {"name": "nome", "role": "name"},
        {"name": "e-mail", "kind": "email", "role": "email"},
        {"name": "telemóvel", "kind": "phone", "role": "phone"},
    ]
    form = {"key": f"banco-{kind}", "name": KINDS[kind], "source": f"banco {kind}", "channel": "import"}
    made = house.api("POST", "/forms", {**form, "fields": fields, "locale": "pt", "region": "PT"})
    house.api("PUT", f"/rules/{made['form_id']}", {"team_id": team})
    return str(made["form_id"])


def _upload(page: Page, path: Path, kind: str, rows: int) -> None:
    page.goto("/imports/new")
    page.locator("#file").set_input_files(path)
    expect(page.locator("#plan")).to_be_visible(timeout=120_000)
    chosen = {name: page.locator(f"#column-{place}").input_value() for place, name in enumerate(("linha", "nome"))}
    assert chosen == {"linha": "+linha", "nome": "name"}, "it sees by itself what columns are"
    page.locator("input[name=makes][value=leads]").check()
    page.locator("select[name=form_id]").select_option(label=_label(page, KINDS[kind]))
    page.locator("input[name=one_lead_each]").uncheck()
    page.locator("input[name=source]").fill(f"banco {kind}")
    page.locator("#plan button.btn-primary").click()
    shown = page.locator("#progress")
    expect(shown).to_contain_text(f"{rows:,}", timeout=LOAD_SECONDS * 1000)
    expect(page.get_by_text("Done", exact=False).first).to_be_visible(timeout=LOAD_SECONDS * 1000)


def _label(page: Page, name: str) -> str:
    options = page.locator("select[name=form_id] option").all_text_contents()
    return next(text for text in options if name in text)


def _report(house: House, path: str, began: datetime, **more: Any) -> Any:
    until_ = datetime.now(UTC) + timedelta(days=1)
    span = {"since": began.isoformat(), "until": until_.isoformat(), "time_zone": "Europe/Lisbon"}
    return house.api("GET", f"/reports/{path}?{urlencode({**span, **more})}")


def _ours(report: Any) -> list[Any]:
    return [line for line in report["items"] if line["value"].startswith("banco ")]


def _wait_assigned(house: House, began: datetime, leads: int) -> None:
    def all_assigned() -> bool:
        return sum(line["assigned"] for line in _ours(_report(house, "source", began))) == leads

    until(all_assigned, "every client has a seller", LOAD_SECONDS)


def _work(house: House, bank: list[Row], sellers: dict[str, str]) -> dict[str, str]:
    """Everybody is called as often as the file says; the last call decides. Whose each line of the file was."""
    rows = {row["linha"]: row for row in bank}
    with sqlite3.connect(house.var / "capture.db") as capture, sqlite3.connect(house.var / "campaigns.db") as campaigns:
        said = "SELECT id, json_extract(fields, '$.linha') FROM lead WHERE source LIKE 'banco %'"
        lines = dict(capture.execute(said).fetchall())
        opened: list[Any] = []
        deadline = time.monotonic() + LOAD_SECONDS
        while len(opened) < len(lines) and time.monotonic() < deadline:
            found = campaigns.execute("SELECT id, work_id, seller_id FROM opportunity WHERE state = 'open'").fetchall()
            opened = [(id_, rows[lines[work]], seller) for id_, work, seller in found if work in lines]
            time.sleep(0.5)
    assert len(opened) == len(bank)
    rpc = RpcPool(Settings.load({"RODIZIO_VAR": str(house.var), "RODIZIO_AMQP_URL": _broker(house)}))
    names = {seller_id: name for name, seller_id in sellers.items()}

    def call(opportunity: tuple[str, Row, str]) -> None:
        opportunity_id, row, seller_id = opportunity
        actor = Actor(role="seller", seller_id=seller_id, name=names[seller_id])
        is_won = row["output"] == "yes"
        for number in range(calls := int(row["campaign"])):
            outcome = "no_answer" if number < calls - 1 else ("interested" if is_won else "not_interested")
            rpc.call_as(
                actor,
                "campaigns",
                "record_action",
                opportunity_id=opportunity_id,
                action={"kind": "call", "outcome": outcome},
            )
        ending = {"outcome": "won", "reason": "", "amount": _price(row), "currency": "EUR"}
        if not is_won:
            ending = {"outcome": "lost", "reason": "não subscreveu"}
        rpc.call_as(actor, "campaigns", "close_opportunity", opportunity_id=opportunity_id, version=calls + 1, **ending)

    with ThreadPoolExecutor(CALLERS) as callers:
        for _ in callers.map(call, opened, chunksize=50):
            pass
    rpc.close()
    return {row["linha"]: names[seller_id] for _, row, seller_id in opened}


def _broker(house: House) -> str:
    from cli.fleet import broker_node

    return broker_node(Settings.load({"RODIZIO_VAR": str(house.var)})).url()


def _counted(rows: list[Row]) -> dict[str, Any]:
    """A few lines of Python."""
    won = [row for row in rows if row["output"] == "yes"]
    return {
        "leads": len(rows),
        "contacted": len(rows),
        "won": len(won),
        "lost": len(rows) - len(won),
        "open": 0,
        "won_of_leads": round(len(won) / len(rows), 4),
        "sales": [{"currency": "EUR", "amount": sum(map(_price, won)), "count": len(won)}] if won else [],
    }


def _told(line: Any) -> dict[str, Any]:
    kept = {name: line[name] for name in ("leads", "contacted", "won", "lost", "open", "sales")}
    return {**kept, "won_of_leads": round(line["won_of_leads"], 4)}


def _by_kind(bank: list[Row]) -> dict[str, list[Row]]:
    return {kind: [row for row in bank if row["contact"] == kind] for kind in KINDS}


def _by_seller(bank: list[Row], whose: dict[str, str]) -> dict[str, list[Row]]:
    return {name: [row for row in bank if whose[row["linha"]] == name] for name in SELLERS}


def _compare(
    house: House,
    bank: list[Row],
    forms: dict[str, str],
    sellers: dict[str, str],
    whose: dict[str, str],
    began: datetime,
) -> None:
    by_kind = _by_kind(bank)
    until(
        lambda: sum(line["closed"] for line in _ours(_report(house, "source", began))) == len(bank),
        "reporting has heard everything",
        LOAD_SECONDS,
    )
    sources = {line["value"]: _told(line) for line in _ours(_report(house, "source", began))}
    assert sources == {f"banco {kind}": _counted(rows) for kind, rows in by_kind.items()}
    by_form = {line["value"]: _told(line) for line in _report(house, "form", began)["items"]}
    assert {kind: by_form[form_id] for kind, form_id in forms.items()} == {
        kind: _counted(rows) for kind, rows in by_kind.items()
    }
    by_seller = {line["value"]: line for line in _report(house, "seller", began)["items"]}
    assert {name: _told(by_seller[seller_id]) for name, seller_id in sellers.items()} == {
        name: _counted(rows) for name, rows in _by_seller(bank, whose).items()
    }
    lines = [*_ours(_report(house, "source", began)), *(by_seller[seller_id] for seller_id in sellers.values())]
    assert all(line[wait]["median"] is not None for line in lines for wait in ("to_assignment", "to_contact"))
    weights = sum(SELLERS.values())
    for name, weight in SELLERS.items():
        share = len(bank) * weight / weights
        assert abs(by_seller[sellers[name]]["leads"] - share) < 1, f"{name} got their share, to less than one lead"
    calls = {kind: sum(int(row["campaign"]) for row in rows) for kind, rows in by_kind.items()}
    until(lambda: _journeys(house, began)[0] == calls, "every call is counted, also those told after the end", 60)
    assert _journeys(house, began)[1] == {
        kind: Counter("won" if row["output"] == "yes" else "lost" for row in rows) for kind, rows in by_kind.items()
    }


def _journeys(house: House, began: datetime) -> tuple[Counter[str], dict[str, Counter[str]]]:
    """Of each kind how many calls there were, and how the leads ended."""
    calls: Counter[str] = Counter()
    outcomes: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for kind in KINDS:
        cursor: str | None = None
        while True:
            more = {"cursor": cursor} if cursor else {}
            page = _report(house, "leads", began, source=f"banco {kind}", limit=500, **more)
            for journey in page["items"]:
                calls[kind] += journey["calls"]
                outcomes[kind][journey["outcome"]] += 1
            cursor = page.get("next")
            if not cursor:
                break
    return calls, outcomes


def _look(page: Page, bank: list[Row], whose: dict[str, str]) -> None:
    """The page tells what the file tells, and leads from a number to the leads behind it."""
    kept = Path(os.environ.get("PICTURES", "")) if os.environ.get("PICTURES") else None
    by_kind = _by_kind(bank)
    groups = {
        "source": {f"banco {kind}": rows for kind, rows in by_kind.items()},
        "form": {KINDS[kind]: rows for kind, rows in by_kind.items()},
        "seller": _by_seller(bank, whose),
    }
    for name in ("source", "form", "seller", "team", "to_contact", "hours", "cross"):
        page.goto(f"/reports?{urlencode({'by': name})}")
        expect(page.locator("h1")).to_be_visible()
        for value, rows in groups.get(name, {}).items():
            assert _shown(page, value) == _as_shown(rows), f"{value} by {name}"
        if kept:
            page.screenshot(path=kept / f"report-{name}.png", full_page=True)
    _download(page, groups["source"])
    for kind, rows in by_kind.items():
        _follow(page, f"banco {kind}", [row for row in rows if row["output"] == "yes"])


def _line(page: Page, value: str) -> Locator:
    named = page.get_by_role("rowheader", name=value, exact=True)
    return page.locator(".report-table tbody tr").filter(has=named)


def _shown(page: Page, value: str) -> dict[str, str]:
    """A line of the table, as it is read."""
    line = _line(page, value)
    shown = {name: line.locator(f"td[data-label={name}]").inner_text() for name in ("Won", "Conversion", "Income")}
    return {"Leads": line.locator(".bar-cell strong").inner_text(), **shown}


def _as_shown(rows: list[Row]) -> dict[str, str]:
    """What a line of the table is to say."""
    counted = _counted(rows)
    share = counted["won"] / len(rows)
    income = sum(sale["amount"] for sale in counted["sales"])
    percent = f"{share:.0%}" if share >= 0.1 else f"{100 * share:.1f}".removesuffix(".0") + "%"
    euros = f"€{income / 100:,.2f}".removesuffix(".00") if income else "–"
    return {"Leads": f"{len(rows):,}", "Won": f"{counted['won']:,}", "Conversion": percent, "Income": euros}


def _file(page: Page) -> list[Row]:
    """What comes with the button for the file."""
    with page.expect_download() as download:
        page.get_by_role("link", name="CSV").click()
    return list(csv.DictReader(io.StringIO(download.value.path().read_text("utf-8-sig"), newline="")))


def _download(page: Page, sources: dict[str, list[Row]]) -> None:
    """The table's file has the same numbers."""
    page.goto("/reports?by=source")
    lines = {line["Source"]: line for line in _file(page)}
    for value, rows in sources.items():
        counted, line = _counted(rows), lines[value]
        counts = [int(line[name]) for name in ("Leads", "Given to sellers", "Contacted", "Spoken with", "Won", "Lost")]
        assert counts == [len(rows)] * 4 + [counted["won"], counted["lost"]]
        assert float(line["Won of all leads"]) == counted["won_of_leads"]
        assert _cents(line["Income, EUR"]) == sum(sale["amount"] for sale in counted["sales"])


def _follow(page: Page, source: str, won: list[Row]) -> None:
    """From how many were won to who they are: the first page of the list, and its file, which has them all."""
    page.goto("/reports?by=source")
    _line(page, source).locator("td[data-label=Won] a").click()
    expect(page.locator("h1")).to_have_text("Leads behind the number")
    listed = page.locator(".list-group-item")
    expect(listed).to_have_count(min(len(won), LISTED))
    names = Counter(listed.locator("a.fw-bold").all_inner_texts())
    assert names <= Counter(row["nome"] for row in won)
    assert listed.filter(has_text=source).filter(has=page.get_by_text("Won", exact=True)).count() == listed.count()
    told = Counter((line["Name"], _cents(line["Amount"]), line["Seller"] in SELLERS) for line in _file(page))
    assert told == Counter((row["nome"], _price(row), True) for row in won)


def _cents(amount: str) -> int:
    return round(100 * float(amount))
