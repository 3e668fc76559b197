"""`POST /f/{form_key}`: what is refused, how it is said, and that nothing of it goes on."""

import io
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from flask.testing import FlaskClient

from contracts.capture import FormChanged
from gateway.app import create_app
from runtime.settings import Settings

pytestmark = pytest.mark.feature("CAP-1")

JSON = {"Accept": "application/json"}
GOOD = {"name": "Ana Sofia", "email": "ana@example.com"}
PART = b'--x\r\nContent-Disposition: form-data; name="a"\r\n\r\n'


def errors(response: Any) -> list[tuple[str, str]]:
    """Code and field of each error."""
    return [(error["code"], error["field"]) for error in response.get_json()["errors"]]


def test_an_unknown_form_is_404(client: FlaskClient, form: FormChanged) -> None:
    response = client.post("/f/other", data=GOOD, headers=JSON)
    assert (response.status_code, errors(response)) == (404, [("not_found", "")])
    assert client.post("/f/" + "x" * 5000, data=GOOD).status_code == 404


def test_an_inactive_form_is_404(client: FlaskClient, add_form: Callable[..., FormChanged]) -> None:
    add_form(active=False)
    assert client.post("/f/contact", data=GOOD, headers=JSON).status_code == 404


@pytest.mark.feature("R10")
@pytest.mark.parametrize("origin", ["https://evil.example", "null", "https://www.example.com:444"])
def test_a_foreign_site_is_403(client: FlaskClient, form: FormChanged, broker_stub: Any, origin: str) -> None:
    response = client.post("/f/contact", data=GOOD, headers={**JSON, "Origin": origin})
    assert (response.status_code, errors(response)) == (403, [("origin_not_allowed", "")])
    assert "Access-Control-Allow-Origin" not in response.headers
    assert broker_stub.messages == []


@pytest.mark.feature("R10")
def test_a_body_over_the_limit_is_413(client: FlaskClient, form: FormChanged) -> None:
    for kind in ("application/x-www-form-urlencoded", "application/json", "multipart/form-data; boundary=x"):
        response = client.post("/f/contact", data=b"a" * (256 * 1024 + 1), content_type=kind, headers=JSON)
        assert (response.status_code, errors(response)) == (413, [("too_large", "")])


@pytest.mark.feature("R10")
@pytest.mark.parametrize("kind", ["urlencoded", "bare names", "multipart", "json"])
def test_a_hundred_thousand_fields_are_answered_quickly(client: FlaskClient, form: FormChanged, kind: str) -> None:
    if kind == "urlencoded":
        sent = {"data": b"a=&" * 80_000, "content_type": "application/x-www-form-urlencoded"}
    elif kind == "bare names":
        sent = {"data": b"a&" * 100_000, "content_type": "application/x-www-form-urlencoded"}
    elif kind == "multipart":
        part = b'--x\r\nContent-Disposition: form-data; name="a"\r\n\r\n\r\n'
        sent = {"data": part * 4_500 + b"--x--\r\n", "content_type": "multipart/form-data; boundary=x"}
    else:
        members = ",".join(f'"{number}":""' for number in range(20_000))
        sent = {"data": f"{{{members}}}", "content_type": "application/json"}
    began = time.thread_time()  # processor time: a busy machine is not the gateway's fault
    response = client.post("/f/contact", headers=JSON, **sent)
    spent = time.thread_time() - began
    assert (response.status_code, errors(response)) == (413, [("too_many_fields", "")])
    assert spent < 0.5


@pytest.mark.parametrize("kind", ["text/plain", "application/xml", "", "application/octet-stream"])
def test_another_type_is_415(client: FlaskClient, form: FormChanged, kind: str) -> None:
    response = client.post("/f/contact", data=b"hello", content_type=kind, headers=JSON)
    assert (response.status_code, errors(response)) == (415, [("unsupported_type", "")])


