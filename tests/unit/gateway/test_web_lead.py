"""A lead's card: for everybody who may see it; one tap records; nobody overwrites anybody."""

import re
from typing import Any

import pytest
from flask import Flask
from page_cases import HTMX, Person, methods

from runtime.clock import iso, utc_now
from runtime.database import Database
from runtime.errors import Conflict, NotFound, Unavailable, invalid
from runtime.ids import new_id

pytestmark = pytest.mark.feature("GTW-4")

ROLES = ("admin", "manager", "supervisor", "seller")


class Story:
    """One lead as the services tell of it, and who looks at it."""

    def __init__(self, services: Any, seller_id: str) -> None:
        self.services, self.lead_id, now = services, new_id(), iso(utc_now())
        self.address = f"/leads/{self.lead_id}"
        self.card: dict[str, Any] = {
            "lead_id": self.lead_id, "contact_id": new_id(), "name": "Bruno Novo", "phone": "+351912345678",
            "email": "bruno@example.com", "company": "", "city": "Porto", "source": "site", "channel": "site",
            "form_name": "Contact", "score": 90, "is_test": False, "received_at": now, "context": {"utm_source": "x"},
            "fields": {"nome": "Bruno Novo", "telefone": "912 345 678", "rooms": "three"},
            "labels": {"rooms": "Rooms?"},
        }  # fmt: skip
        self.work: dict[str, Any] = {
            "work_id": self.lead_id, "state": "assigned", "seller_id": seller_id, "team_id": new_id(), "source": "site",
            "assignment_version": 3, "assigned_at": now, "opened_at": None, "waiting_reason": "", "waiting_since": None,
        }  # fmt: skip
        self.deal: dict[str, Any] = {
            "opportunity_id": new_id(), "version": 5, "state": "open", "outcome": "", "reason": "", "amount": None,
            "currency": "", "closed_at": None, "tasks": [], "timeline": [self.entry("opened", seller_id)],
        }  # fmt: skip
        services.answers |= {
            ("distribution", "open_work"): self.work,
            ("distribution", "get_assignment"): self.work,
            ("distribution", "staff_names"): {"sellers": {seller_id: "Rui"}, "teams": {self.work["team_id"]: "North"}},
            ("distribution", "return_work"): self.work,
            ("distribution", "reassign"): self.work,
            ("capture", "lead_cards"): [self.card],
            ("capture", "get_lead"): self.card,
            ("campaigns", "opportunity_of"): self.deal,
            ("campaigns", "record_action"): self.deal,
            ("campaigns", "close_opportunity"): self.deal,
        }

    def entry(self, what: str, seller_id: str, **more: Any) -> dict[str, Any]:
        entry = {"at": iso(utc_now()), "what": what, "seller_id": seller_id, "kind": "", "outcome": "", "note": ""}
        return entry | {"next_at": None} | more

    def sent(self, method: str) -> list[dict[str, Any]]:
        """With what a method was called."""
        return [arguments for _service, name, arguments in self.services.calls if name == method]


@pytest.fixture
def seller(app: Flask, database: Database) -> Person:
    return Person(app, database, "seller")


@pytest.fixture
def story(services: Any, seller: Person) -> Story:
    return Story(services, seller.seller_id)


def form_of(page: str, identifier: str) -> dict[str, str]:
    """The hidden fields of a form."""
    found = re.search(rf'<form[^>]*id="{identifier}".*?</form>', page, re.DOTALL)
    assert found is not None, identifier
    return dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', found[0]))


def test_a_seller_sees_who_it_is_and_reaches_them_with_one_thumb(seller: Person, story: Story) -> None:
    shown = seller.get(story.address).text
    assert "<h1" in shown
    assert "Bruno Novo" in shown
    for link in ("tel:+351912345678", "https://wa.me/351912345678", "mailto:bruno%40example.com"):
        assert f'href="{link}"' in shown
    assert "Rooms?" in shown
    assert "three" in shown
    assert shown.count("912 345 678") == 1  # above, not among the answers
    assert "Given to you" in shown


def test_a_sellers_look_at_the_card_is_kept_and_the_card_is_four_calls(seller: Person, story: Story) -> None:
    seller.get(story.address)
    assert sorted(methods(story.services.calls)) == [
        "campaigns.opportunity_of", "capture.lead_cards", "distribution.open_work", "distribution.staff_names",
    ]  # fmt: skip


