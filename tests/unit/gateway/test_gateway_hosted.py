"""`GET /f/{form_key}`: a form's own page, what it says after a refused post, and a form that is closed."""

import html
import re
from collections.abc import Callable
from dataclasses import replace
from gzip import compress
from html.parser import HTMLParser
from typing import Any

import pytest
import sqlalchemy as sa
from flask.testing import FlaskClient

from contracts.capture import FieldRule, FormChanged
from gateway.app import create_app
from gateway.web.assets import FOLDER
from runtime.settings import Settings

pytestmark = pytest.mark.feature("CAP-2")

BROWSER = {"Accept": "text/html,application/xhtml+xml"}
GOOD = {"name": "Ana Sofia", "email": "ana@example.com", "_hosted": "1"}
SCRIPT = "\"'><script>alert(1)</script>"


class Controls(HTMLParser):
    """The controls of a page by their names, each with its attributes; `scripts`: how many there are."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: dict[str, dict[str, str | None]] = {}
        self.labels: set[str | None] = set()
        self.scripts: list[str | None] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag in ("input", "select", "textarea"):
            self.found[str(given.get("name"))] = {**given, "tag": tag}
        if tag == "label":
            self.labels.add(given.get("for"))
        if tag == "script":
            self.scripts.append(given.get("src"))


def test_the_page_has_every_field_with_its_label_and_its_rules(client: FlaskClient, form: FormChanged) -> None:
    response = client.get("/f/contact", headers=BROWSER)
    assert (response.status_code, response.mimetype) == (200, "text/html")
    controls = Controls(response.text)
    assert [name for name in controls.found if name[0] != "_"] == [rule.name for rule in form.fields]
    assert {
        found["id"] for name, found in controls.found.items() if name[0] != "_" and name != "terms"
    } <= controls.labels
    assert controls.found["name"]["required"] is None
    assert (controls.found["name"]["autocomplete"], controls.found["name"]["maxlength"]) == ("name", "80")
    assert [controls.found[name]["type"] for name in ("email", "phone", "terms")] == ["email", "tel", "checkbox"]
    assert controls.found["interest"]["tag"] == "select"
    assert "required" not in controls.found["email"]
    assert controls.found["_hosted"]["value"] == "1"


@pytest.mark.parametrize(
    ("locale", "says"), [("pt", "Enviar"), ("es", "Enviar"), ("en", "Send")], ids=["pt", "es", "en"]
)
def test_the_page_speaks_the_forms_language(
    client: FlaskClient, add_form: Callable[..., FormChanged], locale: str, says: str
) -> None:
    add_form(locale=locale, title="Fale connosco")
    response = client.get("/f/contact", headers={**BROWSER, "Accept-Language": "fr"})
    assert f'lang="{locale}"' in response.text
    assert "<h1>Fale connosco</h1>" in response.text


def test_the_page_is_light_and_careful(client: FlaskClient, form: FormChanged) -> None:
    response = client.get("/f/contact", headers=BROWSER)
    assert len(response.data) < 30_000
    policy = response.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert policy.endswith("frame-ancestors 'self' https://www.example.com")
    assert "Set-Cookie" not in response.headers


def test_a_long_text_gets_several_lines(client: FlaskClient, add_form: Callable[..., FormChanged]) -> None:
    add_form(fields=(FieldRule(name="message", max_length=2000),), one_of=())
    assert Controls(client.get("/f/contact").text).found["message"]["tag"] == "textarea"


def test_scripts_in_a_form_stay_text(client: FlaskClient, add_form: Callable[..., FormChanged]) -> None:
    rules = (
        FieldRule(name=SCRIPT, label=SCRIPT),
        FieldRule(name="c", label=SCRIPT, kind="choice", choices=(SCRIPT,)),
        FieldRule(name="t", label=SCRIPT, kind="consent"),
    )
    add_form(name=SCRIPT, title=SCRIPT, thanks=SCRIPT, fields=rules, one_of=(SCRIPT,))
    pages = [client.get(f"/f/contact?utm_source={SCRIPT}", headers={"Referer": f"https://x.example/{SCRIPT}"})]
    pages.append(client.post("/f/contact", data={"_hosted": "1", "c": SCRIPT * 2, "d": SCRIPT}, headers=BROWSER))
    assert [page.status_code for page in pages] == [200, 422]
    for page in pages:
        controls = Controls(page.text)
        assert [source and source.partition("?")[0] for source in controls.scripts] == ["/static/forms.js"]
        assert SCRIPT in controls.found


def test_a_refused_post_comes_back_with_what_was_typed(
    client: FlaskClient, form: FormChanged, broker_stub: Any
) -> None:
    typed = {
        **GOOD,
        "name": "",
        "email": "nonsense",
        "interest": "rent",
        "terms": "yes",
        "referrer": "https://a.example/",
    }
    response = client.post("/f/contact?utm_source=fair", data=typed, headers=BROWSER)
    assert response.status_code == 422
    controls = Controls(response.text)
    assert controls.found["email"]["value"] == "nonsense"
    assert controls.found["name"]["aria-invalid"] == controls.found["email"]["aria-invalid"] == "true"
    assert "aria-invalid" not in controls.found["phone"]
    assert f'id="{controls.found["email"]["aria-describedby"]}"' in response.text
    assert '<option value="rent" selected>' in response.text
    assert "checked" in controls.found["terms"]
    assert controls.found["referrer"]["value"] == "https://a.example/"
    assert 'action="/f/contact?utm_source=fair"' in response.text
    assert broker_stub.messages == []


def test_a_refused_post_of_another_site_gets_the_short_page(client: FlaskClient, form: FormChanged) -> None:
    response = client.post("/f/contact", data={"email": "nonsense"}, headers=BROWSER)
    assert response.status_code == 422
    assert Controls(response.text).found == {}


def test_while_nobody_can_keep_it_the_page_does(
    client: FlaskClient, form: FormChanged, broker_stub: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_arguments: Any) -> None:
        raise sa.exc.OperationalError("INSERT", {}, Exception("disk full"))

    broker_stub.go_away()
    monkeypatch.setattr("gateway.store.hold", fails)
    response = client.post("/f/contact", data=GOOD, headers=BROWSER)
    assert response.status_code == 503
    assert Controls(response.text).found["name"]["value"] == "Ana Sofia"


def test_where_the_visitor_came_from_is_kept(client: FlaskClient, form: FormChanged, broker_stub: Any) -> None:
    page = client.get("/f/contact?utm_source=fair", headers={**BROWSER, "Referer": "https://search.example/q"})
    controls = Controls(page.text)
    assert controls.found["referrer"]["value"] == "https://search.example/q"
    action = html.unescape(re.findall(r'<form action="([^"]+)"', page.text)[0])
    client.post(action, data={**GOOD, "referrer": controls.found["referrer"]["value"]}, headers=BROWSER)
    (fact,) = broker_stub.facts
    assert fact.context["utm_source"] == "fair"
    assert fact.context["referrer"] == "https://search.example/q"
    inside = client.get("/f/contact", headers={**BROWSER, "Referer": "http://localhost/forms/1"})
    assert "referrer" not in Controls(inside.text).found


def test_our_own_page_may_post_whatever_sites_are_allowed(
    client: FlaskClient, gateway_settings: Settings, form: FormChanged, broker_stub: Any, services: Any
) -> None:
    assert client.post("/f/contact", data=GOOD, headers={**BROWSER, "Origin": "http://localhost"}).status_code == 200
    behind = replace(gateway_settings, public_url="https://leads.example.org")
    other = create_app(behind, publisher=broker_stub, services=services).test_client()
    said = [
        other.post("/f/contact", data=GOOD, headers={**BROWSER, "Origin": origin}).status_code
        for origin in ("https://leads.example.org", "https://evil.example", "null")
    ]
    assert said == [200, 403, 403]


def test_a_closed_form_shows_what_was_typed_so_that_it_can_be_copied(
    client: FlaskClient, add_form: Callable[..., FormChanged], broker_stub: Any
) -> None:
    add_form(active=False)
    typed = {"name": "Ana Sofia", "message": f"</textarea>{SCRIPT}\nsecond line", "_gotcha": ""}
    response = client.post("/f/contact", data=typed, headers={**BROWSER, "Accept-Language": "en"})
    assert response.status_code == 404
    assert "This form is closed" in response.text
    kept = re.findall(r"<textarea[^>]*>(.*?)</textarea>", response.text, re.DOTALL)
    assert html.unescape(kept[0]).split() == f"name: Ana Sofia message: </textarea>{SCRIPT} second line".split()
    assert Controls(response.text).scripts == []
    assert client.get("/f/contact", headers={**BROWSER, "Accept-Language": "en"}).status_code == 404
    assert broker_stub.messages == []


def test_a_closed_form_with_an_unreadable_body_is_closed_all_the_same(client: FlaskClient) -> None:
    response = client.post("/f/nothing", data=b"\xff\xfe", content_type="application/json", headers=BROWSER)
    assert response.status_code == 404


def test_a_filled_trap_on_the_page_is_thanked(client: FlaskClient, form: FormChanged, broker_stub: Any) -> None:
    response = client.post("/f/contact", data={**GOOD, "_gotcha": "x"}, headers=BROWSER)
    assert response.status_code == 200
    assert [fact.suspicion for fact in broker_stub.facts] == ["honeypot"]


def test_the_script_for_other_sites_is_small_and_fresh(client: FlaskClient) -> None:
    response = client.get("/static/forms.js")
    assert response.headers["Cache-Control"] == "public, max-age=3600"
    assert response.headers["Access-Control-Allow-Origin"] == "*"
    assert len(compress((FOLDER / "forms.js").read_bytes())) <= 2048
