"""The demo company's past through the real broker and services: everything lies where it is said to have happened."""

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import sqlalchemy as sa

from cli import history
from cli.demo import seed
from cli.stories import Story, stories
from contracts.catalogue import SERVICES
from runtime.clock import iso, parse_iso, utc_now
from runtime.database import Database, open_database
from runtime.errors import Unavailable
from runtime.rpc_client import RpcPool
from runtime.settings import Settings
from services.campaigns import store as campaigns
from services.capture import tables as capture
from services.distribution import tables as distribution
from services.notifications import tables as notifications
from services.reporting import store as reporting
from tests.integration.cli.conftest import Installation

pytestmark = [pytest.mark.feature("GTW-5"), pytest.mark.timeout(300)]

EVERY = 6
"""One of so many stories is told, and all that have a role or are given back."""

STAMPS = (
    (capture.lead, "captured_at"),
    (capture.owner, "captured_at"),
    (capture.contact, "created_at"),
    (capture.quarantine, "created_at"),
    (distribution.work, "captured_at"),
    (distribution.work, "arrived_at"),
    (distribution.work, "assigned_at"),
    (distribution.work, "waiting_since"),
    (distribution.work, "opened_at"),
    (distribution.work, "closed_at"),
    (distribution.decisions, "decided_at"),
    (distribution.snapshots, "taken_at"),
    (campaigns.opportunity, "opened_at"),
    (campaigns.opportunity, "closed_at"),
    (campaigns.action, "at"),
    (campaigns.action, "created_at"),
    (campaigns.task, "created_at"),
    (campaigns.task, "done_at"),
    (campaigns.handover, "at"),
    (notifications.messages, "created_at"),
    (notifications.messages, "read_at"),
    (reporting.rollup, "hour"),
)


def fewer(now: datetime) -> list[Story]:
    told = stories(now)
    return [story for number, story in enumerate(told) if number % EVERY == 0 or story.role or story.returned]


@pytest.fixture
def house(bus_settings: Settings, installation: Installation) -> Iterator[Installation]:
    """All services, on either kind of database; the company is founded, its past is begun."""
    installation.settings = replace(
        installation.settings, amqp_url=bus_settings.amqp_url, database_url=bus_settings.database_url,
        rpc_timeout_seconds=20.0,
    )  # fmt: skip
    installation.start_services(*SERVICES)
    assert history.begin(installation.settings)
    seed(installation.settings, bare=True)
    return installation


@pytest.fixture
def rows(house: Installation) -> Iterator[Callable[[sa.Table], list[Any]]]:
    """Everything in a table."""
    databases = {service: open_database(service, house.settings) for service in SERVICES}
    owners = {"capture": capture, "distribution": distribution, "campaigns": campaigns}
    owners |= {"notifications": notifications, "reporting": reporting}
    by_table: dict[sa.Table, Database] = {
        table: databases[name] for name, tables in owners.items() for table in tables.metadata.sorted_tables
    }

    def read(table: sa.Table) -> list[Any]:
        with by_table[table].read() as connection:
            return list(connection.execute(sa.select(table)))

    yield read
    for database in databases.values():
        database.close()


