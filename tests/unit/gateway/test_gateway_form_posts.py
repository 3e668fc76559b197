"""`POST /f/{form_key}`: what is taken, and what the answer says."""

import json
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any
from uuid import UUID, uuid5

import pytest
from flask.testing import FlaskClient

from contracts.capture import FieldRule, FormChanged
from gateway.app import create_app
from gateway.submission import digest_of
from runtime.settings import Settings

pytestmark = pytest.mark.feature("CAP-1")

JSON = {"Accept": "application/json"}
SITE = "https://www.example.com"
GOOD = {"name": "Ana Sofia", "email": "ana@example.com"}


@pytest.mark.parametrize(
    "send",
    [
        {"data": GOOD},
        {"data": GOOD, "content_type": "multipart/form-data"},
        {"json": GOOD},
    ],
    ids=["urlencoded", "multipart", "json"],
)
def test_every_kind_of_body_becomes_the_same_submission(
    client: FlaskClient, form: FormChanged, broker_stub: Any, send: Any
) -> None:
    response = client.post("/f/contact", headers=JSON, **send)
    assert response.status_code == 200
    (fact,) = broker_stub.facts
    assert response.get_json() == {"ok": True, "id": fact.lead_id}
    assert fact.fields == GOOD
    assert fact.form_id == form.form_id
    assert fact.digest == digest_of(GOOD)
    assert fact.correlation_id == response.headers["X-Correlation-Id"]
    assert UUID(fact.lead_id).version == 7


def test_json_values_become_text(client: FlaskClient, form: FormChanged, broker_stub: Any) -> None:
    body = {**GOOD, "rooms": 3, "terms": True, "interest": ["buy", "rent"], "note": None}
    assert client.post("/f/contact", headers=JSON, json=body).status_code == 200
    assert broker_stub.facts[0].fields == {
        **GOOD, "rooms": "3", "terms": "true", "interest": "buy, rent", "note": ""
    }  # fmt: skip


def test_repeated_names_are_joined(client: FlaskClient, form: FormChanged, broker_stub: Any) -> None:
    body = "name=Ana&email=ana%40example.com&interest=buy&interest=rent"
    client.post("/f/contact", headers=JSON, data=body, content_type="application/x-www-form-urlencoded")
    assert broker_stub.facts[0].fields["interest"] == "buy, rent"


@pytest.mark.parametrize(
    ("accept", "is_json"),
    [
        ("application/json", True),
        ("Application/JSON; charset=utf-8", True),
        ("application/problem+json", True),
        ("application/vnd.api+json, text/html;q=0.5", True),
        ("text/html;q=0.9, application/json", True),
        ("text/html, application/json", False),
        ("text/html, application/json;q=0.9, */*;q=0.8", False),
        ("application/json;q=0, text/html", False),
        ("text/html", False),
        ("application/jsonlines", False),
        ("*/*", False),
        ("", False),
    ],
)
def test_a_program_that_asks_for_json_gets_it(
    client: FlaskClient, form: FormChanged, accept: str, is_json: bool
) -> None:
    response = client.post("/f/contact", data=GOOD, headers={"Accept": accept})
    assert response.mimetype == ("application/json" if is_json else "text/html")


@pytest.mark.parametrize("kind", ["application/json", "application/ld+json", "Application/VND.Api+JSON; charset=utf-8"])
def test_who_sends_json_gets_json_unless_a_page_is_asked_for(
    client: FlaskClient, form: FormChanged, broker_stub: Any, kind: str
) -> None:
    sent = {"data": json.dumps(GOOD), "content_type": kind}
    assert client.post("/f/contact", **sent).mimetype == "application/json"
    assert client.post("/f/contact", **sent, headers={"Accept": "*/*"}).mimetype == "application/json"
    assert client.post("/f/contact", **sent, headers={"Accept": "text/html"}).mimetype == "text/html"
    assert [fact.fields for fact in broker_stub.facts] == [GOOD] * 3