@pytest.mark.parametrize(
    ("body", "found"),
    [
        ({}, [("required", "name"), ("required", "email"), ("required", "phone")]),
        ({**GOOD, "name": "  "}, [("required", "name")]),
        ({"name": "Ana"}, [("required", "email"), ("required", "phone")]),
        ({**GOOD, "email": "ana@"}, [("invalid", "email")]),
        ({**GOOD, "email": "ana@example"}, [("invalid", "email")]),
        ({**GOOD, "email": "a b@example.com"}, [("invalid", "email")]),
        ({**GOOD, "email": "x" * 65 + "@example.com"}, [("invalid", "email")]),
        ({**GOOD, "phone": "call me"}, [("invalid", "phone")]),
        ({**GOOD, "phone": "12345"}, [("invalid", "phone")]),
        ({**GOOD, "rooms": "many"}, [("invalid", "rooms")]),
        ({**GOOD, "interest": "steal"}, [("not_allowed", "interest")]),
        ({**GOOD, "name": "x" * 81}, [("too_long", "name")]),
        ({**GOOD, "name": "a\x00b"}, [("invalid", "name")]),
        ({**GOOD, "other": "a\x00b"}, [("invalid", "other")]),
        ({**GOOD, "other": "x" * 5001}, [("too_long", "other")]),
        ({**GOOD, "y" * 101: "x"}, [("invalid", "y" * 100)]),
    ],
)  # fmt: skip
def test_missing_and_malformed_fields_are_422(
    client: FlaskClient, form: FormChanged, broker_stub: Any, body: dict[str, str], found: list[tuple[str, str]]
) -> None:
    response = client.post("/f/contact", json=body, headers=JSON)
    assert (response.status_code, errors(response)) == (422, found)
    assert all(error["message"] for error in response.get_json()["errors"])
    assert broker_stub.messages == []


def test_nested_json_is_422(client: FlaskClient, form: FormChanged) -> None:
    response = client.post("/f/contact", json={**GOOD, "name": {"first": "Ana"}}, headers=JSON)
    assert (response.status_code, errors(response)) == (422, [("invalid", "name")])


def test_a_required_consent_must_be_given(client: FlaskClient, add_form: Callable[..., FormChanged]) -> None:
    state = add_form()
    add_form(
        form_id=state.form_id,
        subject_version=2,
        fields=tuple(replace(rule, required=rule.name == "terms") for rule in state.fields),
    )
    for refusal in ("", "off", "false", "0"):
        response = client.post("/f/contact", data={**GOOD, "terms": refusal}, headers=JSON)
        assert errors(response) == [("required", "terms")]
    assert client.post("/f/contact", data={**GOOD, "terms": "on"}, headers=JSON).status_code == 200


def test_an_empty_post_to_a_form_without_rules_is_422(
    client: FlaskClient, add_form: Callable[..., FormChanged]
) -> None:
    add_form(fields=(), one_of=())
    response = client.post("/f/contact", data={"a": " "}, headers=JSON)
    assert (response.status_code, errors(response)) == (422, [("nothing_filled", "")])


def test_a_file_is_refused_and_an_empty_file_input_passed_over(
    client: FlaskClient, form: FormChanged, broker_stub: Any
) -> None:
    def body(content: str) -> str:
        plain = "".join(f'--x\r\nContent-Disposition: form-data; name="{n}"\r\n\r\n{v}\r\n' for n, v in GOOD.items())
        return (
            f'{plain}--x\r\nContent-Disposition: form-data; name="cv"; filename="cv.pdf"\r\n\r\n{content}\r\n--x--\r\n'
        )

    kind = "multipart/form-data; boundary=x"
    response = client.post("/f/contact", data=body("%PDF"), content_type=kind, headers=JSON)
    assert (response.status_code, errors(response)) == (422, [("file_not_accepted", "cv")])
    assert client.post("/f/contact", data=body(""), content_type=kind, headers=JSON).status_code == 200
    assert broker_stub.facts[0].fields == GOOD


