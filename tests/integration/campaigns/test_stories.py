"""CAP-9: what happened in many opportunities is told together, in as many queries as for one."""

import pytest
from campaign_cases import ANA, NORTH, RUI, SOUTH, assigned, card_of, hear, opened
from runtime_cases import trips_to

from contracts import limits
from contracts.access import OPERATOR, Actor
from runtime.database import Database
from runtime.errors import Invalid
from runtime.ids import new_id
from services.campaigns.handlers import acts, stories

pytestmark = pytest.mark.feature("CAP-9")


def test_stories_are_one_story_of_as_many_queries(database: Database) -> None:
    first, second = opened(database, at="2026-07-01T09:00:00+00:00"), opened(database, RUI, SOUTH)
    for card in (first, second):
        action = {"id": new_id(), "kind": "call", "outcome": "interested", "note": f"of {card['work_id']}"}
        database.transact(acts.record_action, OPERATOR, card["opportunity_id"], action, None)
    hear(database, assigned(first["work_id"], RUI, 2, NORTH))
    card = card_of(database, first["work_id"])
    database.transact(acts.close_opportunity, OPERATOR, card["opportunity_id"], "won", "", card["version"], 9900, "EUR")
    many = [first["work_id"], second["work_id"], *(opened(database)["work_id"] for _ in range(5)), new_id()]
    with database.read() as connection:
        alone = stories.stories(connection, OPERATOR, [first["work_id"]])["items"]
        trips = trips_to(database)
        told = stories.stories(connection, OPERATOR, many)["items"]
        assert len(trips) == 5
        theirs = stories.stories(connection, Actor(role="seller", seller_id=ANA), many[:2])["items"]
    assert [entry["what"] for entry in alone if entry["what"] != "task_done"] == [
        "closed", "handed_over", "action", "opened"
    ]  # fmt: skip
    assert (alone[0]["amount"], alone[0]["currency"]) == (9900, "EUR")
    assert [entry["at"] for entry in told] == sorted((entry["at"] for entry in told), reverse=True)
    assert {entry["work_id"] for entry in told} == set(many[:-1])
    assert theirs == [], "neither is hers any more"


def test_too_many_at_once_are_refused(database: Database) -> None:
    with database.read() as connection, pytest.raises(Invalid):
        stories.stories(connection, OPERATOR, [new_id()] * (limits.STORIES_AT_ONCE + 1))
