"""Cards of the API: two who change one are told, by `version` or by the ETag they saw; the trail knows who did."""

from typing import Any

import pytest
from flask.testing import FlaskClient

from gateway.accounts import audit
from runtime.database import Database
from runtime.errors import Conflict

pytestmark = pytest.mark.feature("GTW-2")

ID, SELLER = "01900000-0000-7000-8000-00000000000a", "01900000-0000-7000-8000-00000000000b"
CARDS = {
    "team": (f"/teams/{ID}", "PATCH", f"/teams/{ID}", {"name": "Porto"}),
    "seller": (f"/sellers/{ID}", "PATCH", f"/sellers/{ID}", {"weight": 2}),
    "form": (f"/forms/{ID}", "PATCH", f"/forms/{ID}", {"name": "Site"}),
    "lead": (f"/leads/{ID}", "POST", f"/leads/{ID}/reassign", {"seller_id": SELLER}),
    "settings": (f"/notifications/{ID}/settings", "PUT", f"/notifications/{ID}/settings", {"channels": []}),
}


class Cards:
    """Services that keep one card, at a version, and refuse a change of another one."""

    def __init__(self, services: Any) -> None:
        self.version, self.is_closed, self.changes = 3, False, 0
        shown = {"team_id": ID, "seller_id": ID, "form_id": ID, "lead_id": ID, "work_id": ID, "channels": ["sms"]}

        def get(**_arguments: Any) -> dict[str, Any]:
            return {**shown, "version": self.version, "assignment_version": self.version}

        def change(version: int, **_arguments: Any) -> dict[str, Any]:
            if version != self.version or self.is_closed:
                raise Conflict("somebody was faster")
            self.version += 1
            self.changes += 1
            return get()

        for service, thing in (("distribution", "team"), ("distribution", "seller"), ("capture", "form")):
            services.answers[service, f"get_{thing}"], services.answers[service, f"update_{thing}"] = get, change
        services.answers["capture", "get_lead"] = {"lead_id": ID}
        services.answers["distribution", "assignments"] = lambda **_arguments: {"items": [get()]}
        services.answers["distribution", "reassign"] = change


@pytest.fixture
def cards(services: Any) -> Cards:
    return Cards(services)


@pytest.fixture(params=CARDS)
def card(request: pytest.FixtureRequest) -> tuple[str, str, str, dict[str, Any]]:
    return CARDS[request.param]


def test_a_change_takes_the_etag_that_was_seen(
    client: FlaskClient, bearer: dict[str, str], cards: Cards, card: tuple[str, str, str, dict[str, Any]]
) -> None:
    address, method, changed_at, body = card
    tag = client.get(f"/api/v1{address}", headers=bearer).headers["ETag"]

    def change() -> Any:
        headers = {**bearer, "If-Match": tag}
        return client.open(f"/api/v1{changed_at}", method=method, json=body, headers=headers)

    first = change()
    assert first.status_code == 200, first.text
    assert first.headers["ETag"] != tag
    second = change()
    assert (second.status_code, second.get_json()["code"]) == (412, "precondition_failed")
    assert second.mimetype == "application/problem+json"
    tag = first.headers["ETag"]
    assert change().status_code == 200
    assert cards.changes == 2


def test_what_cannot_be_done_is_no_failed_precondition(
    client: FlaskClient, bearer: dict[str, str], cards: Cards, card: tuple[str, str, str, dict[str, Any]]
) -> None:
    address, method, changed_at, body = card
    cards.is_closed = True
    for seen in (client.get(f"/api/v1{address}", headers=bearer).headers["ETag"], "*"):
        headers = {**bearer, "If-Match": seen}
        answer = client.open(f"/api/v1{changed_at}", method=method, json=body, headers=headers)
        assert (answer.status_code, answer.get_json()["code"]) == (409, "conflict")


@pytest.mark.parametrize("tag", ['"x"', 'W/"3-ab"', "3", '"99999999999-ab"', '"9999999999-ab"', '"3-ab", "4-ab"', '""'])
def test_a_tag_that_is_none_of_ours_matches_nothing(
    client: FlaskClient, bearer: dict[str, str], cards: Cards, tag: str
) -> None:
    answer = client.patch(f"/api/v1/teams/{ID}", json={"name": "N"}, headers={**bearer, "If-Match": tag})
    assert answer.status_code == 412, answer.text
    assert cards.changes == 0


def test_a_change_says_what_it_saw(client: FlaskClient, bearer: dict[str, str], cards: Cards) -> None:
    answer = client.patch(f"/api/v1/teams/{ID}", json={"name": "N"}, headers=bearer)
    assert answer.status_code == 422
    assert [(error["field"], error["code"]) for error in answer.get_json()["errors"]] == [("version", "required")]
    stale = client.patch(f"/api/v1/teams/{ID}", json={"name": "N", "version": 2}, headers=bearer)
    assert (stale.status_code, stale.get_json()["code"]) == (409, "conflict")
    assert cards.changes == 0


@pytest.mark.feature("R16")
@pytest.mark.parametrize(
    ("method", "path", "body", "call", "answer", "deed", "subject"),
    [
        ("POST", "/teams", {"name": "N"}, ("distribution", "create_team"), {"team_id": ID}, "made a team", ID),
        ("PATCH", f"/teams/{ID}", {"name": "N", "version": 1}, ("distribution", "update_team"), {}, "changed a team",
         ID),
        ("POST", "/sellers", {"name": "N"}, ("distribution", "create_seller"), {"seller_id": ID}, "added a seller", ID),
        ("PATCH", f"/sellers/{ID}", {"weight": 2, "version": 1}, ("distribution", "update_seller"), {},
         "changed a seller", ID),
        ("PUT", f"/sellers/{ID}/availability", {"available": False}, ("distribution", "set_available"), {},
         "switched a seller off", ID),
        ("PUT", f"/rules/{ID}", {"team_id": SELLER}, ("distribution", "set_rule"), {},
         "sent a form's leads to a team", ID),
        ("PATCH", f"/forms/{ID}", {"active": False, "version": 1}, ("capture", "update_form"), {"form_id": ID},
         "switched a form off", ID),
        ("POST", f"/leads/{ID}/reassign", {"seller_id": SELLER, "version": 1}, ("distribution", "reassign"), {},
         "gave leads by hand", SELLER),
        ("POST", f"/quarantine/{ID}/release", None, ("capture", "release"), {"lead_id": SELLER},
         "released submissions from quarantine", SELLER),
        ("POST", "/services/capture/parked/drop", {"ids": [ID]}, ("capture", "parked_drop"), 1,
         "gave up parked messages", "capture"),
        ("DELETE", f"/outbox/suppressions/{ID}", None, ("notifications", "lift_suppression"), {},
         "lets messages go to an address again", ID),
    ],
)  # fmt: skip
def test_what_is_changed_stands_in_the_trail(
    client: FlaskClient, services: Any, bearer: dict[str, str], database: Database,
    method: str, path: str, body: Any, call: tuple[str, str], answer: Any, deed: str, subject: str,
) -> None:  # fmt: skip
    versions = {"version": 1, "assignment_version": 1}
    services.answers[call] = {**answer, **versions} if isinstance(answer, dict) else answer
    response = client.open(f"/api/v1{path}", method=method, json=body, headers=bearer)
    assert response.status_code < 300, response.text
    with database.read() as connection:
        (entry,) = audit.trail(connection)["items"]
    assert (entry["what"], entry["subject"], entry["name"], entry["account_id"]) == (deed, subject, "test", None)