@pytest.mark.parametrize("role", ["admin", "manager", "supervisor"])
def test_others_see_the_card_without_opening_it(app: Flask, database: Database, story: Story, role: str) -> None:
    shown = Person(app, database, role).get(story.address)
    assert shown.status_code == 200
    assert not story.sent("open_work")
    assert "Rui" in shown.text
    assert f"{story.address}/hand" in shown.text


def test_a_lead_of_somebody_else_is_not_there(seller: Person, story: Story) -> None:
    story.services.answers |= {
        ("distribution", "open_work"): NotFound("work"),
        ("capture", "lead_cards"): [],
        ("campaigns", "opportunity_of"): NotFound("opportunity"),
    }
    answer = seller.get(story.address)
    assert answer.status_code == 404
    assert "Bruno" not in answer.text


def test_a_card_that_has_not_arrived_yet_comes_by_itself(seller: Person, story: Story) -> None:
    story.services.answers["capture", "lead_cards"] = []
    answer = seller.get(story.address)
    assert answer.status_code == 202
    assert answer.headers["Refresh"] == "3"


def test_the_phone_number_is_there_while_other_parts_are_away(seller: Person, story: Story) -> None:
    for service, method in story.services.answers:
        if service != "capture":
            story.services.answers[service, method] = Unavailable("away")
    answer = seller.get(story.address)
    assert answer.status_code == 200
    assert "tel:+351912345678" in answer.text


def test_scripts_in_answers_and_notes_stay_text(seller: Person, story: Story) -> None:
    bad = "<script>alert(1)</script>"
    story.card |= {"name": bad, "fields": {bad: bad}, "context": {bad: bad}, "labels": {bad: f"{bad}?"}, "city": bad}
    story.deal["timeline"] = [story.entry("action", seller.seller_id, kind="call", outcome="reached", note=bad)]
    shown = seller.get(story.address).text
    assert "<script>alert" not in shown
    assert shown.count("&lt;script&gt;alert(1)") >= 6


def test_an_address_that_is_no_address_makes_no_link(seller: Person, story: Story) -> None:
    story.card |= {"phone": "", "email": ""}
    shown = seller.get(story.address).text
    assert "tel:" not in shown
    assert "mailto:" not in shown


def test_one_tap_records_what_happened(seller: Person, story: Story) -> None:
    form = form_of(seller.get(story.address).text, "act") | {"outcome": "reached", "kind": "call", "note": "likes it"}
    answer = seller.post(f"{story.address}/actions", form)
    assert answer.status_code == 303
    (sent,) = story.sent("record_action")
    assert sent["opportunity_id"] == story.deal["opportunity_id"]
    assert sent["version"] == 5
    assert sent["action"] | {"id": ""} == {
        "id": "", "kind": "call", "outcome": "reached", "note": "likes it", "next_at": None,
    }  # fmt: skip


def test_with_htmx_only_the_part_that_changed_comes_back(seller: Person, story: Story) -> None:
    page = seller.get(story.address).text
    form = form_of(page, "act") | {"outcome": "no_answer", "kind": "call"}
    answer = seller.post(f"{story.address}/actions", form, headers=HTMX)
    assert answer.status_code == 200
    assert "<html" not in answer.text
    assert "Recorded." in answer.text
    assert form_of(answer.text, "act")["action_id"] != form["action_id"]


def test_sent_again_it_is_the_same_action_to_the_second(seller: Person, story: Story) -> None:
    """A phone that lost the network does not know whether it arrived."""
    form = form_of(seller.get(story.address).text, "act") | {"outcome": "no_answer", "kind": "call", "waited": "42"}
    for _ in range(2):
        seller.post(f"{story.address}/actions", form)
    first, second = story.sent("record_action")
    assert first == second
    assert first["action"]["id"] == form["action_id"]
    assert first["action"]["next_at"] is not None


def test_the_second_of_two_is_told_and_keeps_what_they_typed(seller: Person, story: Story) -> None:
    form = form_of(seller.get(story.address).text, "act") | {"outcome": "reached", "kind": "visit", "note": "my words"}
    story.services.answers["campaigns", "record_action"] = Conflict("changed meanwhile")
    story.deal |= {"version": 6}
    story.deal["timeline"] = [story.entry("action", new_id(), kind="call", outcome="interested", note="their words")]
    answer = seller.post(f"{story.address}/actions", form)
    assert answer.status_code == 409
    assert "Somebody was faster" in answer.text
    assert "my words</textarea>" in answer.text
    assert "their words" in answer.text
    again = form_of(answer.text, "act")
    assert again["version"] == "6"
    assert again["action_id"] != form["action_id"]


