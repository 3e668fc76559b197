"""Forms for managers: the list, the page on which they are made, the snippet, a test lead."""

import html
import re
from collections.abc import Callable
from dataclasses import asdict
from html.parser import HTMLParser
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from page_cases import HTMX, Person, methods

from contracts.capture import FieldRule, FormChanged
from gateway import store
from runtime.database import Database
from runtime.errors import Conflict, FieldError, Invalid, NotFound, Unavailable
from runtime.ids import new_id
from services.capture.domain.forms import problems_of_form

pytestmark = pytest.mark.feature("CAP-2", "GTW-1")

TEAM, OTHER = "0190a000-0000-7000-8000-000000000009", "0190a000-0000-7000-8000-00000000000a"
SCRIPT = "\"'><script>alert(1)</script><textarea></textarea>"
LEAD = {
    "lead_id": new_id(),
    "name": "Ana Sofia",
    "email": "ana@example.com",
    "phone": None,
    "is_test": False,
    "captured_at": "2026-03-01T10:00:00+00:00",
    "company": None,
}


def answered(state: FormChanged, **changes: Any) -> dict[str, Any]:
    """A form as capture answers it."""
    plain = asdict(state)
    shown = {
        name: plain[name] for name in ("form_id", "key", "name", "source", "channel", "active", "region", "locale")
    }
    more = {"title": state.title, "thanks": state.thanks, "version": state.subject_version}
    lists = {"one_of": list(state.one_of), "allowed_origins": list(state.allowed_origins)}
    fields = [{**asdict(rule), "choices": list(rule.choices)} for rule in state.fields]
    return {**shown, **more, **lists, "fields": fields, **changes}


@pytest.fixture
def manager(app: Flask, database: Database) -> Person:
    return Person(app, database, "manager")


@pytest.fixture
def answers(services: Any, form: FormChanged) -> dict[tuple[str, str], Any]:
    """What services say of one form, whose leads go to a team."""
    shown = answered(form)
    services.answers.update(
        {
            ("capture", "list_forms"): {"items": [shown], "next": None},
            ("capture", "form_activity"): {
                "items": [{"form_id": form.form_id, "leads": 70, "today": 7, "last_at": "2026-03-01T10:00:00+00:00"}]
            },
            ("capture", "get_form"): lambda form_id: dict(shown),
            ("capture", "sources"): {"items": ["site"]},
            ("capture", "list_leads"): {"items": [LEAD], "next": None},
            ("distribution", "list_rules"): {"items": [{"form_id": form.form_id, "team_id": TEAM}], "next": None},
            ("distribution", "staff_names"): {"sellers": {}, "teams": {TEAM: "Lisbon shop", OTHER: "Porto shop"}},
        }
    )
    return services.answers


class Posted(HTMLParser):
    """What the builder on a page would send, in the order of the page."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.pairs: list[tuple[str, str]] = []
        self._area = self._select = ""
        self._inside = False
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        name, value = given.get("name") or "", given.get("value") or ""
        if tag == "form":
            self._inside = given.get("id") == "builder"
        elif not self._inside:
            return
        elif tag == "input" and name and (given.get("type") != "checkbox" or "checked" in given):
            self.pairs.append((name, value))
        elif tag == "select":
            self._select = name
        elif tag == "option" and "selected" in given:
            self.pairs.append((self._select, value))
        elif tag == "textarea":
            self._area = name
            self.pairs.append((name, ""))

    def handle_data(self, data: str) -> None:
        if self._area:
            self.pairs[-1] = (self._area, self.pairs[-1][1] + data)

    def handle_endtag(self, tag: str) -> None:
        self._area = "" if tag == "textarea" else self._area
        self._inside = self._inside and tag != "form"

    @property
    def values(self) -> dict[str, str]:
        """By name."""
        return dict(self.pairs)


def names_of(page: str) -> list[str]:
    """Names of the fields on a builder's page, in order."""
    return [value for name, value in Posted(page).pairs if re.fullmatch(r"fields\.\d+\.name", name)]


