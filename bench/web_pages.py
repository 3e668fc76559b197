"""PAGES: how long people's pages take with 50,000 leads in the database, beside the same pages of a company with 200.

Each page is asked as a browser asks it: signed in, over one kept connection, compressed; one after the other, nothing
else going on. Its figure is the median of what one page took; the slowest page decides.
"""

import http.client
import statistics
import time
from collections.abc import Iterator, Mapping
from typing import Any

from bench.drain import wait_for
from bench.figure import figure
from bench.ground import Ground
from bench.measure import say, wait_quiet
from bench.options import Options
from bench.system import System
from gateway.accounts import passwords, people, sessions
from gateway.accounts.sessions import COOKIE
from runtime.database import Database, open_database
from runtime.rpc_client import RpcPool

LEADS = 50_000
WAITING = 2_000
TIMES = 15
REACH_MS = 150.0

MANAGERS = """
    /overview /overview?days=30
    /leads /leads?q={name} /leads?q={mail} /leads?q={digits} /leads?q=nobody+like+that /leads?owned=no
    /leads?owned=yes&q={name} /leads?seller={seller} /leads?form={form} /leads?since=2026-01-01
    /leads/count /leads/{lead} /leads/{lead}/background /leads/{lead}/hand /waiting
    /sellers /sellers?q=3 /sellers/{seller} /teams /teams/{team} /teams/forms /calendar
    /reports /reports?by=form /reports?by=seller /reports?by=team /reports?by=to_assignment /reports?by=to_contact
    /reports?by=hours /reports?by=cross /reports?by=cross&rows=seller&columns=hour /reports/leads?stage=open
    /reports/leads?seller={seller} /forms /forms/{form} /quarantine /outbox /outbox?q={name} /suppressions /parked
"""
SELLERS = """
    /today /my/leads /my/leads?q={name} /my/leads?q=nobody+like+that /inbox /inbox/badge /leads/{lead} /account
    /reports /reports/leads
"""
ADMINS = "/accounts /keys /trail"

Account = Mapping[str, Any]


def run(ground: Ground, options: Options) -> Iterator[dict[str, Any]]:
    """Measures each database."""
    for database in options.databases:
        with System(ground, database) as system:
            yield _measure(system, database, options)


def _measure(system: System, database: str, options: Options) -> dict[str, Any]:
    rpc = RpcPool(system.settings)
    try:
        readers = _readers(system, rpc)
        few = _times(system.port, readers, rpc)
        _fill(system, rpc)
        wait_quiet(options.quiet_seconds)
        many = _times(system.port, readers, rpc)
    finally:
        rpc.close()
    slowest = max(many, key=lambda page: many[page])
    say(f"PAGES {database}: slowest {slowest} {many[slowest]:.0f} ms, with few leads {few[slowest]:.0f} ms")
    return figure(
        "PAGES",
        value=many[slowest],
        unit=f"ms, median of the slowest page with {LEADS} leads",
        database=database,
        baseline=few[slowest],
        ratio=many[slowest] / few[slowest],
        reach=f"<= {REACH_MS:.0f} ms",
        met=many[slowest] <= REACH_MS,
        median_page_ms=statistics.median(many.values()),
        slowest=slowest,
        ms_by_page=many,
        ms_by_page_with_few=few,
    )


def _fill(system: System, rpc: RpcPool) -> None:
    """Most leads are somebody's; the last ones wait, for one team of four has gone home."""
    system.waiting(LEADS - 4 * WAITING)
    team = rpc.call("distribution", "list_teams", limit=1)["items"][0]["team_id"]
    for seller in rpc.call("distribution", "list_sellers", limit=200)["items"]:
        if team in seller["teams"]:
            rpc.call("distribution", "set_available", seller_id=seller["seller_id"], available=False)
    facts = [fact for fact, _ in zip(system.facts(), range(4 * WAITING), strict=False)]
    system.publish(facts, lane="bulk")
    counted = "select count(*) from work where state = 'waiting'"
    wait_for(lambda: system.ledgers.ask("distribution", counted) >= WAITING, "the last leads", seconds=300, every=0.5)
    system.ledgers.analyze()


def _readers(system: System, rpc: RpcPool) -> list[tuple[str, str, list[str]]]:
    """Who reads which pages: name of the role, its session, addresses."""
    seller = rpc.call("distribution", "list_sellers", limit=1)["items"][0]["seller_id"]
    wanted: list[tuple[Account, str]] = [
        ({"role": "manager"}, MANAGERS),
        ({"role": "seller", "seller_id": seller}, SELLERS),
        ({"role": "admin"}, ADMINS),
    ]
    database = open_database("gateway", system.settings)
    try:
        return [(account["role"], _session(database, account), pages.split()) for account, pages in wanted]
    finally:
        database.close()


def _session(database: Database, account: Account) -> str:
    role = account["role"]
    values = {"login": f"{role}@example.com", "name": role, **account}
    made = database.transact(people.create, values, passwords.hash_of("a long enough passphrase"))
    return database.transact(sessions.begin, made.id, "127.0.0.1", "bench")


def _times(port: int, readers: list[tuple[str, str, list[str]]], rpc: RpcPool) -> dict[str, float]:
    """Median milliseconds of each page, by role and address."""
    known = _known(rpc)
    took: dict[str, float] = {}
    for role, session, pages in readers:
        connection = http.client.HTTPConnection("127.0.0.1", port)
        headers = {"Cookie": f"{COOKIE}={session}", "Accept-Encoding": "gzip, br", "Accept": "text/html"}
        for page in pages:
            address = page.format(**known[role])
            _ask(connection, address, headers)  # what only the first reader of a page pays
            took[f"{role} {page}"] = statistics.median(_ask(connection, address, headers) for _ in range(TIMES))
        connection.close()
    return took


def _known(rpc: RpcPool) -> dict[str, dict[str, str]]:
    """What addresses are filled in with, by role: something that is there, neither the newest nor the oldest."""
    sellers = rpc.call("distribution", "list_sellers", limit=1)["items"]
    cards = rpc.call("capture", "list_leads", limit=50)["items"]
    form = rpc.call("capture", "list_forms", limit=1)["items"][0]
    work = rpc.call("distribution", "seller_work", seller_id=sellers[0]["seller_id"], limit=5)["items"]
    card = cards[-1]
    common = {
        "seller": sellers[0]["seller_id"],
        "team": sellers[0]["teams"][0],
        "form": form["form_id"],
        "name": card["name"].rpartition(" ")[2],
        "mail": card["email"].partition("@")[0],
        "digits": card["phone"][-6:],
        "lead": card["lead_id"],
    }
    return {"manager": common, "admin": common, "seller": common | {"lead": work[-1]["lead_id"]}}


def _ask(connection: http.client.HTTPConnection, address: str, headers: dict[str, str]) -> float:
    """Milliseconds from asking to having the whole page.

    Raises:
        RuntimeError: it is no page of 200.
    """
    began = time.perf_counter()
    connection.request("GET", address, headers=headers)
    answer = connection.getresponse()
    answer.read()
    took = (time.perf_counter() - began) * 1000
    if answer.status != 200:
        raise RuntimeError(f"{address} answered {answer.status}")
    return took