def test_the_past_is_past_everywhere_and_all_agree(
    house: Installation, rows: Callable[[sa.Table], list[Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(history, "stories", fewer)
    begun = parse_iso((house.settings.var / "demo-history").read_text().split()[0])
    with monkeypatch.context() as patched:
        patched.setattr(history._Past, "give_channels", _dies)
        with pytest.raises(Unavailable):
            history.tell_past(house.settings)  # killed in between; the next goes on
    assert history.begin(house.settings)

    history.tell_past(house.settings)

    assert not history.begin(house.settings)
    told = {story.lead_id: story for story in fewer(begun)}
    for table, name in STAMPS:
        late = [row for row in rows(table) if getattr(row, name) and getattr(row, name) > begun]
        assert not late, (table.name, name)
    works = {row.work_id: row for row in rows(distribution.work)}
    assert works.keys() == told.keys()
    assert all(row.captured_at == told[row.id].captured_at for row in rows(capture.lead))
    assert Counter(row.reason for row in rows(capture.quarantine)) == {"honeypot": 1, "same_key_other_body": 1}
    assert sum(row.state == "waiting" for row in works.values()) == 1 + sum(s.role == "full" for s in told.values())
    assert all(row.closed_at >= row.opened_at >= row.assigned_at for row in works.values() if row.closed_at)
    _check_reports(house.settings, rows, begun)
    _check_counters(rows)

    before = _stamps(rows)
    (house.settings.var / "demo-history").write_text(iso(begun) + "\n")
    history.tell_past(house.settings)  # all of it once more adds nothing
    assert _stamps(rows) == before

    (house.settings.var / "demo-history").unlink()
    assert not history.begin(house.settings), "where there is something it gets no past"


def _stamps(rows: Callable[[sa.Table], list[Any]]) -> dict[str, list[str]]:
    """What is there, and when it is said to have happened; not how often somebody has tried to send a message."""
    return {
        f"{table.name}.{name}": sorted(
            str([getattr(row, column.name) for column in table.primary_key] + [getattr(row, name)])
            for row in rows(table)
        )
        for table, name in STAMPS
    }


def _dies(_past: Any) -> None:
    raise Unavailable("killed")


def _check_reports(settings: Settings, rows: Callable[[sa.Table], list[Any]], begun: datetime) -> None:
    """What is counted by day is what is listed."""
    zone = ZoneInfo("Europe/Lisbon")

    def by_day(found: list[datetime]) -> Counter[str]:
        return Counter(at.astimezone(zone).date().isoformat() for at in found)

    closed = [row for row in rows(campaigns.opportunity) if row.closed_at]
    listed = {
        "captured": by_day([row.captured_at for row in rows(capture.lead)]),
        "assigned": by_day([row.decided_at for row in rows(distribution.decisions)]),
        "won": by_day([row.closed_at for row in closed if row.outcome == "won"]),
        "lost": by_day([row.closed_at for row in closed if row.outcome == "lost"]),
        "actions": by_day([row.at for row in rows(campaigns.action)]),
    }
    assert all(listed.values())
    since = (begun - timedelta(days=40)).replace(minute=0, second=0, microsecond=0)
    rpc = RpcPool(settings)
    try:
        shown = rpc.call(
            "reporting", "overview", since=iso(since), until=iso(since + timedelta(days=42)), time_zone=zone.key
        )
    finally:
        rpc.close()
    for line in shown["by_day"]:
        assert {name: line[name] for name in listed} == {name: found[line["day"]] for name, found in listed.items()}
    assert sum(sale["amount"] for sale in shown["sales"]) == sum(row.amount for row in closed if row.amount)


def _check_counters(rows: Callable[[sa.Table], list[Any]]) -> None:
    """What was given long ago is not counted for the cap of today, and sellers have what was planned for them."""
    zones = {row.id: ZoneInfo(row.time_zone) for row in rows(distribution.sellers)}
    now = utc_now()
    today = Counter(
        row.seller_id
        for row in rows(distribution.decisions)
        if row.decided_at.astimezone(zones[row.seller_id]).date() == now.astimezone(zones[row.seller_id]).date()
    )
    for row in rows(distribution.loads):
        assert row.day != now.astimezone(zones[row.seller_id]).date().isoformat() or row.given == today[row.seller_id]
    named = {row.name: row for row in rows(distribution.sellers)}
    assert not named["Marta Nunes"].working_hours
    assert named["Inês Matos"].working_hours
    assert {row.seller_id for row in rows(distribution.time_off)} == {
        named[name].id for name in ("Bruno Cardoso", "Sofia Pinto", "Diego Ramos")
    }