def problems_at(page: str) -> dict[str, str]:
    """Sentences under controls, by the control's name."""
    found = re.findall(r'id="problem-([^"]+)">([^<]+)<', page)
    return {name: html.unescape(sentence) for name, sentence in found}


def refuses(*errors: tuple[str, str]) -> Invalid:
    """What capture raises for these fields and codes."""
    return Invalid([FieldError(field=field, code=code, message="…") for field, code in errors])


# Who may.


@pytest.mark.parametrize("role", ["supervisor", "seller"])
def test_forms_are_for_managers(app: Flask, database: Database, answers: Any, form: FormChanged, role: str) -> None:
    person = Person(app, database, role)
    for path in ("/forms", "/forms/new", f"/forms/{form.form_id}", f"/forms/{form.form_id}/edit"):
        assert person.get(path).status_code == 403
    assert person.post("/forms/new", {"name": "x"}).status_code == 403
    assert person.post(f"/forms/{form.form_id}/trial", {}).status_code == 403


def test_nobody_is_asked_to_sign_in(client: FlaskClient, form: FormChanged) -> None:
    assert client.get("/forms").headers["Location"].startswith("/sign-in")


def test_a_form_that_is_not_there_is_404(manager: Person, answers: Any, form: FormChanged) -> None:
    answers["capture", "get_form"] = NotFound("form", "x")
    for path in ("", "/edit", "/preview"):
        assert manager.get(f"/forms/{form.form_id}{path}").status_code == 404


def test_without_its_token_a_post_changes_nothing(
    manager: Person, answers: Any, form: FormChanged, services: Any
) -> None:
    for path in ("/forms/new", *(f"/forms/{form.form_id}/{act}" for act in ("edit", "active", "trial"))):
        assert manager.client.post(path, data={"name": "Typed"}).status_code == 400
    assert not {"capture.create_form", "capture.update_form"} & set(methods(services.calls))


# The list.


def test_the_list_says_what_comes_and_where_it_goes(manager: Person, answers: Any, services: Any) -> None:
    page = manager.get("/forms").text
    assert all(words in page for words in ("Contacto", "Lisbon shop", "7 leads today", "70 in all"))
    assert len(services.calls) == 4


def test_a_form_without_a_team_asks_for_one(manager: Person, answers: Any) -> None:
    answers["distribution", "list_rules"] = {"items": [], "next": None}
    assert "No team gets its leads yet" in manager.get("/forms").text


def test_many_forms_cost_as_many_calls_as_one(manager: Person, answers: Any, services: Any, form: FormChanged) -> None:
    many = [answered(form, form_id=new_id(), name=f"Form {number}") for number in range(50)]
    answers["capture", "list_forms"] = {"items": many, "next": "c2"}
    page = manager.get("/forms?q=form").text
    assert "cursor=c2" in page
    assert "q=form" in page
    assert len(services.calls) == 4
    assert services.calls[0][2]["q"] == "form"


def test_the_list_does_without_distribution(manager: Person, answers: Any) -> None:
    answers["distribution", "list_rules"] = answers["distribution", "staff_names"] = Unavailable("away")
    assert "Contacto" in manager.get("/forms").text


def test_no_form_yet_says_what_to_do(manager: Person, answers: Any) -> None:
    answers["capture", "list_forms"] = {"items": [], "next": None}
    assert 'href="/forms/new"' in manager.get("/forms").text
    assert "No form like that" in manager.get("/forms?q=x", headers=HTMX).text


# Making one.


@pytest.mark.parametrize("start", ["contact", "quote", "event", "blank"])
def test_a_start_is_a_form_that_can_be_saved(manager: Person, answers: Any, start: str, services: Any) -> None:
    answers["capture", "create_form"] = refuses(("name", "required"))
    values = Posted(manager.get(f"/forms/new?start={start}").text).values
    assert manager.client.post("/forms/new", data=values).status_code == 422
    sent = next(call[2]["form"] for call in services.calls if call[1] == "create_form")
    allowed = {"fields.0.name", "name"} if start == "blank" else set()
    assert {problem[0] for problem in problems_of_form({**sent, "key": "some-key"})} == allowed