@pytest.mark.parametrize(
    ("locale", "says"), [("pt", "Obrigado!"), ("es", "¡Gracias!"), ("en", "Thank you!")], ids=["pt", "es", "en"]
)
def test_a_browser_gets_a_page_in_the_forms_language(
    client: FlaskClient, add_form: Callable[..., FormChanged], locale: str, says: str
) -> None:
    add_form(locale=locale, name="<b>Form</b>")
    response = client.post("/f/contact", data=GOOD, headers={"Accept": "text/html,application/xhtml+xml"})
    assert response.status_code == 200
    assert says in response.text
    assert f'lang="{locale}"' in response.text
    assert "<b>Form" not in response.text


def test_a_form_in_a_language_we_do_not_speak_answers_in_the_visitors(
    client: FlaskClient, add_form: Callable[..., FormChanged]
) -> None:
    add_form(locale="fr")
    response = client.post(
        "/f/contact", data=GOOD, headers={"Accept": "text/html", "Accept-Language": "es-MX,en;q=0.5"}
    )
    assert "¡Gracias!" in response.text


def test_next_is_followed_to_an_allowed_site(client: FlaskClient, form: FormChanged) -> None:
    response = client.post("/f/contact", data={**GOOD, "_next": f"{SITE}/obrigado?a=1"})
    assert (response.status_code, response.headers["Location"]) == (303, f"{SITE}/obrigado?a=1")


@pytest.mark.parametrize(
    "address",
    [
        "https://evil.example.com/",
        "https://www.example.com.evil.example/",
        "https://www.example.com@evil.example/",
        "//www.example.com/x",
        "/relative",
        "javascript:alert(1)",
        "https://www.example.com:8443/",
        "https:\\\\www.example.com\\",
        "https://www.example.com/\r\nSet-Cookie: a=b",
        "https://[broken",
        "http://www.example.com/",
    ],
)
def test_next_is_not_followed_elsewhere(client: FlaskClient, form: FormChanged, address: str) -> None:
    response = client.post("/f/contact", data={**GOOD, "_next": address})
    assert response.status_code == 200
    assert "Location" not in response.headers


def test_next_is_not_followed_when_no_site_is_named(client: FlaskClient, add_form: Callable[..., FormChanged]) -> None:
    add_form(allowed_origins=())
    assert client.post("/f/contact", data={**GOOD, "_next": SITE}).status_code == 200


TRAPS = pytest.mark.parametrize("trap", ["_gotcha", "bot-field", "_honeypot", "botcheck"])


@pytest.mark.feature("CAP-3")
@TRAPS
def test_a_filled_honeypot_gets_the_normal_answer_and_is_told_as_a_suspicion(
    client: FlaskClient, form: FormChanged, broker_stub: Any, trap: str
) -> None:
    response = client.post("/f/contact", data={**GOOD, trap: "http://spam"}, headers=JSON)
    (fact,) = broker_stub.facts
    assert response.get_json() == {"ok": True, "id": fact.lead_id}
    assert (fact.suspicion, fact.fields) == ("honeypot", GOOD)
    assert client.post("/f/contact", data={**GOOD, trap: ""}, headers=JSON).status_code == 200
    assert broker_stub.facts[1].suspicion == ""


@pytest.mark.feature("CAP-3")
@TRAPS
def test_a_filled_honeypot_with_what_the_form_refuses_gets_the_normal_answer_and_is_not_kept(
    client: FlaskClient, form: FormChanged, broker_stub: Any, trap: str
) -> None:
    response = client.post("/f/contact", data={"name": "x" * 81, trap: "http://spam"}, headers=JSON)
    assert response.get_json()["ok"] is True
    assert broker_stub.messages == []


@pytest.mark.feature("CAP-2")
def test_people_read_what_the_form_says(client: FlaskClient, add_form: Callable[..., FormChanged]) -> None:
    name = FieldRule(name="name", required=True, label="O seu <nome>")
    add_form(fields=(name,), one_of=(), thanks="Já o vimos.\n<b>Até já</b>")
    page = {"Accept": "text/html"}
    refused, taken = (client.post("/f/contact", data={"name": value}, headers=page).text for value in ("", "Ana"))
    assert "O seu &lt;nome&gt;" in refused
    assert "Já o vimos.\n&lt;b&gt;Até já&lt;/b&gt;" in taken
    assert "entraremos em contacto" not in taken


def test_instructions_and_honeypots_are_not_stored(client: FlaskClient, form: FormChanged, broker_stub: Any) -> None:
    client.post("/f/contact", data={**GOOD, "_subject": "x", "_replyto": "y", "_anything": "z", "bot-field": ""})
    assert broker_stub.facts[0].fields == GOOD


