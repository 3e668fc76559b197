"""The inbox, the bell on every page, links in messages, and how a seller wants to be told."""

from typing import Any

import pytest
from flask import Flask
from page_cases import HTMX, Person

from gateway.live import tokens
from gateway.secret import secret
from runtime.clock import iso, utc_now
from runtime.database import Database
from runtime.errors import Conflict, NotFound, Unavailable, invalid
from runtime.ids import new_id

pytestmark = pytest.mark.feature("GTW-4")


def told(seller_id: str, **more: Any) -> dict[str, Any]:
    message = {
        "message_id": new_id(),
        "lead_id": new_id(),
        "seller_id": seller_id,
        "channel": "in_app",
        "source": "site",
    }
    return message | {
        "kind": "assignment", "leads": 1, "created_at": iso(utc_now()), "read_at": None, "withdrawn_at": None,
    } | more  # fmt: skip


def cards_of(*messages: dict[str, Any]) -> Any:
    names = {message["lead_id"]: f"Bruno {number}" for number, message in enumerate(messages)}
    common = {"phone": "", "email": "", "company": "", "city": "", "source": "site", "form_name": "", "is_test": False}
    return lambda lead_ids: [
        {"lead_id": lead_id, "name": names[lead_id], **common} for lead_id in lead_ids if lead_id in names
    ]


@pytest.fixture
def seller(app: Flask, database: Database) -> Person:
    return Person(app, database, "seller")


@pytest.fixture
def message(services: Any, seller: Person) -> dict[str, Any]:
    """One message that the seller has not read, about a lead that is there."""
    unread = told(seller.seller_id)
    services.answers |= {
        ("notifications", "inbox"): {"items": [unread], "next": None, "unread": 1},
        ("notifications", "mark_read"): {"marked": 1, "unread": 0},
        ("notifications", "message"): unread,
        ("capture", "lead_cards"): cards_of(unread),
    }
    return unread


def test_the_inbox_names_who_asked(seller: Person, message: dict[str, Any], services: Any) -> None:
    shown = seller.get("/inbox").text
    assert "Bruno 0" in shown
    assert f"/m/{message['message_id']}" in shown
    assert services.calls[0][2]["seller_id"] == seller.seller_id


def test_an_empty_inbox_says_what_it_is_for(seller: Person, services: Any) -> None:
    services.answers["notifications", "inbox"] = {"items": [], "next": None, "unread": 0}
    assert "Nothing here yet" in seller.get("/inbox").text


def test_what_the_page_showed_is_marked_as_read(seller: Person, message: dict[str, Any], services: Any) -> None:
    answer = seller.post("/inbox/read", {"message_id": [message["message_id"]]})
    assert answer.status_code == 303
    assert services.calls[-1] == (
        "notifications", "mark_read", {"seller_id": seller.seller_id, "message_ids": [message["message_id"]]},
    )  # fmt: skip


def test_marking_needs_the_token_of_a_page(seller: Person, message: dict[str, Any]) -> None:
    assert seller.client.post("/inbox/read", data={"message_id": message["message_id"]}).status_code == 400


def seen_by(text: str) -> str:
    return text.split('name="seen" value="')[1].split('"')[0]


def test_the_bell_counts_and_a_toast_is_shown_once(seller: Person, message: dict[str, Any], services: Any) -> None:
    first = seller.get("/inbox/badge", headers=HTMX)
    assert "Inbox, 1 unread" in first.text
    assert "hx-swap-oob" not in first.text  # it was there before the page was opened
    fresh = told(seller.seller_id)
    services.answers["notifications", "inbox"] = {"items": [fresh, message], "next": None, "unread": 2}
    services.answers["capture", "lead_cards"] = cards_of(message, fresh)
    second = seller.get(f"/inbox/badge?seen={seen_by(first.text)}", headers=HTMX)
    assert 'hx-swap-oob="beforeend:#toasts"' in second.text
    assert "Bruno 1" in second.text
    assert f"/m/{fresh['message_id']}" in second.text
    third = seller.get(f"/inbox/badge?seen={seen_by(second.text)}", headers=HTMX)
    assert "hx-swap-oob" not in third.text
    assert "Inbox, 2 unread" in third.text


def test_a_lead_that_comes_between_two_pages_is_told_on_the_second(
    seller: Person, message: dict[str, Any], services: Any
) -> None:
    seller.get("/inbox/badge", headers=HTMX)
    fresh = told(seller.seller_id)
    services.answers["notifications", "inbox"] = {"items": [fresh, message], "next": None, "unread": 2}
    services.answers["capture", "lead_cards"] = cards_of(message, fresh)
    assert "Bruno 1" in seller.get("/inbox/badge?seen=", headers=HTMX).text


def test_the_first_message_ever_is_told(seller: Person, message: dict[str, Any], services: Any) -> None:
    services.answers["notifications", "inbox"] = {"items": [], "next": None, "unread": 0}
    empty = seller.get("/inbox/badge", headers=HTMX)
    services.answers["notifications", "inbox"] = {"items": [message], "next": None, "unread": 1}
    assert "hx-swap-oob" in seller.get(f"/inbox/badge?seen={seen_by(empty.text)}", headers=HTMX).text