def test_a_form_is_made_as_it_was_typed(manager: Person, answers: Any, services: Any, database: Database) -> None:
    made: dict[str, Any] = {}

    def create(form: dict[str, Any]) -> dict[str, Any]:
        made.update(form)
        return {"form_id": new_id(), "version": 1, "key": "new-form", "active": True, **form}

    answers["capture", "create_form"] = create
    answers["distribution", "set_rule"] = {}
    typed = {
        "name": "Quote",
        "source": "site",
        "channel": "site",
        "locale": "pt",
        "region": "PT",
        "title": "Ask",
        "thanks": "Obrigado",
        "origins": "www.example.com/contact\n\nhttps://b.example",
        "team_id": OTHER,
        "fields.7.label": "O seu nome",
        "fields.7.kind": "text",
        "fields.7.role": "name",
        "fields.7.required": "1",
        "fields.7.name": "",
        "fields.7.max_length": "80",
        "fields.2.label": "Tamanho",
        "fields.2.name": "size",
        "fields.2.kind": "choice",
        "fields.2.role": "",
        "fields.2.choices": "S\r\nM\r\n\r\nL",
        "fields.2.one_of": "1",
        "fields.2.max_length": "",
    }
    response = manager.post("/forms/new", typed)
    assert response.status_code == 303
    assert made["allowed_origins"] == ["https://www.example.com", "https://b.example"]
    assert [field["name"] for field in made["fields"]] == ["o_seu_nome", "size"]  # the order of the page
    assert made["fields"][0] == {
        "name": "o_seu_nome",
        "label": "O seu nome",
        "kind": "text",
        "role": "name",
        "required": True,
        "max_length": 80,
        "choices": [],
    }
    assert made["fields"][1]["choices"] == ["S", "M", "L"]
    assert made["fields"][1]["max_length"] == 500
    assert made["one_of"] == ["size"]
    assert "key" not in made
    assert services.calls[-1][:2] == ("distribution", "set_rule")
    assert services.calls[-1][2]["team_id"] == OTHER
    with database.read() as connection:
        assert store.form_by_key(connection, "new-form") is not None  # it takes leads at once


def test_problems_stand_at_the_field_they_belong_to(manager: Person, answers: Any) -> None:
    page = manager.get("/forms/new?start=contact").text
    answers["capture", "create_form"] = refuses(
        ("name", "required"),
        ("fields.1.name", "invalid"),
        ("fields.3.name", "not_allowed"),
        ("fields.2.max_length", "invalid"),
        ("fields.0.choices.4", "too_long"),
        ("allowed_origins.1", "invalid"),
        ("key", "invalid"),
    )
    typed = Posted(page).values | {"fields.1.name": "name", "fields.3.name": "_gotcha", "fields.2.max_length": "many"}
    response = manager.client.post("/forms/new", data=typed)
    assert response.status_code == 422
    said = problems_at(response.text)
    assert set(said) == {
        *("name", "fields.1.name", "fields.3.name", "fields.2.max_length", "fields.0.choices", "origins", "key")
    }
    assert "Another field" in said["fields.1.name"]
    assert "instruction" in said["fields.3.name"]
    kept = Posted(response.text).values
    assert (kept["fields.3.name"], kept["fields.2.max_length"]) == ("_gotcha", "many")
    assert response.text.count("<details open") == 3  # what is wrong is not folded away


