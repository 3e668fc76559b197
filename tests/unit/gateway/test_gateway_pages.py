"""Pages for people: a seller's leads, and what this is."""

import base64
from typing import Any

import pytest
from flask.testing import FlaskClient

from runtime.errors import NotFound, Unavailable
from runtime.ids import new_id

pytestmark = pytest.mark.feature("GTW-3")

SELLER, LEAD = new_id(), new_id()


@pytest.fixture
def basic(key: str) -> dict[str, str]:
    return {"Authorization": "Basic " + base64.b64encode(f"ana:{key}".encode()).decode()}


@pytest.fixture
def company(services: Any) -> Any:
    """A seller with one lead."""
    services.answers["distribution", "get_seller"] = {
        "seller_id": SELLER, "name": "Bia", "locale": "es", "time_zone": "Europe/Lisbon",
    }  # fmt: skip
    services.answers["distribution", "seller_work"] = {
        "items": [{"work_id": LEAD, "lead_id": LEAD, "state": "assigned", "assigned_at": "2026-01-01T10:00:00+00:00"}],
        "next": "older",
    }
    services.answers["capture", "lead_cards"] = [
        {
            "lead_id": LEAD, "name": "<script>alert(1)</script>", "phone": "+351912345678", "email": "a@example.com",
            "city": "Faro", "company": "", "source": "Google", "fields": {"message": "I'd like a <b>visit</b>"},
        }
    ]  # fmt: skip
    return services


def test_a_sellers_leads(client: FlaskClient, company: Any, basic: dict[str, str]) -> None:
    response = client.get(f"/panel/{SELLER}", headers=basic)
    assert response.status_code == 200
    page = response.text
    assert 'lang="es"' in page
    assert 'href="tel:+351912345678"' in page
    assert "Llamar" in page
    assert "Abierto" in page
    assert "Faro" in page
    assert "?cursor=older" in page
    assert "<script>alert" not in page
    assert "<b>visit" not in page
    assert response.headers["Cache-Control"] == "no-store"
    assert "default-src 'none'" in response.headers["Content-Security-Policy"]
    assert "http://" not in page.replace("http://www.w3.org", "")
    assert len(company.calls) == 3


def test_a_lead_that_capture_does_not_know_yet_is_shown(
    client: FlaskClient, company: Any, basic: dict[str, str]
) -> None:
    company.answers["capture", "lead_cards"] = []
    company.answers["distribution", "get_seller"] = {
        "seller_id": SELLER,
        "name": "Bia",
        "locale": "pt",
        "time_zone": "?",
    }
    response = client.get(f"/panel/{SELLER}", headers=basic)
    assert "Sem nome" in response.text


def test_nothing_yet(client: FlaskClient, company: Any, basic: dict[str, str]) -> None:
    company.answers["distribution", "seller_work"] = {"items": [], "next": None}
    assert "Todavía no hay leads" in client.get(f"/panel/{SELLER}", headers=basic).text
    assert len(company.calls) == 2


def test_the_panel_asks_for_a_key(client: FlaskClient, company: Any) -> None:
    wrong = {"Authorization": "Basic " + base64.b64encode(b"ana:wrong").decode()}
    for headers in ({}, wrong, {"Authorization": "Basic !"}, {"Authorization": "Bearer x"}):
        response = client.get(f"/panel/{SELLER}", headers=headers)
        assert response.status_code == 401
        assert response.headers["WWW-Authenticate"].startswith("Basic")
    assert company.calls == []


@pytest.mark.parametrize(("error", "status"), [(NotFound("seller", SELLER), 404), (Unavailable("away"), 503)])
def test_people_get_pages_for_errors(
    client: FlaskClient, services: Any, basic: dict[str, str], error: Exception, status: int
) -> None:
    services.answers["distribution", "get_seller"] = error
    response = client.get(f"/panel/{SELLER}", headers={**basic, "Accept": "text/html"})
    assert (response.status_code, response.mimetype) == (status, "text/html")


def test_a_messages_link_leads_to_its_lead(client: FlaskClient, services: Any, basic: dict[str, str]) -> None:
    services.answers["notifications", "message"] = {"seller_id": SELLER, "lead_id": LEAD}
    response = client.get(f"/m/{new_id()}", headers=basic)
    assert response.status_code == 303
    assert response.headers["Location"] == f"/panel/{SELLER}#lead-{LEAD}"
    assert client.get(f"/m/{new_id()}").status_code == 401


@pytest.mark.parametrize(
    ("language", "says"), [("pt-BR", "porta de entrada"), ("es", "puerta"), ("en", "gateway"), ("fr", "porta")]
)
def test_the_first_page_speaks_the_visitors_language(client: FlaskClient, language: str, says: str) -> None:
    assert says in client.get("/", headers={"Accept-Language": language}).text


@pytest.mark.feature("OPS-3")
def test_metrics_count_requests(client: FlaskClient) -> None:
    client.get("/")
    page = client.get("/metrics").text
    assert 'rodizio_requests_total{part="web",status="200"}' in page