def test_what_cannot_be_recorded_is_said_next_to_what_was_typed(seller: Person, story: Story) -> None:
    form = form_of(seller.get(story.address).text, "act") | {"outcome": "callback", "next": "pick", "note": "my words"}
    answer = seller.post(f"{story.address}/actions", form)
    assert answer.status_code == 422
    assert "choose a day and a time" in answer.text
    assert "my words</textarea>" in answer.text
    assert not story.sent("record_action")


def test_a_closed_lead_cannot_be_acted_on(seller: Person, story: Story) -> None:
    story.deal |= {
        "state": "closed",
        "outcome": "won",
        "amount": 125_000,
        "currency": "EUR",
        "closed_at": iso(utc_now()),
    }
    story.work["state"] = "closed"
    shown = seller.get(story.address).text
    assert "€1,250" in shown
    assert 'id="act"' not in shown
    assert 'id="return"' not in shown


def test_who_only_reads_has_no_buttons(seller: Person, story: Story) -> None:
    story.work["seller_id"] = new_id()
    shown = seller.get(story.address).text
    assert 'id="act"' not in shown
    assert 'id="won"' not in shown


def test_won_has_an_amount_in_cents(seller: Person, story: Story) -> None:
    form = form_of(seller.get(story.address).text, "won") | {
        "amount": "1.250,50",
        "currency": "BRL",
        "text": "two rooms",
    }
    assert seller.post(f"{story.address}/close", form).status_code == 303
    assert story.sent("close_opportunity") == [
        {
            "opportunity_id": story.deal["opportunity_id"], "version": 5, "outcome": "won", "amount": 125_050,
            "currency": "BRL", "reason": "two rooms",
        }
    ]  # fmt: skip


def test_lost_needs_a_reason(seller: Person, story: Story) -> None:
    form = form_of(seller.get(story.address).text, "lost")
    assert seller.post(f"{story.address}/close", form).status_code == 422
    assert not story.sent("close_opportunity")
    seller.post(f"{story.address}/close", form | {"reason": "Too expensive", "text": "by far"})
    assert story.sent("close_opportunity")[0]["reason"] == "Too expensive: by far"


def test_an_amount_that_is_none_is_said_and_kept(seller: Person, story: Story) -> None:
    form = form_of(seller.get(story.address).text, "won") | {"amount": "a lot", "currency": "EUR"}
    answer = seller.post(f"{story.address}/close", form)
    assert answer.status_code == 422
    assert 'value="a lot"' in answer.text


def test_closing_again_after_the_answer_was_lost_is_no_conflict(seller: Person, story: Story) -> None:
    form = form_of(seller.get(story.address).text, "won") | {"amount": "10", "currency": "EUR"}
    story.services.answers["campaigns", "close_opportunity"] = Conflict("closed already")
    story.deal |= {"state": "closed", "outcome": "won", "amount": 1000, "currency": "EUR", "closed_at": iso(utc_now())}
    assert seller.post(f"{story.address}/close", form).status_code == 303
    story.deal["amount"] = 2000
    answer = seller.post(f"{story.address}/close", form)
    assert answer.status_code == 409
    assert "Somebody was faster" in answer.text


def test_a_lead_is_returned_with_a_reason(seller: Person, story: Story) -> None:
    form = form_of(seller.get(story.address).text, "return") | {"reason": "No time for it now"}
    answer = seller.post(f"{story.address}/return", form)
    assert answer.headers["Location"] == "/"
    assert story.sent("return_work") == [{"work_id": story.lead_id, "reason": "No time for it now", "version": 3}]


@pytest.mark.parametrize(
    ("refusal", "status", "words"),
    [
        (invalid("reason", "required", "say why"), 422, "Choose a reason"),
        (Conflict("changed"), 409, "Somebody was faster"),
        (NotFound("work"), 303, ""),
    ],
)
def test_a_return_that_is_refused_is_said(
    seller: Person, story: Story, refusal: Exception, status: int, words: str
) -> None:
    form = form_of(seller.get(story.address).text, "return") | {"text": "mine"}
    story.services.answers["distribution", "return_work"] = refusal
    answer = seller.post(f"{story.address}/return", form)
    assert answer.status_code == status
    assert words in answer.text