@pytest.mark.parametrize(
    ("button", "after", "focus"),
    [
        ("add", ["name", "email", "phone", "message", "consent", ""], "fields.5.label"),
        ("up.2", ["name", "phone", "email", "message", "consent"], "up.1"),
        ("down.1", ["name", "phone", "email", "message", "consent"], "down.2"),
        ("up.1", ["email", "name", "phone", "message", "consent"], "fields.0.label"),
        ("up.0", ["name", "email", "phone", "message", "consent"], "fields.0.label"),
        ("remove.0", ["email", "phone", "message", "consent"], "fields.0.label"),
        ("remove.4", ["name", "email", "phone", "message"], "fields.3.label"),
        ("remove.99", ["name", "email", "phone", "message", "consent"], "add"),
        ("nonsense.x", ["name", "email", "phone", "message", "consent"], "add"),
    ],
)
def test_fields_are_added_moved_and_removed_without_scripts(
    manager: Person, answers: Any, services: Any, button: str, after: list[str], focus: str
) -> None:
    typed = Posted(manager.get("/forms/new?start=contact").text).values | {"title": "Typed by hand"}
    response = manager.client.post("/forms/new", data={**typed, "do": button})
    assert response.status_code == 200
    assert names_of(response.text) == after
    assert Posted(response.text).values["title"] == "Typed by hand"
    assert re.findall(r'id="([^"]+)"[^>]* autofocus', response.text) == [focus]
    assert "capture.create_form" not in methods(services.calls)


def test_the_last_field_can_go_too(manager: Person, answers: Any) -> None:
    typed = Posted(manager.get("/forms/new?start=blank").text).values
    assert names_of(manager.client.post("/forms/new", data={**typed, "do": "remove.0"}).text) == []


# Changing one.


def test_a_form_comes_back_as_it_is_kept(manager: Person, answers: Any, services: Any, form: FormChanged) -> None:
    page = manager.get(f"/forms/{form.form_id}/edit")
    answers["capture", "update_form"] = lambda form_id, changes, version: answered(form) | {"version": version + 1}
    assert manager.client.post(f"/forms/{form.form_id}/edit", data=Posted(page.text).values).status_code == 303
    (sent,) = [call[2] for call in services.calls if call[1] == "update_form"]
    kept = answered(form)
    assert sent["version"] == kept["version"]
    assert all(kept[name] == value for name, value in sent["changes"].items())
    assert "distribution.set_rule" not in methods(services.calls)  # the team is the same


def test_the_second_of_two_is_told_and_keeps_what_they_typed(
    manager: Person, answers: Any, services: Any, form: FormChanged
) -> None:
    typed = Posted(manager.get(f"/forms/{form.form_id}/edit").text).values | {"title": "Mine"}
    newest = answered(form, version=9, title="Theirs", fields=[*answered(form)["fields"], answered(form)["fields"][0]])
    answers["capture", "get_form"] = lambda form_id: newest
    answers["capture", "update_form"] = Conflict("changed")
    response = manager.client.post(f"/forms/{form.form_id}/edit", data=typed)
    assert response.status_code == 409
    assert "Theirs" in response.text
    assert "Text, must be filled" in response.text
    kept = Posted(response.text).values
    assert (kept["title"], kept["version"]) == ("Mine", "9")


def test_a_team_that_went_meanwhile_is_said_at_its_place(manager: Person, answers: Any, form: FormChanged) -> None:
    typed = Posted(manager.get(f"/forms/{form.form_id}/edit").text).values | {"team_id": OTHER}
    answers["capture", "update_form"] = answered(form, version=2)
    answers["distribution", "set_rule"] = refuses(("team_id", "not_found"))
    response = manager.client.post(f"/forms/{form.form_id}/edit", data=typed)
    assert response.status_code == 422
    assert "team_id" in problems_at(response.text)
    assert Posted(response.text).values["version"] == "2"


def test_a_form_is_switched_off_for_the_public_at_once(
    manager: Person, answers: Any, client: FlaskClient, form: FormChanged
) -> None:
    answers["capture", "update_form"] = answered(form, active=False, version=2)
    assert manager.post(f"/forms/{form.form_id}/active", {"version": "1", "active": "off"}).status_code == 303
    assert client.get("/f/contact").status_code == 404


def test_switching_what_somebody_changed_tells_so(manager: Person, answers: Any, form: FormChanged) -> None:
    answers["capture", "update_form"] = Conflict("changed")
    response = manager.post(f"/forms/{form.form_id}/active", {"version": "1"}, follow_redirects=True)
    assert "Somebody changed this form meanwhile" in response.text


# Its page.


