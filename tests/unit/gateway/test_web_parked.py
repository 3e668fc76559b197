"""Messages that could not be handled: shown, tried again, given up."""

from typing import Any

import pytest
from flask import Flask
from page_cases import Person

from contracts.catalogue import MESSAGES, SERVICES
from gateway.accounts import audit
from gateway.web.parked import message_name
from runtime.clock import iso, utc_now
from runtime.database import Database
from runtime.errors import NotFound, Unavailable, invalid
from runtime.ids import new_id

pytestmark = [pytest.mark.feature("GTW-3"), pytest.mark.feature("R8")]


def parked(queue: str = "distribution.lead_captured.live", **more: Any) -> dict[str, Any]:
    now = iso(utc_now())
    item = {"id": new_id(), "queue": queue, "subject": new_id(), "correlation_id": "c-1", "error": "KeyError: 'team'"}
    return item | {"attempts": 5, "created_at": now, "due_at": None, "parked_at": now, "bytes": 9, "body": "{}"} | more


@pytest.fixture
def manager(app: Flask, database: Database) -> Person:
    return Person(app, database, "manager")


@pytest.fixture
def two(services: Any) -> list[dict[str, Any]]:
    """One that is parked in distribution, one that reporting tries again; campaigns is away."""
    items = [parked(), parked("reporting.work_assigned.bulk", parked_at=None, due_at=iso(utc_now()), attempts=1)]
    empty = {"items": [], "next": None}
    services.answers |= {(service, "parked_list"): empty for service in SERVICES}
    services.answers["distribution", "parked_list"] = {"items": items[:1], "next": "following"}
    services.answers["reporting", "parked_list"] = {"items": items[1:], "next": None}
    services.answers["campaigns", "parked_list"] = Unavailable("away")
    return items


def test_parked_messages_of_all_services_say_what_they_are_and_what_went_wrong(
    manager: Person, two: list[dict[str, Any]], services: Any
) -> None:
    shown = manager.get("/parked").text
    assert "tell each other what happens by messages" in shown
    assert shown.index("A lead came") < shown.index("tried 5 times") < shown.index("KeyError: &#39;team&#39;")
    assert shown.index("tried 5 times") < shown.index("A lead was given to a seller") < shown.index("tried once")
    assert "Campaigns does not answer" in shown
    assert 'href="/parked?service=distribution"' in shown
    assert [call[:2] for call in services.calls] == [(service, "parked_list") for service in SERVICES]


def test_one_service_is_paged_through(manager: Person, two: list[dict[str, Any]], services: Any) -> None:
    shown = manager.get("/parked?service=distribution&cursor=c").text
    assert services.calls == [("distribution", "parked_list", {"cursor": "c", "limit": 50})]
    assert "cursor=following" in shown
    manager.get("/parked?service=other")
    assert len(services.calls) == 6


def test_a_cursor_of_another_list_begins_anew(manager: Person, two: list[dict[str, Any]], services: Any) -> None:
    page = services.answers["distribution", "parked_list"]

    def listed(cursor: str | None, **_arguments: Any) -> Any:
        if cursor:
            raise invalid("cursor", "invalid", "not one of this list")
        return page

    services.answers["distribution", "parked_list"] = listed
    assert "A lead came" in manager.get("/parked?service=distribution&cursor=wrong").text


def test_nothing_parked_is_good_news(manager: Person, two: list[dict[str, Any]], services: Any) -> None:
    services.answers |= {(service, "parked_list"): {"items": [], "next": None} for service in SERVICES}
    assert "Every message was handled" in manager.get("/parked").text