def test_many_new_leads_are_one_toast(seller: Person, message: dict[str, Any], services: Any) -> None:
    fresh = [told(seller.seller_id) for _ in range(3)]
    services.answers["notifications", "inbox"] = {"items": [*fresh, message], "next": None, "unread": 4}
    shown = seller.get(f"/inbox/badge?seen={message['message_id']}", headers=HTMX).text
    assert shown.count("toast-body") == 1
    assert "3 new leads" in shown


def test_a_bell_that_cannot_count_stays(seller: Person, message: dict[str, Any], services: Any) -> None:
    services.answers["notifications", "inbox"] = Unavailable("away")
    shown = seller.get(f"/inbox/badge?seen={message['message_id']}", headers=HTMX)
    assert shown.status_code == 200
    assert seen_by(shown.text) == message["message_id"]


def test_the_bell_of_somebody_whose_session_ended_does_not_take_their_page_away(app: Flask) -> None:
    answer = app.test_client().get("/inbox/badge", headers=HTMX)
    assert (answer.status_code, answer.text) == (204, "")
    assert "HX-Redirect" not in answer.headers


def test_a_message_opens_its_lead_and_is_read(seller: Person, message: dict[str, Any], services: Any) -> None:
    answer = seller.get(f"/m/{message['message_id']}")
    assert answer.status_code == 303
    assert answer.headers["Location"] == f"/leads/{message['lead_id']}"
    assert ("notifications", "mark_read") in [call[:2] for call in services.calls]


def test_a_stranger_signs_in_before_a_message_opens(app: Flask) -> None:
    identifier = new_id()
    answer = app.test_client().get(f"/m/{identifier}")
    assert answer.headers["Location"] == f"/sign-in?next=/m/{identifier}"


def test_a_message_opens_before_its_lead_has_arrived(seller: Person, message: dict[str, Any], services: Any) -> None:
    services.answers["capture", "lead_cards"] = []
    answer = seller.get(f"/m/{message['message_id']}")
    assert answer.status_code == 202
    assert answer.headers["Refresh"] == "3"
    assert "on its way" in answer.text


def test_a_message_of_a_lead_that_went_to_somebody_else_says_so(
    seller: Person, message: dict[str, Any], services: Any
) -> None:
    services.answers["capture", "lead_cards"] = []
    services.answers["notifications", "message"] = message | {"withdrawn_at": iso(utc_now())}
    answer = seller.get(f"/m/{message['message_id']}")
    assert answer.status_code == 404
    assert "gone to somebody else" in answer.text


def test_a_message_of_somebody_else_is_not_there(seller: Person, services: Any) -> None:
    services.answers["notifications", "message"] = NotFound("message", "…")
    assert seller.get(f"/m/{new_id()}").status_code == 404


def test_a_digest_opens_the_list(seller: Person, message: dict[str, Any], services: Any) -> None:
    digest = message | {"kind": "digest", "leads": 12, "channel": "sms"}
    services.answers["notifications", "message"] = digest
    assert seller.get(f"/m/{message['message_id']}").headers["Location"] == "/my/leads"


def test_a_page_knows_the_sellers_event_stream_and_nobody_elses(
    seller: Person, message: dict[str, Any], database: Database
) -> None:
    shown = seller.get("/inbox")
    address = shown.text.split('data-live="')[1].split('"')[0]
    assert address.startswith("http://localhost:8090/live?token=")
    token = address.split("token=")[1]
    assert tokens.read(secret(database), token, utc_now().timestamp())[0] == seller.seller_id
    assert "connect-src 'self' http://localhost:8090;" in shown.headers["Content-Security-Policy"]


def test_who_is_no_seller_has_no_stream_and_no_inbox(app: Flask, database: Database) -> None:
    manager = Person(app, database, "manager")
    assert "8090" not in manager.get("/account").headers["Content-Security-Policy"]
    assert manager.get("/inbox").status_code == 403
    assert manager.get("/inbox/badge").status_code == 204


SELLER = {"channels": ["sms"], "phone": "+351910000000", "email": "", "version": 4}


def test_a_seller_chooses_how_to_be_told(seller: Person, services: Any) -> None:
    services.answers["distribution", "get_seller"] = SELLER
    services.answers["distribution", "update_seller"] = SELLER | {"version": 5}
    shown = seller.get("/account/notifications").text
    assert "+351 910 000 000" in shown
    assert 'value="sms" checked' in shown
    assert 'value="email" disabled' in shown
    seller.post("/account/notifications", {"channels": ["email", "pigeon"], "version": "4", "weight": "9"})
    assert services.calls[-1][2] == {"seller_id": seller.seller_id, "changes": {"channels": ["email"]}, "version": 4}


@pytest.mark.parametrize("refusal", [Conflict("changed"), invalid("channels", "invalid", "sms or email")])
def test_a_choice_that_is_refused_is_said(seller: Person, services: Any, refusal: Exception) -> None:
    services.answers["distribution", "get_seller"] = SELLER
    services.answers["distribution", "update_seller"] = refusal
    answer = seller.post("/account/notifications", {"channels": "sms", "version": "1"}, follow_redirects=True)
    assert "changed this meanwhile" in answer.text or "cannot be taken" in answer.text
