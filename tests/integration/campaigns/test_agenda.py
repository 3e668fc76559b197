"""What a seller has to do, the longest overdue first."""

from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from campaign_cases import ANA, RUI, SOUTH, hear, opened, unassigned
from runtime_cases import trips_to

from contracts.access import OPERATOR, Actor
from runtime.clock import iso, utc_now
from runtime.database import Database
from runtime.errors import Invalid
from services.campaigns import store
from services.campaigns.handlers import acts, views

pytestmark = pytest.mark.feature("CMP-7")

NOW = utc_now()
DAY_END = NOW + timedelta(hours=5)
SELLER = Actor(role="seller", seller_id=ANA)


def due(database: Database, *hours: float, seller_id: str = ANA) -> list[dict[str, Any]]:
    """Opportunities whose task is due so many hours from now."""
    cards = []
    for hour in hours:
        card = opened(database, seller_id)
        with database.write() as transaction:
            transaction.connection.execute(
                sa.update(store.task)
                .where(store.task.c.opportunity_id == card["opportunity_id"])
                .values(due_at=NOW + timedelta(hours=hour))
            )
        cards.append(card)
    return cards


def pages(database: Database, until: str | None = None, limit: int = 50, actor: Actor = SELLER) -> list[Any]:
    found: list[Any] = []
    cursor = None
    while True:
        with database.read() as connection:
            answer = views.agenda(connection, actor, ANA, until, cursor, limit)
        found += answer["items"]
        cursor = answer["next"]
        if cursor is None:
            return found


def counted(database: Database, actor: Actor = SELLER) -> dict[str, int]:
    with database.read() as connection:
        return views.agenda_counts(connection, actor, ANA, iso(NOW), iso(DAY_END))


def test_the_longest_overdue_comes_first_and_pages_go_on_where_they_stopped(database: Database) -> None:
    tomorrow, late, soon, latest, tied = due(database, 24, -1, 1, -48, 1)
    due(database, -5, seller_id=RUI)
    gone, done = due(database, -3, -3)
    hear(database, unassigned(gone["work_id"], ANA, 2))
    database.transact(acts.record_action, SELLER, done["opportunity_id"], {"kind": "email"}, None)
    found = pages(database, limit=2)
    wanted = [latest, late, soon, tied, tomorrow]
    assert [item["work_id"] for item in found] == [card["work_id"] for card in wanted]
    assert [item["version"] for item in found] == [card["version"] for card in wanted]
    assert [item["opportunity_id"] for item in found] == [card["opportunity_id"] for card in wanted]
    assert len({item["task_id"] for item in found}) == 5
    assert pages(database, until=iso(DAY_END)) == found[:4]
    assert counted(database) == {"overdue": 2, "today": 2, "later": 1}
    assert counted(database, OPERATOR) == counted(database)


def test_an_empty_agenda_counts_nothing(database: Database) -> None:
    assert pages(database) == []
    assert counted(database) == {"overdue": 0, "today": 0, "later": 0}


@pytest.mark.feature("R14")
def test_a_supervisor_sees_the_part_that_is_their_teams(database: Database) -> None:
    (mine,) = due(database, -1)
    opened(database, ANA, SOUTH)
    supervisor = Actor(role="supervisor", team_ids=(mine["team_id"],))
    assert [item["work_id"] for item in pages(database, actor=supervisor)] == [mine["work_id"]]
    assert counted(database, supervisor) == {"overdue": 1, "today": 0, "later": 0}


def test_times_have_to_be_said(database: Database) -> None:
    with database.read() as connection:
        for now, day_end, field in (("", iso(DAY_END), "now"), (iso(NOW), "", "day_end"), ("noon", iso(NOW), "now")):
            with pytest.raises(Invalid, match=field):
                views.agenda_counts(connection, SELLER, ANA, now, day_end)
        with pytest.raises(Invalid, match="until"):
            views.agenda(connection, SELLER, ANA, "tonight", None, 50)


def test_a_page_is_one_question(database: Database) -> None:
    due(database, *range(5))
    trips = trips_to(database)
    pages(database)
    assert len([statement for statement in trips if statement.startswith("SELECT")]) == 1