@pytest.mark.parametrize("what", ["actions", "close", "return", "hand"])
def test_nothing_is_done_without_the_token_of_a_page(app: Flask, database: Database, story: Story, what: str) -> None:
    manager = Person(app, database, "manager")
    assert manager.client.post(f"{story.address}/{what}", data={"outcome": "won"}).status_code == 400
    assert not story.services.calls


class TestByHand:
    """Supervisors and managers give a lead to somebody."""

    @pytest.fixture
    def boss(self, app: Flask, database: Database) -> Person:
        return Person(app, database, "supervisor")

    @pytest.fixture
    def tiago(self, story: Story) -> str:
        one = {"seller_id": new_id(), "name": "Tiago", "on_duty": False, "off_duty_reason": "off_hours", "open_work": 2}
        story.services.answers["distribution", "list_sellers"] = {"items": [one], "next": None}
        return str(one["seller_id"])

    def test_a_seller_is_chosen_among_those_there_are(self, boss: Person, story: Story, tiago: str) -> None:
        shown = boss.get(f"{story.address}/hand?q=ti").text
        assert "Tiago" in shown
        assert "outside working hours" in shown
        assert story.sent("list_sellers")[0]["q"] == "ti"

    def test_the_lead_is_theirs(self, boss: Person, story: Story, tiago: str) -> None:
        answer = boss.post(f"{story.address}/hand", {"seller_id": tiago, "version": "3"})
        assert answer.headers["Location"] == story.address
        assert story.sent("reassign") == [{"work_id": story.lead_id, "seller_id": tiago, "version": 3}]

    @pytest.mark.parametrize(
        ("refusal", "status", "words"),
        [
            (Conflict("changed"), 409, "Somebody was faster"),
            (invalid("seller_id", "not_allowed", "at their cap"), 422, "cannot take it"),
        ],
    )
    def test_a_refusal_is_said_with_the_newest_state(
        self, boss: Person, story: Story, tiago: str, refusal: Exception, status: int, words: str
    ) -> None:
        story.services.answers["distribution", "reassign"] = refusal
        story.work["assignment_version"] = 4
        answer = boss.post(f"{story.address}/hand", {"seller_id": tiago, "version": "3"})
        assert answer.status_code == status
        assert words in answer.text
        assert 'name="version" value="4"' in answer.text

    def test_a_seller_may_not(self, seller: Person, story: Story, tiago: str) -> None:
        assert seller.get(f"{story.address}/hand").status_code == 403
        assert seller.post(f"{story.address}/hand", {"seller_id": tiago, "version": "3"}).status_code == 403
        assert not story.sent("reassign")


class TestBackground:
    """Why this seller, what else the contact asked for, what was sent."""

    @pytest.fixture(autouse=True)
    def known(self, story: Story, seller: Person) -> dict[str, Any]:
        candidates = [
            {"seller_id": seller.seller_id, "name": "Rui", "eligible": True, "reason": "eligible", "debt": 0.5},
            {"seller_id": new_id(), "name": "Eva", "eligible": False, "reason": "daily_cap", "debt": -1.0},
        ]
        message = {
            "message_id": new_id(), "channel": "in_app", "seller_id": seller.seller_id, "read_at": None, "leads": 1,
            "kind": "assignment", "state": "sent", "created_at": iso(utc_now()), "withdrawn_at": None,
        }  # fmt: skip
        why = {
            "state": "assigned", "winner": {"seller_id": seller.seller_id, "name": "Rui"}, "reason": "rule",
            "waiting_reason": "", "decided_at": iso(utc_now()), "candidates": candidates, "others": 0,
        }  # fmt: skip
        story.services.answers |= {
            ("distribution", "why"): why,
            ("notifications", "messages"): {"items": [message], "next": None},
            ("notifications", "mark_read"): {"marked": 1, "unread": 0},
            ("capture", "contact_leads"): {"items": [story.card | {"lead_id": new_id(), "form_name": "Older"}]},
        }
        return message

    def test_the_seller_reads_why_them_and_what_told_them_is_read(
        self, seller: Person, story: Story, known: dict[str, Any]
    ) -> None:
        answer = seller.get(f"{story.address}/background?contact={story.card['contact_id']}", headers=HTMX)
        assert "It was your turn" in answer.text
        assert "Older" in answer.text
        assert "Eva" not in answer.text
        assert story.sent("mark_read")[0]["message_ids"] == [known["message_id"]]
        assert answer.headers["HX-Trigger"] == "rodizio:lead"

    def test_a_manager_reads_what_spoke_for_and_against_each_and_marks_nothing(
        self, app: Flask, database: Database, story: Story
    ) -> None:
        answer = Person(app, database, "manager").get(f"{story.address}/background")
        assert "<html" in answer.text
        assert "had as many leads that day as they may have" in answer.text
        assert "0.5 leads less than their share" in answer.text
        assert not story.sent("mark_read")

    def test_what_is_away_is_said_and_the_rest_is_there(self, seller: Person, story: Story) -> None:
        story.services.answers["distribution", "why"] = Unavailable("away")
        answer = seller.get(f"{story.address}/background?contact=wrong", headers=HTMX)
        assert answer.status_code == 200
        assert "cannot be shown at the moment" in answer.text
        assert "In the app" in answer.text