def test_where_the_visitor_came_from_is_kept_beside_the_fields(
    client: FlaskClient, form: FormChanged, broker_stub: Any
) -> None:
    client.post(
        "/f/contact?utm_term=flat",
        data={**GOOD, "utm_source": "google", "gclid": "abc\x00", "referrer": "https://search.example/"},
        headers={"Referer": f"{SITE}/flats?utm_campaign=autumn&q=1", "User-Agent": "Browser/1"},
    )
    (fact,) = broker_stub.facts
    assert fact.fields == GOOD
    assert fact.context == {
        "page": f"{SITE}/flats?utm_campaign=autumn&q=1",
        "utm_campaign": "autumn",
        "utm_term": "flat",
        "utm_source": "google",
        "gclid": "abc",
        "referrer": "https://search.example/",
        "ip": "127.0.0.1",
        "user_agent": "Browser/1",
    }


@pytest.mark.feature("R2")
def test_a_submission_key_gives_the_same_lead_every_time(client: FlaskClient, form: FormChanged) -> None:
    by_header = client.post("/f/contact", data=GOOD, headers={**JSON, "Idempotency-Key": "k 1"}).get_json()["id"]
    by_field = client.post("/f/contact", data={**GOOD, "_submission_id": "k 1"}, headers=JSON).get_json()["id"]
    assert by_header == by_field == str(uuid5(UUID(form.form_id), "k 1"))


@pytest.mark.parametrize("origin", [SITE, "https://WWW.example.com", "https://www.example.com:443"])
def test_an_allowed_site_may_read_the_answer(client: FlaskClient, form: FormChanged, origin: str) -> None:
    response = client.post("/f/contact", data=GOOD, headers={**JSON, "Origin": origin})
    assert response.status_code == 200
    assert response.headers["Access-Control-Allow-Origin"] == origin
    assert response.headers["Vary"] == "Origin"


def test_a_form_without_sites_may_be_posted_from_anywhere(
    client: FlaskClient, add_form: Callable[..., FormChanged]
) -> None:
    add_form(allowed_origins=())
    response = client.post("/f/contact", data=GOOD, headers={**JSON, "Origin": "https://any.example"})
    assert response.headers["Access-Control-Allow-Origin"] == "*"


def test_a_script_may_ask_first(client: FlaskClient, form: FormChanged) -> None:
    ask = {"Origin": SITE, "Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "content-type"}
    response = client.options("/f/contact", headers=ask)
    assert response.status_code == 204
    assert response.headers["Access-Control-Allow-Origin"] == SITE
    assert "POST" in response.headers["Access-Control-Allow-Methods"]
    assert "Idempotency-Key" in response.headers["Access-Control-Allow-Headers"]
    assert (
        "Access-Control-Allow-Origin"
        not in client.options("/f/contact", headers={"Origin": "https://e.example"}).headers
    )


@pytest.mark.feature("R10")
def test_only_the_expected_proxies_are_believed(
    gateway_settings: Settings, form: FormChanged, broker_stub: Any, services: Any
) -> None:
    forged = {**JSON, "X-Forwarded-For": "6.6.6.6, 9.9.9.9"}
    for hops, seen in ((0, "127.0.0.1"), (1, "9.9.9.9"), (2, "6.6.6.6")):
        app = create_app(replace(gateway_settings, proxy_hops=hops), publisher=broker_stub, services=services)
        app.test_client().post("/f/contact", data=GOOD, headers=forged)
        assert broker_stub.facts[-1].context["ip"] == seen


def test_a_changed_form_counts_within_moments(
    client: FlaskClient, add_form: Callable[..., FormChanged], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.catalogue.FRESH_SECONDS", 0.05)
    state = add_form()
    assert client.post("/f/contact", data=GOOD, headers=JSON).status_code == 200
    add_form(form_id=state.form_id, subject_version=2, one_of=("phone",))
    time.sleep(0.06)
    assert client.post("/f/contact", data=GOOD, headers=JSON).status_code == 422
    add_form(form_id=state.form_id, subject_version=1)  # late, and older
    time.sleep(0.06)
    assert client.post("/f/contact", data=GOOD, headers=JSON).status_code == 422
