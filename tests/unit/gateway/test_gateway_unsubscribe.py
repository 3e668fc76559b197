"""The page behind the link in every e-mail."""

from typing import Any

import pytest
from flask.testing import FlaskClient

from runtime.errors import NotFound, TimedOut

pytestmark = pytest.mark.feature("NOT-6")

TOKEN = "019cb8d1-0000-7000-8000-000000003001.c2lnbmF0dXJl"


@pytest.fixture
def asked(services: Any) -> list[str]:
    """Tokens that notifications was asked to unsubscribe."""
    tokens: list[str] = []

    def unsubscribe(token: str) -> dict[str, Any]:
        tokens.append(token)
        return {"channel": "email"}

    services.answers["notifications", "unsubscribe"] = unsubscribe
    return tokens


@pytest.mark.parametrize("language", ["pt", "es", "en"])
def test_looking_changes_nothing(client: FlaskClient, asked: list[str], language: str) -> None:
    for method in ("get", "head"):
        response = getattr(client, method)(f"/u/{TOKEN}", headers={"Accept-Language": language})
        assert response.status_code == 200
    page = client.get(f"/u/{TOKEN}", headers={"Accept-Language": language})
    assert f'<html lang="{language}">' in page.text
    assert '<form method="post">' in page.text
    assert asked == []


def test_the_button_takes_the_address_off(client: FlaskClient, asked: list[str]) -> None:
    response = client.post(f"/u/{TOKEN}")
    assert response.status_code == 200
    assert "<form" not in response.text
    assert asked == [TOKEN]


def test_one_click_of_a_mail_program(client: FlaskClient, asked: list[str]) -> None:
    """RFC 8058: a post without cookies, answered without a redirect."""
    response = client.post(f"/u/{TOKEN}", data={"List-Unsubscribe": "One-Click"})
    assert response.status_code == 200
    assert asked == [TOKEN]


def test_a_token_that_is_not_ours(client: FlaskClient, services: Any) -> None:
    services.answers["notifications", "unsubscribe"] = NotFound("message")
    assert client.post(f"/u/{TOKEN}").status_code == 404
    services.calls.clear()
    assert client.post("/u/" + "x" * 5000).status_code == 404
    assert services.calls == []


def test_while_notifications_is_away_it_says_so_and_offers_to_try_again(client: FlaskClient, services: Any) -> None:
    services.answers["notifications", "unsubscribe"] = TimedOut("no answer")
    response = client.post(f"/u/{TOKEN}")
    assert response.status_code == 503
    assert int(response.headers["Retry-After"]) > 0
    assert '<form method="post">' in response.text


def test_the_page_keeps_its_address_to_itself(client: FlaskClient, asked: list[str]) -> None:
    response = client.get(f"/u/{TOKEN}")
    assert response.headers["Referrer-Policy"] == "no-referrer"
    assert response.headers["Cache-Control"] == "no-store"
    assert "frame-ancestors 'none'" in response.headers["Content-Security-Policy"]
    assert "Set-Cookie" not in response.headers
    assert "http://" not in response.text.replace("http://www.w3.org", "")
