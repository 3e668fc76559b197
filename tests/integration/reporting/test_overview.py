"""What came of leads: by day, source and seller, with the money."""

from collections import Counter
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from alembic import command
from reporting_cases import ANA, NORTH, RUI, SOUTH, acted, assigned, captured, closed, hear, named
from runtime_cases import trips_to

from contracts.access import OPERATOR, Actor
from runtime import migrations
from runtime.database import Database, open_database
from runtime.errors import Invalid
from runtime.migrations import upgrade
from runtime.settings import Settings
from services.reporting import handlers
from services.reporting.domain.overview import whole_days

pytestmark = pytest.mark.feature("REP-5")

SUPERVISOR = Actor(role="supervisor", team_ids=(NORTH,))
SELLER = Actor(role="seller", seller_id=ANA)
SINCE, UNTIL = "2026-03-01T00:00:00+00:00", "2026-03-04T00:00:00+00:00"


def overview(
    database: Database, actor: Actor = OPERATOR, since: str = SINCE, until: str = UNTIL, zone: str = "UTC"
) -> dict[str, Any]:
    with database.read() as connection:
        return handlers.overview(connection, actor, since, until, zone)


MEASURES = {
    "leads_captured": "captured",
    "leads_assigned": "assigned",
    "opportunities_won": "won",
    "opportunities_lost": "lost",
    "actions_recorded": "actions",
}


def figures(line: dict[str, Any]) -> tuple[Any, ...]:
    return tuple(line[name] for name in ("captured", "assigned", "won", "lost", "actions"))


def euros(amount: int, count: int) -> list[dict[str, Any]]:
    return [{"currency": "EUR", "amount": amount, "count": count}]


def story(database: Database) -> None:
    """Three days of March, with something on the days before and after."""
    hear(
        database,
        named(ANA, "Ana"),
        named(RUI, "Rui"),
        *(captured("site", f"2026-03-0{day}T{hour}:30:00+00:00") for day in (1, 2, 3) for hour in ("00", "12", "23")),
        captured("fair", "2026-03-02T09:00:00+00:00"),
        captured("fair", "2026-02-28T23:59:59+00:00"),
        captured("fair", "2026-03-04T00:00:00+00:00"),
        assigned("site", "2026-03-01T12:31:00+00:00"),
        assigned("site", "2026-03-02T12:31:00+00:00"),
        assigned("fair", "2026-03-02T12:31:00+00:00", RUI, SOUTH),
        acted("site", "2026-03-02T15:00:00+00:00"),
        acted("fair", "2026-03-03T15:00:00+00:00", RUI, SOUTH),
        closed("site", "2026-03-03T10:00:00+00:00", amount=129_900),
        closed("site", "2026-03-03T10:10:00+00:00", amount=100),
        closed("site", "2026-03-03T11:00:00+00:00", amount=5000, currency="BRL"),
        closed("site", "2026-03-03T12:00:00+00:00"),
        closed("fair", "2026-03-03T10:00:00+00:00", amount=7000, seller_id=RUI, team_id=SOUTH),
        closed("fair", "2026-03-03T11:00:00+00:00", "lost", seller_id=RUI, team_id=SOUTH),
        closed("site", "2026-03-03T11:00:00+00:00", "completed"),
    )


def test_an_overview_of_everything(database: Database) -> None:
    story(database)
    found = overview(database)
    assert figures(found) == (10, 3, 5, 1, 2)
    assert found["sales"] == [{"currency": "BRL", "amount": 5000, "count": 1}, *euros(137_000, 3)]
    assert [(line["day"], *figures(line)) for line in found["by_day"]] == [
        ("2026-03-01", 3, 1, 0, 0, 0),
        ("2026-03-02", 4, 2, 0, 0, 1),
        ("2026-03-03", 3, 0, 5, 1, 1),
    ]
    assert [(line["source"], *figures(line)) for line in found["by_source"]] == [
        ("site", 9, 2, 4, 0, 1),
        ("fair", 1, 1, 1, 1, 1),
    ]
    assert found["by_source"][1]["sales"] == euros(7000, 1)
    assert [(line["seller_id"], line["name"], *figures(line)) for line in found["by_seller"]] == [
        (ANA, "Ana", None, 2, 4, 0, 1),
        (RUI, "Rui", None, 1, 1, 1, 1),
    ]
    assert found["by_seller"][0]["sales"] == [{"currency": "BRL", "amount": 5000, "count": 1}, *euros(130_000, 2)]


