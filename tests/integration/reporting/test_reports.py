"""Reports of the leads captured in a span, beside what is counted the plain way."""

import os
import random
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from report_cases import (
    SELLERS,
    SINCE,
    TEAMS,
    UNTIL,
    Lead,
    by_value,
    counted,
    crossed,
    facts_of,
    floor,
    line,
    shuffled,
    tell,
    value_of,
)
from reporting_cases import hear, named
from runtime_cases import trips_to

from contracts.access import OPERATOR, Actor
from runtime.clock import iso
from runtime.database import Database, open_database
from runtime.errors import Invalid
from runtime.migrations import upgrade
from runtime.settings import Settings
from services.reporting import handlers, store
from services.reporting.domain.reports import DIMENSIONS, STAGES

pytestmark = pytest.mark.feature("REP-2", "REP-5", "DIS-16")

LEADS = floor(1, 160)
SPAN = (iso(SINCE), iso(UNTIL))
ZONE = "America/Santiago"
"""Its clocks go back within the span, on 5 April."""
SUPERVISOR = Actor(role="supervisor", team_ids=(TEAMS[0], TEAMS[1]))
SELLER = Actor(role="seller", seller_id=SELLERS[2])


def ask(database: Database, what: str, *arguments: Any, actor: Actor = OPERATOR, **named_: Any) -> Any:
    with database.read() as connection:
        return getattr(handlers, what)(connection, actor, *arguments, **named_)


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def told(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    """Heard of all leads, in another order than things happened; for tests that only read."""
    url, cluster, name = "", None, f"reports_{os.getpid()}"
    if request.param == "postgresql":
        cluster = request.getfixturevalue("postgres")
        url = cluster.create_database(name)
    settings = Settings(database_url=url, var=tmp_path_factory.mktemp("reports"))
    upgrade("reporting", settings)
    database = open_database("reporting", settings)
    hear(database, named(SELLERS[0], "Ana"))
    tell(database, shuffled(7, facts_of(LEADS)))
    yield database
    database.close()
    if cluster is not None:
        cluster.drop_database(name)


def seen_by(actor: Actor) -> list[Lead]:
    leads = counted(LEADS)
    if actor.sees_teams:
        return [lead for lead in leads if lead.team_id in actor.team_ids]
    return [lead for lead in leads if lead.seller_id == actor.seller_id] if actor.role == "seller" else leads


@pytest.mark.feature("R14")
@pytest.mark.parametrize("actor", [OPERATOR, SUPERVISOR, SELLER], ids=lambda actor: str(actor.role))
def test_every_dimension_is_what_one_counts_by_hand(told: Database, actor: Actor) -> None:
    leads = seen_by(actor)
    for by in DIMENSIONS:
        found = ask(told, "report", by, *SPAN, ZONE, actor=actor)
        lines = {item.pop("value"): {**item, "name": None} for item in found["items"]}
        expected = {value: {**figures, "name": None} for value, figures in by_value(leads, by, ZONE).items()}
        assert lines == expected, by
        assert found["total"] == line(leads)
        assert found["first_at"] == iso(min(lead.captured_at for lead in LEADS if lead in leads or actor is OPERATOR))


def test_the_span_before_is_beside_it(told: Database) -> None:
    middle = SINCE + timedelta(days=20)
    found = ask(told, "report", "source", iso(middle), iso(middle + timedelta(days=10)))
    assert found["total"] == line(counted(LEADS, middle, middle + timedelta(days=10)))
    assert found["before"] == line(counted(LEADS, middle - timedelta(days=10), middle))


def test_a_cross_table(told: Database) -> None:
    leads = counted(LEADS)
    found = ask(told, "cross", "seller", "hour", *SPAN, ZONE)
    cells = {(cell.pop("row"), cell.pop("column")): cell for cell in found["cells"]}
    pairs = {(value_of(lead, "seller"), value_of(lead, "hour", ZONE)) for lead in leads}
    assert cells == {
        pair: crossed([lead for lead in leads if (lead.seller_id, value_of(lead, "hour", ZONE)) == pair])
        for pair in pairs
    }
    rows = {row["value"]: row for row in found["rows"]}
    assert rows[SELLERS[0]]["name"] == "Ana"
    assert {value: row["leads"] for value, row in rows.items()} == {
        value: figures["leads"] for value, figures in by_value(leads, "seller").items()
    }
    assert found["total"] == crossed(leads)


@pytest.mark.feature("REP-10")
def test_behind_every_number_are_its_leads(told: Database) -> None:
    leads = counted(LEADS)
    for by in DIMENSIONS:
        for item in ask(told, "report", by, *SPAN, ZONE)["items"]:
            if by in ("to_assignment", "to_contact") and not item["value"]:
                continue  # nobody has yet: that is a stage
            listed = ask(told, "journeys", *SPAN, ZONE, {by: item["value"]}, limit=500)
            assert len(listed["items"]) == item["leads"], (by, item["value"])
    stages = {stage: len(ask(told, "journeys", *SPAN, "UTC", {"stage": stage}, limit=500)["items"]) for stage in STAGES}
    figures = line(leads)
    assert stages == {
        **{name: figures[name] for name in ("assigned", "contacted", "reached", "won", "lost", "closed", "open")},
        "unassigned": figures["leads"] - figures["assigned"],
        "uncontacted": figures["leads"] - figures["contacted"],
    }


def test_leads_come_by_the_page_newest_first(told: Database) -> None:
    wanted: list[dict[str, Any]] = []
    cursor = None
    while True:
        page = ask(told, "journeys", *SPAN, "UTC", {"stage": "won"}, cursor, 7)
        wanted += page["items"]
        cursor = page["next"]
        if cursor is None:
            break
    won = sorted(
        (lead for lead in counted(LEADS) if lead.outcome == "won"), key=lambda lead: (lead.captured_at, lead.lead_id)
    )
    assert [item["lead_id"] for item in wanted] == [lead.lead_id for lead in reversed(won)]
    newest, shown = won[-1], wanted[0]
    assert shown["captured_at"] == newest.captured_at.isoformat()
    assert (shown["actions"], shown["calls"], shown["amount"]) == (newest.actions, newest.calls, newest.amount)
    assert newest.assigned_at is not None
    assert shown["to_assignment"] == (newest.assigned_at - newest.captured_at).total_seconds()


def test_filters_narrow_together(told: Database) -> None:
    filters = {"source": "site", "team": TEAMS[1], "stage": "assigned"}
    found = ask(told, "report", "seller", *SPAN, "UTC", filters)
    assert found["total"] == line(
        [lead for lead in counted(LEADS) if (lead.source, lead.team_id) == ("site", TEAMS[1]) and lead.assigned_at]
    )


@pytest.mark.feature("R4")
@pytest.mark.parametrize("seed", range(3))
def test_journeys_are_the_same_in_whatever_order_facts_come(database: Database, seed: int) -> None:
    leads, chance = floor(40 + seed, 25), random.Random(seed)
    tell(database, shuffled(seed, facts_of(leads)), batch=chance.choice((1, 3, 500)))
    with database.read() as connection:
        rows = {row.id: row for row in connection.execute(sa.select(store.journey))}
    for lead in leads:
        row = rows[lead.lead_id]
        for name in (
            *("source", "form_id", "channel", "is_test", "captured_at", "assigned_at", "contacted_at", "reached_at"),
            *("seller_id", "outcome", "closed_at", "amount", "currency", "actions", "calls", "team_id"),
        ):
            assert getattr(row, name) == getattr(lead, name), (name, lead)


@pytest.mark.parametrize(
    ("since", "until"),
    [
        ("2001-01-01T00:00:00+00:00", "2001-02-01T00:00:00+00:00"),
        ("2126-01-01T00:00:00+00:00", "2126-02-01T00:00:00+00:00"),
        ("2016-03-01T00:00:00+00:00", "2026-03-01T00:00:00+00:00"),
    ],
    ids=["before the company", "to come", "ten years"],
)
def test_a_span_in_which_nothing_happened_is_empty(told: Database, since: str, until: str) -> None:
    found = ask(told, "report", "source", since, until)
    assert (found["items"], found["total"]) == ([], line([]))
    assert found["first_at"] == iso(min(lead.captured_at for lead in LEADS))  # so that one can say why
    assert ask(told, "cross", "seller", "source", since, until)["cells"] == []
    assert ask(told, "journeys", since, until)["items"] == []


@pytest.mark.parametrize(
    ("changes", "where"),
    [
        ({"since": UNTIL, "until": SINCE}, "until"),
        ({"until": SINCE}, "until"),
        ({"since": SINCE - timedelta(days=4000)}, "until"),
        ({"time_zone": "Mars/Olympus"}, "time_zone"),
        ({"by": "weather"}, "by"),
        ({"by": "day", "since": SINCE - timedelta(days=400)}, "until"),
        ({"filters": {"stage": "rich"}}, "stage"),
        ({"filters": {"hour": "24"}}, "hour"),
        ({"filters": {"day": "yesterday"}}, "day"),
        ({"filters": {"to_contact": "61"}}, "to_contact"),
        ({"filters": {"password": "x"}}, "password"),
        ({"limit": 0}, "limit"),
    ],
)
def test_what_makes_no_sense_is_refused(database: Database, changes: dict[str, Any], where: str) -> None:
    wanted = {"by": "source", "since": SINCE, "until": UNTIL, **changes}
    wanted |= {name: iso(wanted[name]) for name in ("since", "until")}
    with pytest.raises(Invalid) as refused:
        ask(database, "report", **wanted)
    assert refused.value.errors[0]["field"] == where


@pytest.mark.parametrize(
    ("since", "until", "where"),
    [
        ("0001-01-01T00:00:00+00:00", "0001-01-03T00:00:00+00:00", "since"),
        ("1969-12-31T23:59:59+00:00", "1970-01-03T00:00:00+00:00", "since"),
        ("9990-12-31T00:00:00+00:00", "9991-01-01T00:00:00+00:00", "until"),
        ("9999-06-01T00:00:00+00:00", "9999-12-31T23:59:59+00:00", "since"),
    ],
)
@pytest.mark.parametrize(
    ("what", "by"),
    [("report", ("day",)), ("cross", ("hour", "day")), ("journeys", ()), ("overview", ())],
    ids=lambda asked: asked if isinstance(asked, str) else "",
)
def test_the_ends_of_the_calendar_are_refused(
    database: Database, what: str, by: tuple[str, ...], since: str, until: str, where: str
) -> None:
    with pytest.raises(Invalid) as refused:
        ask(database, what, *by, since, until, "America/Lima")
    assert refused.value.errors[0]["field"] == where


@pytest.mark.parametrize(
    ("since", "until"),
    [
        ("1970-01-01T00:00:00+00:00", "1971-01-01T00:00:00+00:00"),
        ("9990-01-01T00:00:00+00:00", "9990-12-31T23:59:59+00:00"),
    ],
)
@pytest.mark.parametrize("zone", ["America/Lima", "Pacific/Kiritimati"])
def test_short_of_them_one_may_ask(database: Database, since: str, until: str, zone: str) -> None:
    assert ask(database, "report", "day", since, until, zone)["items"] == []
    assert ask(database, "cross", "hour", "day", since, until, zone)["cells"] == []
    assert ask(database, "journeys", since, until, zone)["items"] == []
    assert ask(database, "overview", since, until, zone)["captured"] == 0


def test_a_report_asks_as_often_whatever_there_is(database: Database) -> None:
    trips = trips_to(database)
    asked = []
    for leads in (floor(5, 1), floor(6, 40)):
        tell(database, facts_of(leads))
        trips.clear()
        ask(database, "report", "seller", *SPAN, ZONE)
        ask(database, "cross", "seller", "hour", *SPAN, ZONE)
        ask(database, "journeys", *SPAN)
        asked.append(len([statement for statement in trips if statement.startswith("SELECT")]))
    assert asked[0] == asked[1] <= 7


def test_a_report_is_cut_where_it_is_too_long_and_says_so(told: Database) -> None:
    found = ask(told, "report", "day", *SPAN, "UTC", None, 5)
    assert len(found["items"]) == 5
    assert found["left_out"] == len(by_value(counted(LEADS), "day")) - 5
    assert found["total"] == line(counted(LEADS))