PLANNED = {
    "task_id": "0190b000-0000-7000-8000-000000000003", "kind": "visit", "subject": "<b>samples</b>", "by_hand": True,
    "task_version": 2, "due_at": "2026-07-01T09:00:00+00:00", "start_on": None,
}  # fmt: skip


@pytest.mark.feature("CMP-8")
def test_a_task_is_planned_on_the_card(seller: Person, story: Story) -> None:
    story.deal["tasks"] = [PLANNED, PLANNED | {"task_id": new_id(), "kind": "email", "start_on": "2026-07-02"}]
    shown = seller.get(story.address).text
    assert "Visit: &lt;b&gt;samples" in shown
    assert "any time from Thu, Jul 2 on" in shown
    form = form_of(shown, "plan") | {
        "kind": "visit",
        "subject": " bring samples ",
        "how": "free",
        "start_on": "2026-07-03",
    }
    story.services.answers["campaigns", "add_task"] = story.deal
    assert "It is in the agenda." in seller.post(f"{story.address}/tasks", form, headers=HTMX).text
    assert story.sent("add_task") == [
        {
            "opportunity_id": story.deal["opportunity_id"],
            "task": {"id": form["task_id"], "kind": "visit", "subject": "bring samples", "start_on": "2026-07-03"},
        }
    ]


@pytest.mark.feature("CMP-8")
def test_a_task_without_a_time_is_refused_and_what_was_typed_stays(seller: Person, story: Story) -> None:
    form = {"opportunity_id": "x", "kind": "visit", "subject": "bring samples", "how": "planned", "due_local": ""}
    answer = seller.post(f"{story.address}/tasks", form, headers=HTMX)
    assert answer.status_code == 422
    assert "Choose a time that is still to come." in answer.text
    assert 'value="bring samples"' in answer.text
    assert not story.sent("add_task")


@pytest.mark.feature("CMP-9")
def test_a_task_is_put_off_on_the_card_and_the_story_says_so(seller: Person, story: Story) -> None:
    told = {"subject": "", "by_name": "Rita", "from_on": "", "next_on": "", "from_at": "2026-07-01T09:00:00+00:00"}
    moved = story.entry("task_recalled", "", kind="call", note="on holiday", next_at="2026-07-08T09:00:00+00:00")
    story.deal |= {"tasks": [PLANNED], "timeline": [moved | told]}
    story.services.answers["campaigns", "recall_task"] = story.deal
    form = form_of(seller.get(story.address).text, f"put-{PLANNED['task_id'][-12:]}") | {"by": "1w"}  # type: ignore[index]
    shown = seller.post(f"/tasks/{PLANNED['task_id']}/recall", form, headers=HTMX).text
    assert "Put off: Call" in shown
    assert "· Rita" in shown
    assert story.sent("recall_task")[0]["recall"]["by"] == "1w"


@pytest.mark.feature("CMP-7")
@pytest.mark.parametrize(
    ("amount", "currency", "said"),
    [
        ("a lot", "EUR", "An amount such as 1250"),
        ("12,5", "JPY", "This currency has no decimals"),
        ("1.234", "KWD", "can be read in two ways"),
    ],
)
def test_an_amount_that_cannot_be_read_says_why(
    seller: Person, story: Story, amount: str, currency: str, said: str
) -> None:
    form = form_of(seller.get(story.address).text, "won") | {"amount": amount, "currency": currency}
    answer = seller.post(f"{story.address}/close", form, headers=HTMX)
    assert answer.status_code == 422
    assert said in answer.text
    assert f'value="{amount}"' in answer.text
    assert f"<option selected>{currency}" in answer.text
    assert not story.sent("close_opportunity")