@pytest.mark.feature("R14")
def test_a_supervisor_and_a_seller_see_their_part(database: Database) -> None:
    story(database)
    for actor in (SUPERVISOR, SELLER):
        found = overview(database, actor)
        assert figures(found) == (None, 2, 4, 0, 1)
        assert [(line["day"], *figures(line)) for line in found["by_day"]] == [
            ("2026-03-01", None, 1, 0, 0, 0),
            ("2026-03-02", None, 1, 0, 0, 1),
            ("2026-03-03", None, 0, 4, 0, 0),
        ]
        assert [(line["source"], *figures(line)) for line in found["by_source"]] == [("site", None, 2, 4, 0, 1)]
        assert [(line["name"], *figures(line)) for line in found["by_seller"]] == [("Ana", None, 2, 4, 0, 1)]
        assert found["sales"] == found["by_seller"][0]["sales"] == found["by_source"][0]["sales"]


def test_days_are_those_of_the_readers_calendar(database: Database) -> None:
    """Midnight in São Paulo is three o'clock UTC: whole days come from subtotals, the rest from hours."""
    story(database)
    since, until = "2026-03-01T00:00:00-03:00", "2026-03-03T00:00:00-03:00"
    found = overview(database, since=since, until=until, zone="America/Sao_Paulo")
    assert [(line["day"], line["captured"]) for line in found["by_day"]] == [("2026-03-01", 3), ("2026-03-02", 4)]
    assert [(line["source"], line["captured"]) for line in found["by_source"]] == [("site", 6), ("fair", 1)]
    assert found["captured"] == 7
    assert sum(line["assigned"] for line in found["by_seller"]) == found["assigned"] == 3


@pytest.mark.parametrize(
    ("since", "until"),
    [
        ("2026-03-01T05:00:00+00:00", "2026-03-01T13:00:00+00:00"),
        ("2026-03-01T05:00:00+00:00", "2026-03-02T13:00:00+00:00"),
        ("2026-03-01T05:00:00+00:00", "2026-03-03T13:00:00+00:00"),
        ("2026-03-01T00:00:00+00:00", "2026-03-03T12:00:00+00:00"),
        ("2026-02-28T23:00:00+00:00", "2026-03-04T00:00:00+00:00"),
        ("2026-03-02T00:00:00+00:00", "2026-03-03T00:00:00+00:00"),
    ],
)
def test_subtotals_and_hours_add_up_to_the_same(database: Database, since: str, until: str) -> None:
    story(database)
    with database.read() as connection:
        items = handlers.counts(connection, OPERATOR, "source", since, until)["items"]
        hours = handlers.counts(connection, OPERATOR, "hour", since, until)["items"]
    counted = {(item["measure"], item["source"]): item["count"] for item in items}
    for zone in ("UTC", "Europe/Lisbon", "America/Sao_Paulo", "Asia/Kolkata", "Pacific/Kiritimati", "Pacific/Niue"):
        found = overview(database, since=since, until=until, zone=zone)
        for measure, name in MEASURES.items():
            by_source = {line["source"]: line[name] for line in found["by_source"] if line[name]}
            assert by_source == {source: count for (what, source), count in counted.items() if what == measure}
            by_day: Counter[str] = Counter()
            for item in hours:
                if item["measure"] == measure:
                    day = datetime.fromisoformat(item["hour"]).astimezone(ZoneInfo(zone)).date()
                    by_day[day.isoformat()] += item["count"]
            assert {line["day"]: line[name] for line in found["by_day"] if line[name]} == by_day, zone
            assert found[name] == sum(by_day.values())


