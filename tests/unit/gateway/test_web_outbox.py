"""The outbox viewer and the addresses nothing goes to."""

from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from page_cases import HTMX, Person

from gateway.accounts import audit
from gateway.providers.simulation import NotPretended
from gateway.web import outbox
from runtime.database import Database
from runtime.ids import new_id

pytestmark = pytest.mark.feature("NOT-8")

AT = "2026-11-20T10:00:00.000000+00:00"
SCRIPT = "<script>alert(1)</script>"


def sent(**changes: Any) -> dict[str, Any]:
    return {
        "message_id": new_id(), "work_id": new_id(), "lead_id": new_id(), "seller_id": new_id(), "channel": "sms",
        "state": "sent", "seller_name": "Rui", "address": "+351912000102", "subject": "", "text": "Novo lead",
        "segments": {"encoding": "GSM-7", "count": 1, "units": 9, "left": 151}, "created_at": AT, "sent_at": AT,
        "read_at": None, "error": "", "events": [],
    } | changes  # fmt: skip


@pytest.fixture
def enter(app: Flask, database: Database) -> Callable[[str], Person]:
    return lambda role: Person(app, database, role)


def test_each_message_is_shown_with_what_became_of_it(enter: Any, services: Any) -> None:
    events = [{"at": AT, "kind": "delivered", "code": "30003", "text": ""}]
    items = [sent(events=events, state="delivered"), sent(channel="email", subject="Um lead", segments=None)]
    services.answers["notifications", "outbox"] = {"items": items, "next": "later"}
    page = enter("manager").get("/outbox?channel=sms&q=rui").text
    assert services.calls == [
        ("notifications", "outbox", {"cursor": None, "limit": outbox.PER_PAGE, "channel": "sms", "q": "rui"})
    ]
    assert "Delivered" in page
    assert "30003" in page
    assert "1 SMS" in page
    assert "cursor=later" in page


def test_what_others_wrote_stays_text(enter: Any, services: Any) -> None:
    replied = [{"at": AT, "kind": "replied", "code": SCRIPT, "text": SCRIPT}]
    item = sent(text=SCRIPT, seller_name=SCRIPT, address=SCRIPT, subject=SCRIPT, error=SCRIPT, events=replied)
    services.answers["notifications", "outbox"] = {"items": [item, item | {"channel": "email"}], "next": None}
    page = enter("manager").get(f"/outbox?q={SCRIPT}").text
    assert SCRIPT not in page
    assert page.count("&lt;script&gt;") > 8


@pytest.mark.parametrize(("query", "words"), [("", "Nothing has been sent yet."), ("?q=nobody", "No message fits.")])
def test_an_empty_list_says_so(enter: Any, services: Any, query: str, words: str) -> None:
    services.answers["notifications", "outbox"] = {"items": [], "next": None}
    assert words in enter("supervisor").get(f"/outbox{query}").text


def test_a_simulation_is_passed_on_and_shown_again(enter: Any, services: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    item = sent()
    known = {item["message_id"]: item, "another": sent()}
    services.answers["notifications", "outbox"] = lambda message_id, limit: {"items": [known[message_id]], "next": None}
    asked: list[tuple[str, str, str]] = []
    monkeypatch.setattr(outbox, "simulate", lambda *arguments: asked.append(arguments))
    browser = enter("manager")
    address = f"/outbox/{item['message_id']}/simulate"
    part = browser.post(address, {"kind": "replied", "text": "PARAR"}, headers=HTMX)
    assert asked == [(item["message_id"], "replied", "PARAR")]
    assert f'id="message-{item["message_id"]}"' in part.text
    assert "load delay" in part.text
    assert browser.post(address, {"kind": "delivered"}).status_code == 303


def test_a_message_that_went_to_people_cannot_be_simulated(
    enter: Any, services: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    item = sent()
    services.answers["notifications", "outbox"] = {"items": [item], "next": None}

    def refuse(*_arguments: Any) -> None:
        raise NotPretended("it is real")

    monkeypatch.setattr(outbox, "simulate", refuse)
    part = enter("manager").post(f"/outbox/{item['message_id']}/simulate", {"kind": "failed"}, headers=HTMX)
    assert "This message went to real people" in part.text
    assert "load delay" not in part.text


@pytest.mark.feature("R14")
@pytest.mark.parametrize(
    ("role", "path", "status"),
    [
        ("seller", "/outbox", 403), ("supervisor", "/outbox", 200), ("seller", "/suppressions", 403),
        ("supervisor", "/suppressions", 403), ("manager", "/suppressions", 200),
    ],
)  # fmt: skip
def test_who_may_look(enter: Any, services: Any, role: str, path: str, status: int) -> None:
    services.answers["notifications", "outbox"] = {"items": [], "next": None}
    services.answers["notifications", "suppressions"] = {"items": [], "next": None}
    assert enter(role).get(path).status_code == status


@pytest.mark.feature("NOT-6")
def test_an_address_is_let_go_and_that_is_kept(enter: Any, database: Database, services: Any) -> None:
    suppression = {"suppression_id": new_id(), "channel": "sms", "address": SCRIPT, "reason": "stop", "since": AT}
    services.answers["notifications", "suppressions"] = {"items": [suppression], "next": None}
    services.answers["notifications", "lift_suppression"] = {}
    browser = enter("manager")
    assert SCRIPT not in browser.get("/suppressions").text
    answer = browser.post(f"/suppressions/{suppression['suppression_id']}/lift", {})
    assert answer.status_code == 303
    assert services.calls[-1][2] == {"suppression_id": suppression["suppression_id"]}
    with database.read() as connection:
        assert audit.trail(connection)["items"][0]["subject"] == suppression["suppression_id"]