def test_the_chosen_are_tried_again_by_their_services(
    manager: Person, two: list[dict[str, Any]], services: Any, database: Database
) -> None:
    services.answers["distribution", "parked_replay"] = lambda ids: len(ids)
    services.answers["reporting", "parked_replay"] = lambda ids: len(ids)
    chosen = [f"distribution:{two[0]['id']}", f"reporting:{two[1]['id']}", "elsewhere:1", "nonsense"]
    answer = manager.post("/parked/retry", {"chosen": chosen, "service": "reporting"})
    assert answer.headers["Location"] == "/parked?service=reporting"
    assert services.calls == [
        ("distribution", "parked_replay", {"ids": [two[0]["id"]]}),
        ("reporting", "parked_replay", {"ids": [two[1]["id"]]}),
    ]
    assert "2 messages are tried again now" in manager.get("/parked").text
    with database.read() as connection:
        entry = audit.trail(connection)["items"][0]
    assert (entry["what"], entry["detail"]) == ("tried parked messages again", {"count": 1})


def test_the_button_of_one_leaves_the_chosen_alone(manager: Person, two: list[dict[str, Any]], services: Any) -> None:
    services.answers["reporting", "parked_replay"] = lambda ids: len(ids)
    form = {"chosen": [f"distribution:{two[0]['id']}"], "one": f"reporting:{two[1]['id']}"}
    manager.post("/parked/retry", form)
    assert services.calls == [("reporting", "parked_replay", {"ids": [two[1]["id"]]})]


def test_dropping_asks_first(manager: Person, two: list[dict[str, Any]], services: Any) -> None:
    chosen = [f"distribution:{two[0]['id']}", f"reporting:{two[1]['id']}"]
    asked = manager.post("/parked/drop", {"chosen": chosen}).text
    assert not services.calls
    assert "Drop 2 messages for good?" in asked
    assert all(f'name="chosen" value="{value}"' in asked for value in chosen)
    services.answers["distribution", "parked_drop"] = services.answers["reporting", "parked_drop"] = 1
    manager.post("/parked/drop", {"chosen": chosen, "sure": "1"})
    assert [call[1] for call in services.calls] == ["parked_drop", "parked_drop"]
    assert "2 messages are erased" in manager.get("/parked").text


@pytest.mark.parametrize("path", ["/parked/retry", "/parked/drop"])
def test_nothing_chosen_is_said(manager: Person, two: list[dict[str, Any]], services: Any, path: str) -> None:
    assert manager.post(path, {"sure": "1"}).headers["Location"] == "/parked"
    assert not services.calls
    assert "tick what you mean" in manager.get("/parked").text


@pytest.mark.parametrize(
    ("error", "told"),
    [(NotFound("failed fact", "x"), "were not there any more"), (Unavailable("x"), "does not answer")],
)
def test_somebody_faster_and_a_service_that_is_away_are_told(
    manager: Person, two: list[dict[str, Any]], services: Any, error: Exception, told: str
) -> None:
    services.answers["distribution", "parked_replay"] = error
    services.answers["reporting", "parked_replay"] = 1
    manager.post("/parked/retry", {"chosen": ["distribution:1", "reporting:2"]})
    shown = manager.get("/parked").text
    assert told in shown
    assert "1 message is tried again now" in shown


def test_scripts_in_messages_stay_text(manager: Person, two: list[dict[str, Any]], services: Any) -> None:
    two[0] |= {"error": "<script>alert(1)", "body": "</pre><script>alert(2)", "queue": "<script>alert(3)"}
    assert "<script>alert" not in manager.get("/parked").text


def test_every_message_there_is_has_words(app: Flask) -> None:
    with app.test_request_context():
        for message in MESSAGES:
            for service in message.subscribers:
                queue = message.queue(service, "bulk")
                assert message_name(queue) != queue
        assert message_name("x.work_unassigned.live") != message_name("x.work_assigned.live")


@pytest.mark.feature("GTW-1")
@pytest.mark.parametrize("role", ["supervisor", "seller"])
def test_parked_messages_are_for_managers(
    app: Flask, database: Database, services: Any, role: str, manager: Person
) -> None:
    person = Person(app, database, role)
    assert person.get("/parked").status_code == 403
    for path in ("/parked/retry", "/parked/drop"):
        assert person.post(path, {"chosen": ["capture:1"], "sure": "1"}).status_code == 403
        assert manager.client.post(path, data={"chosen": ["capture:1"], "sure": "1"}).status_code == 400
    assert not services.calls