@pytest.mark.parametrize(
    ("kind", "body", "code"),
    [
        ("application/json", b"{", "invalid_json"),
        ("application/json", b"", "invalid_json"),
        ("application/json", b"[]", "invalid_json"),
        ("application/json", b'"text"', "invalid_json"),
        ("application/json", b"[" * 100_000, "invalid_json"),
        ("application/json", b'{"name": "\xff"}', "not_utf8"),
        ("application/json", b'{"name": "\\ud800"}', "invalid_json"),
        ("application/x-www-form-urlencoded", b"name=%ff", "not_utf8"),
        ("application/x-www-form-urlencoded", b"name=\xe9", "not_utf8"),
        ("application/x-www-form-urlencoded", b"%c3%28=1", "not_utf8"),
        ("multipart/form-data; boundary=x", PART + b"\xff\r\n--x--", "not_utf8"),
        ("multipart/form-data; boundary=x", b"nothing of the kind", "invalid_body"),
        ("multipart/form-data; boundary=x", b"--x\r\n\r\n\r\n--x--", "invalid_body"),
        ("multipart/form-data; boundary=x", b"--x\r\nContent-Disposition: form-data\r\n\r\n1\r\n--x--", "invalid_body"),
        ("multipart/form-data; boundary=x", PART + b"1", "invalid_body"),
        ("multipart/form-data", b"--x--", "invalid_body"),
    ],
)  # fmt: skip
def test_a_body_that_is_not_what_it_says_is_400(
    client: FlaskClient, form: FormChanged, kind: str, body: bytes, code: str
) -> None:
    response = client.post("/f/contact", data=body, content_type=kind, headers=JSON)
    assert (response.status_code, errors(response)) == (400, [(code, "")])


@pytest.mark.feature("R9", "R10")
@pytest.mark.parametrize("terminated", [True, False])
def test_half_a_body_is_408(client: FlaskClient, form: FormChanged, broker_stub: Any, terminated: bool) -> None:
    response = client.post(
        "/f/contact",
        input_stream=io.BytesIO(b"name=Ana&email=ana%40example.com&phone=91234567"),
        content_type="application/x-www-form-urlencoded",
        headers=JSON,
        environ_overrides={"wsgi.input_terminated": terminated, "CONTENT_LENGTH": "60"},
    )
    assert (response.status_code, errors(response)) == (408, [("too_slow", "")])
    assert broker_stub.messages == []


def test_a_browser_gets_a_page_that_says_what_is_wrong(client: FlaskClient, form: FormChanged) -> None:
    response = client.post("/f/contact", data={**GOOD, "email": "<script>"}, headers={"Accept": "text/html"})
    assert response.status_code == 422
    assert "Não foi enviado" in response.text
    assert "<script>" not in response.text


@pytest.mark.feature("CAP-3", "R10")
@pytest.mark.parametrize("option", ["rate_per_ip", "rate_per_form"])
def test_too_many_posts_are_429(
    gateway_settings: Settings, form: FormChanged, broker_stub: Any, services: Any, option: str
) -> None:
    limited = replace(gateway_settings, **{option: "3/minute"})
    client = create_app(limited, publisher=broker_stub, services=services).test_client()
    statuses = [client.post("/f/contact", data=GOOD, headers=JSON).status_code for _ in range(5)]
    assert statuses == [200, 200, 200, 429, 429]
    response = client.post("/f/contact", data=GOOD, headers=JSON)
    assert errors(response) == [("rate_limited", "")]
    assert 1 <= int(response.headers["Retry-After"]) <= 61


def test_a_put_is_405(client: FlaskClient, form: FormChanged) -> None:
    response = client.put("/f/contact", headers=JSON)
    assert response.status_code == 405
    assert "POST" in response.headers["Allow"]