def test_the_snippet_is_a_plain_form_that_the_form_takes(
    manager: Person, answers: Any, client: FlaskClient, form: FormChanged, broker_stub: Any
) -> None:
    page = manager.get(f"/forms/{form.form_id}").text
    snippet = html.unescape(re.findall(r'<textarea[^>]*id="snippet"[^>]*>(.*?)</textarea>', page, re.DOTALL)[0])
    assert 'method="post"' in snippet
    action = re.findall(r'action="([^"]+)"', snippet)[0]
    assert action.endswith("/f/contact")
    assert action in page
    names = re.findall(r' name="([^"]+)"', snippet)
    assert names == [*(rule.name for rule in form.fields), "_gotcha"]
    assert len(re.findall(r"<label", snippet)) == len(names)
    values = {"name": "Ana", "email": "ana@example.com", "_gotcha": ""}
    assert client.post(action, data=values).status_code == 200
    assert broker_stub.facts[0].fields == {"name": "Ana", "email": "ana@example.com"}


def test_scripts_in_a_form_stay_text_on_every_page(
    manager: Person, answers: Any, add_form: Callable[..., FormChanged], services: Any
) -> None:
    rules = [
        {
            "name": SCRIPT,
            "label": SCRIPT,
            "kind": "choice",
            "role": "",
            "required": True,
            "max_length": 500,
            "choices": [SCRIPT],
        }
    ]
    texts = dict.fromkeys(("name", "source", "title", "thanks"), SCRIPT)
    nasty = answered(add_form(key="nasty"), **texts, fields=rules, one_of=[SCRIPT], allowed_origins=[SCRIPT])
    answers["capture", "get_form"] = lambda form_id: dict(nasty)
    answers["capture", "list_forms"] = {"items": [nasty], "next": None}
    answers["capture", "list_leads"] = {"items": [LEAD | {"name": SCRIPT}], "next": None}
    answers["capture", "sources"] = {"items": [SCRIPT]}
    answers["distribution", "staff_names"] = {"sellers": {}, "teams": {TEAM: SCRIPT}}
    answers["capture", "update_form"] = Conflict("changed")
    form_id = nasty["form_id"]
    editor = manager.get(f"/forms/{form_id}/edit")
    pages = [
        *(
            manager.get(path)
            for path in ("/forms", f"/forms/{form_id}", f"/forms/{form_id}/preview", "/forms?q=" + SCRIPT)
        ),
        editor,
        manager.client.post(f"/forms/{form_id}/edit", data={**Posted(editor.text).values, "title": "Mine"}),
    ]
    assert [page.status_code for page in pages] == [200, 200, 200, 200, 200, 409]
    for page in pages:
        assert "<script>alert" not in page.text
        assert "'><script" not in html.unescape(re.sub(r"&#34;|&#39;|&lt;|&gt;", "", page.text))
    assert Posted(editor.text).values["fields.0.choices"].strip() == SCRIPT
    shown = html.unescape(re.findall(r'id="snippet"[^>]*>(.*?)</textarea>', pages[1].text, re.DOTALL)[0])
    assert "<script>alert" not in shown  # nor does it run on the site it is pasted into


def test_the_preview_can_send_nothing(manager: Person, answers: Any, form: FormChanged) -> None:
    response = manager.get(f"/forms/{form.form_id}/preview")
    assert "form-action 'none'" in response.headers["Content-Security-Policy"]
    assert "<script" not in response.text
    assert "method=" not in response.text


# A test lead.


def test_a_test_lead_goes_the_way_of_every_lead(
    manager: Person, answers: Any, form: FormChanged, broker_stub: Any
) -> None:
    page = f"/forms/{form.form_id}"
    values = {"submission_key": "once"}
    responses = [manager.post(f"{page}/trial", values, page=page) for _again in range(2)]
    first, second = broker_stub.facts
    assert [response.status_code for response in responses] == [303, 303]
    assert (first.is_test, first.form_id, first.suspicion) == (True, form.form_id, "")
    assert first.fields["interest"] == "buy"
    assert (first.lead_id, first.digest) == (second.lead_id, second.digest)  # pressed twice is one lead
    assert f"trial={first.lead_id}" in responses[0].headers["Location"]
    assert f"/trial/{first.lead_id}" in manager.get(responses[0].headers["Location"]).text