def test_days_that_are_longer_and_shorter(database: Database) -> None:
    """In Lisbon the clocks go forward on 29 March 2026 at one o'clock and back on 25 October."""
    hours = [
        f"2026-{day}:00:00+00:00" for day in ("03-28T23", "03-29T00", "03-29T22", "03-29T23", "10-25T22", "10-25T23")
    ]
    hear(database, *(captured("site", hour) for hour in hours), closed("site", hours[3], amount=5))
    spring = overview(
        database, since="2026-03-27T00:00:00+00:00", until="2026-04-01T00:00:00+01:00", zone="Europe/Lisbon"
    )
    assert {line["day"]: line["captured"] for line in spring["by_day"] if line["captured"]} == {
        "2026-03-28": 1,
        "2026-03-29": 2,
        "2026-03-30": 1,
    }
    assert {line["day"]: line["sales"] for line in spring["by_day"] if line["sales"]} == {"2026-03-30": euros(5, 1)}
    autumn = overview(
        database, since="2026-10-24T00:00:00+01:00", until="2026-10-28T00:00:00+00:00", zone="Europe/Lisbon"
    )
    assert {line["day"]: line["captured"] for line in autumn["by_day"] if line["captured"]} == {"2026-10-25": 2}


def test_the_whole_days_of_a_span() -> None:
    def at(day: int, hour: int = 0) -> datetime:
        return datetime(2026, 3, day, hour, tzinfo=UTC)

    assert whole_days(at(1), at(4)) == (at(1), at(4))
    assert whole_days(at(1, 5), at(4, 5)) == (at(2), at(4))
    assert whole_days(at(1, 5), at(2, 5)) == (at(2, 5), at(2, 5))
    assert whole_days(at(1, 5), at(1, 6)) == (at(1, 6), at(1, 6))


@pytest.mark.parametrize(
    ("arguments", "where"),
    [
        ({"since": ""}, "since"),
        ({"until": "noon"}, "until"),
        ({"until": SINCE}, "until"),
        ({"until": "2028-03-01T00:00:00+00:00"}, "until"),
        ({"zone": "Mars/Olympus"}, "time_zone"),
    ],
)
def test_a_span_that_makes_no_sense_is_refused(database: Database, arguments: dict[str, str], where: str) -> None:
    with pytest.raises(Invalid, match=where):
        overview(database, **arguments)


def test_nothing_happened(database: Database) -> None:
    found = overview(database)
    assert figures(found) == (0, 0, 0, 0, 0)
    assert [line["day"] for line in found["by_day"]] == ["2026-03-01", "2026-03-02", "2026-03-03"]
    assert found["by_source"] == found["by_seller"] == found["sales"] == []


def test_an_overview_asks_as_often_whatever_there_is(database: Database) -> None:
    trips = trips_to(database)
    asked = []
    for _ in range(2):
        trips.clear()
        overview(database, since="2026-02-28T20:00:00+00:00", until="2026-03-04T05:00:00+00:00", zone="Asia/Tokyo")
        asked.append(len([statement for statement in trips if statement.startswith("SELECT")]))
        story(database)
    assert asked[0] == asked[1] <= 11


def test_what_was_counted_before_is_in_the_overview(fresh_settings: Settings) -> None:
    with migrations._configured("reporting", fresh_settings) as config:
        command.upgrade(config, "0001")
    database = open_database("reporting", fresh_settings)
    old = "INSERT INTO rollup (measure, hour, source, seller_id, count) VALUES ('{}', '{}', '{}', '{}', {})"
    hour = "2026-03-0{}T1{}:00:00.000000+00:00"
    with database.write() as transaction:
        for row in (
            ("leads_captured", hour.format(1, 0), "site", "", 2),
            ("leads_captured", hour.format(1, 1), "site", "", 3),
            ("leads_assigned", hour.format(1, 1), "site", ANA, 4),
            ("in_app_sent", hour.format(1, 1), "", ANA, 4),
        ):
            transaction.connection.exec_driver_sql(old.format(*row))
    upgrade("reporting", fresh_settings)
    found = overview(database)
    assert figures(found) == figures(found["by_day"][0]) == figures(found["by_source"][0]) == (5, 4, 0, 0, 0)
    assert [(line["seller_id"], line["assigned"]) for line in found["by_seller"]] == [(ANA, 4)]
    assert figures(overview(database, SUPERVISOR)) == (None, 0, 0, 0, 0)
    assert figures(overview(database, SELLER)) == (None, 4, 0, 0, 0)
    hear(database, captured("site", "2026-03-01T10:00:00+00:00"))
    assert overview(database)["by_source"][0]["captured"] == 6
    with migrations._configured("reporting", fresh_settings) as config:
        command.downgrade(config, "0001")
        command.upgrade(config, "head")
    assert overview(database)["captured"] == 6
    database.close()