def test_a_form_that_no_sample_fits_says_so(
    manager: Person, answers: Any, add_form: Callable[..., FormChanged], broker_stub: Any
) -> None:
    rule = FieldRule(name="email", kind="email", max_length=5, required=True, label="Your address")
    narrow = add_form(key="narrow", fields=(rule,), one_of=())
    answers["capture", "get_form"] = answered(narrow)
    response = manager.post(f"/forms/{narrow.form_id}/trial", {"submission_key": "x"}, follow_redirects=True)
    assert "Your address" in response.text
    assert broker_stub.messages == []


def test_a_form_that_is_off_takes_no_test_lead(
    manager: Person, answers: Any, add_form: Callable[..., FormChanged], broker_stub: Any
) -> None:
    off = add_form(key="off", active=False)
    answers["capture", "get_form"] = answered(off)
    response = manager.post(f"/forms/{off.form_id}/trial", {"submission_key": "x"}, follow_redirects=True)
    assert "switched off" in response.text
    assert broker_stub.messages == []


def test_the_page_follows_the_test_lead_until_somebody_is_told(
    manager: Person, answers: Any, form: FormChanged, services: Any
) -> None:
    lead_id, seller_id = new_id(), new_id()
    path = f"/forms/{form.form_id}/trial/{lead_id}"
    work = {"work_id": lead_id, "seller_id": None, "waiting_reason": "", "state": "waiting"}
    given = work | {"seller_id": seller_id, "state": "assigned", "waiting_reason": None}
    message = {"channel": "in_app", "state": "sent"}
    answers["capture", "lead_cards"] = []
    again = [asked_again(manager.get(path, headers=HTMX).text)]
    assert manager.get(again[0], headers=HTMX).status_code == 204  # nothing is news
    answers["capture", "lead_cards"] = [LEAD]
    answers["distribution", "assignments"] = {"items": [work]}
    again.append(asked_again(manager.get(again[0], headers=HTMX).text))
    answers["distribution", "assignments"] = {"items": [given]}
    answers["distribution", "staff_names"] = {"sellers": {seller_id: "Rui Vendedor"}, "teams": {}}
    answers["notifications", "messages"] = {"items": [message | {"state": "queued", "channel": "sms"}]}
    again.append(asked_again(manager.get(again[1], headers=HTMX).text))
    answers["notifications", "messages"] = {"items": [message, message | {"channel": "sms"}]}
    services.calls.clear()
    page = manager.get(again[2], headers=HTMX).text
    assert "hx-get" not in page
    assert "Given to Rui Vendedor" in page
    assert len(services.calls) == 4
    assert f'href="/forms/{form.form_id}"' in manager.get(path).text  # without scripts it is a page


def asked_again(page: str) -> str:
    """The address that a part of a page will ask again."""
    return html.unescape(re.findall(r'hx-get="([^"]+)"', page)[0])


def test_a_test_lead_that_waits_says_for_what(manager: Person, answers: Any, form: FormChanged) -> None:
    lead_id = new_id()
    work = {"work_id": lead_id, "seller_id": None, "waiting_reason": "no_sellers", "state": "waiting"}
    answers["capture", "lead_cards"] = [LEAD]
    answers["distribution", "assignments"] = {"items": [work]}
    page = manager.get(f"/forms/{form.form_id}/trial/{lead_id}", headers=HTMX).text
    assert "Nobody is in this team yet." in page
    assert "Look again" in page
    assert "hx-get" not in page


def test_following_ends_when_nothing_comes(manager: Person, answers: Any, form: FormChanged) -> None:
    answers["capture", "lead_cards"] = []
    path = f"/forms/{form.form_id}/trial/{new_id()}"
    again = asked_again(manager.get(path, headers=HTMX).text)
    page = manager.get(re.sub(r"began=\d+", "began=1", again), headers=HTMX).text
    assert "hx-get" not in page
    assert "Look again" in page
