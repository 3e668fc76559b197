"""The API and the services behind it draw the same lines: what one takes the other takes, and no longer."""

import copy
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from distribution_cases import Company
from flask.testing import FlaskClient

from contracts import limits
from contracts.access import OPERATOR
from gateway import store as gateway_store
from gateway.contact_kinds import DETAIL
from runtime.database import open_database
from runtime.errors import Invalid, NotFound
from runtime.ids import new_id
from runtime.migrations import upgrade
from runtime.settings import Settings
from services.campaigns import store as campaigns_store
from services.campaigns.handlers import acts
from services.capture import tables as capture_tables
from services.capture.handlers import forms as capture
from services.distribution import tables as distribution_tables
from services.distribution.checks import check_seller, check_team
from services.distribution.handlers import absences, hand
from services.notifications import handlers as notifications
from services.notifications import store as notifications_store

pytestmark = pytest.mark.feature("GTW-2")

A, B = "01900000-0000-7000-8000-00000000000a", "01900000-0000-7000-8000-00000000000b"
Judge = Callable[[dict[str, Any]], Any]


@dataclass(frozen=True)
class Case:
    """A body that the API takes, where it is posted, and what answers there."""

    path: str
    body: Mapping[str, Any]
    call: tuple[str, str]
    answer: Any = None


CASES = {
    "NewForm": Case(
        "/forms",
        {
            "name": "Site",
            "source": "site",
            "key": "site",
            "fields": [{"name": "plan", "kind": "choice", "max_length": 5, "choices": ["a"], "label": "Plano"}],
            "one_of": ["plan"],
            "allowed_origins": ["https://example.com"],
            "title": "Peça um orçamento",
            "thanks": "Obrigado",
        },
        ("capture", "create_form"),
        {"form_id": A, "version": 1},
    ),
    "NewTeam": Case(
        "/teams",
        {"name": "Lisboa", "supervisor": "Rui", "time_zone": "Europe/Lisbon"},
        ("distribution", "create_team"),
        {"team_id": A, "version": 1},
    ),
    "NewSeller": Case(
        "/sellers",
        {
            "name": "Ana",
            "email": "ana@example.com",
            "phone": "912345678",
            "locale": "pt",
            "time_zone": "Europe/Lisbon",
            "weight": 1,
            "daily_cap": 1,
            "open_cap": 1,
            "working_hours": [{"days": [0], "start": "09:00", "end": "18:00"}],
            "holidays": ["2026-12-25"],
        },
        ("distribution", "create_seller"),
        {"seller_id": A, "version": 1},
    ),
    "TimeOff": Case(
        f"/sellers/{A}/time-off",
        {"starts_at": "2026-12-24T00:00:00Z", "ends_at": "2026-12-26T00:00:00Z", "reason": "Natal"},
        ("distribution", "add_time_off"), {"version": 1},
    ),
    "Return": Case(
        f"/leads/{A}/return", {"reason": "wrong city", "version": 1}, ("distribution", "return_work"),
        {"assignment_version": 2},
    ),
    "Closing": Case(
        f"/opportunities/{A}/close",
        {"outcome": "won", "reason": "price", "amount": 1, "currency": "EUR", "version": 1},
        ("campaigns", "close_opportunity"),
    ),
    "Action": Case(
        f"/opportunities/{A}/actions", {"kind": "note", "note": "Met"}, ("campaigns", "record_action")
    ),
    "ReadMessages": Case(
        f"/notifications/{A}/read", {"message_ids": [B]}, ("notifications", "mark_read")
    ),
}  # fmt: skip
SAME_AS = {"ChangedForm": "NewForm", "ChangedTeam": "NewTeam", "ChangedSeller": "NewSeller"}
"""Changes have the limits of what they change."""

OWN = {
    *("ChangedContact", "NewNote", "Distribution", "Fix", "SeenFix", "Merge", "Pairs"),
    *("NewFile", "Reading", "Start", "NewMapping", "NewTask", "Recall", "Drop", "Done"),
    *("NewLead", "Rows", "RuleTarget", "Reassignment", "Handover", "Chosen", "Settlement", "Simulation", "Quarantined"),
    *("Availability", "ChangedSettings", "NewAccount", "ChangedAccount", "NewKey", "Profile", "NewView", "ChangedView"),
}
"""Judged by the gateway alone, or without anything that could be too long, or refused whole by the service."""


def padded(end: str) -> Callable[[int], str]:
    return lambda length: "x" * (length - len(end)) + end


def locale(length: int) -> str:
    parts = (length - 2) // 9
    if not length:
        return ""
    return ("por" if (length - 2) % 9 else "pt") + "-abcdefgh" * parts


def shifts(number: int) -> list[dict[str, Any]]:
    return [
        {"days": [place // 8], "start": f"{2 * (place % 8):02d}:00", "end": f"{2 * (place % 8) + 1:02d}:00"}
        for place in range(number)
    ]


FILLED: dict[str, Callable[[int], Any]] = {
    "email": padded("@example.com"),
    "locale": locale,
    "allowed_origins.0": lambda length: f"https://{'x' * (length - 8)}"[:length],
    "fields": lambda number: [{"name": f"f{place}" if place else "plan"} for place in range(number)],
    "one_of": lambda number: ["plan"] * number,
    "fields.0.choices": lambda number: [f"choice {place}" for place in range(number)],
    "working_hours": shifts,
    "working_hours.0.days": lambda number: [place % 7 for place in range(number)],
    "holidays": lambda number: [(date(2026, 1, 1) + timedelta(days=place)).isoformat() for place in range(number)],
    "message_ids": lambda number: [new_id() for _ in range(number)],
}
"""A value of a given length, for those that have to look like something."""

IMPOSSIBLE = {"time_zone"}
"""Where nothing as long as the limit exists, only what is longer is tried."""

HARMLESS = {"message_ids"}
"""To mark nothing as read is pointless, but does no harm."""

TOGETHER = {"fields.0.name": ("one_of.0",), "one_of.0": ("fields.0.name",)}
"""What names the other has to change with it to be taken."""


@dataclass(frozen=True)
class Line:
    """The figures of one place in a body: `within` has to be taken, `beyond` refused."""

    where: str
    within: Any
    beyond: Any


@pytest.fixture
def schemas(client: FlaskClient) -> dict[str, Any]:
    document: dict[str, Any] = client.get("/api/openapi.json").get_json()
    return dict(document["components"]["schemas"])


@pytest.fixture
def bodies(client: FlaskClient) -> set[str]:
    """Names of the schemas of everything that is sent."""
    document = client.get("/api/openapi.json").get_json()
    operations = [one for path in document["paths"].values() for method, one in path.items() if method != "parameters"]
    return {
        one["requestBody"]["content"]["application/json"]["schema"]["$ref"].rpartition("/")[2]
        for one in operations
        if "application/json" in one.get("requestBody", {}).get("content", {})  # the part of a file is bytes
    }


def places(schema: dict[str, Any], schemas: dict[str, Any], where: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """Everything a body may hold, by its place: `fields.0.name`."""
    if "$ref" in schema:
        schema = schemas[schema["$ref"].rpartition("/")[2]]
    if where:
        yield where, schema
    prefix = f"{where}." if where else ""
    for name, inner in schema.get("properties", {}).items():
        yield from places(inner, schemas, f"{prefix}{name}")
    if "items" in schema:
        yield from places(schema["items"], schemas, f"{prefix}0")


def lines(name: str, schemas: dict[str, Any]) -> Iterator[Line]:
    for where, schema in places(schemas[name], schemas):
        if where == "version":  # one that nothing can have is a conflict to the service, as any old one is
            continue
        fill = FILLED.get(where, lambda length: "x" * length)
        for most, least in (("maxLength", "minLength"), ("maxItems", "minItems")):
            if most in schema:
                yield Line(where, None if where in IMPOSSIBLE else fill(schema[most]), fill(schema[most] + 1))
            if schema.get(least) and where not in HARMLESS:
                yield Line(where, None, fill(schema[least] - 1))
        if "maximum" in schema:
            yield Line(where, schema["maximum"], schema["maximum"] + 1)
        if "minimum" in schema:
            yield Line(where, schema["minimum"], schema["minimum"] - 1)


def changed(body: Mapping[str, Any], value: Any, *where: str) -> dict[str, Any]:
    result = copy.deepcopy(dict(body))
    for place in where:
        *way, last = (int(step) if step.isdigit() else step for step in place.split("."))
        target: Any = result
        for step in way:
            target = target[step]
        target[last] = value
    return result


@pytest.fixture
def judges(gateway_settings: Settings) -> Iterator[dict[str, Judge]]:
    """What the services say to the same bodies, each on a database of its own."""
    databases = {}
    for owner in ("capture", "campaigns", "distribution", "notifications"):
        upgrade(owner, gateway_settings)
        databases[owner] = open_database(owner, gateway_settings)
    company = Company(databases["distribution"])
    seller = company.seller(company.team())

    def make_form(body: dict[str, Any]) -> None:
        databases["capture"].transact(
            lambda transaction: transaction.connection.execute(sa.delete(capture_tables.form))
        )
        databases["capture"].transact(capture.create_form, OPERATOR, body)

    def unless_unknown(use_case: Callable[..., Any], owner: str) -> Judge:
        def judge(body: dict[str, Any]) -> None:
            with pytest.raises(NotFound):  # what is wrong with the body is said first
                databases[owner].transact(use_case, A, **body)

        return judge

    yield {
        "NewForm": make_form,
        "NewTeam": check_team,
        "NewSeller": check_seller,
        "TimeOff": lambda body: databases["distribution"].transact(absences.add_time_off, OPERATOR, seller, **body),
        "Return": unless_unknown(lambda tx, work, **body: hand.return_work(tx, OPERATOR, work, **body), "distribution"),
        "Closing": unless_unknown(
            lambda tx, opportunity, **body: acts.close_opportunity(tx, OPERATOR, opportunity, **body), "campaigns"
        ),
        "Action": unless_unknown(
            lambda tx, opportunity, **body: acts.record_action(tx, OPERATOR, opportunity, body), "campaigns"
        ),
        "ReadMessages": lambda body: databases["notifications"].transact(notifications.mark_read, OPERATOR, A, **body),
    }
    for database in databases.values():
        database.close()


@pytest.mark.parametrize("name", CASES)
def test_the_api_and_the_service_draw_the_same_line(
    client: FlaskClient, services: Any, bearer: dict[str, str], schemas: dict[str, Any], judges: dict[str, Judge],
    name: str,
) -> None:  # fmt: skip
    case = CASES[name]
    services.answers[case.call] = case.answer
    drawn = list(lines(name, schemas))
    assert drawn, "nothing is limited here: this would prove nothing"
    for line in drawn:
        if line.within is not None:
            body = changed(case.body, line.within, line.where, *TOGETHER.get(line.where, ()))
            response = client.post(f"/api/v1{case.path}", json=body, headers=bearer)
            assert response.status_code < 300, (line.where, response.text)
            judges[name](body)
        services.calls.clear()
        body = changed(case.body, line.beyond, line.where)
        response = client.post(f"/api/v1{case.path}", json=body, headers=bearer)
        assert response.status_code == 422, (line.where, response.text)
        assert services.calls == []
        assert line.where in [error["field"] for error in response.get_json()["errors"]]
        with pytest.raises(Invalid) as refused:
            judges[name](body)
        named = [error["field"] for error in refused.value.errors]
        assert any(line.where == place or line.where.startswith(f"{place}.") for place in named), (line, named)


def test_every_body_is_compared_or_the_gateways_own(bodies: set[str], schemas: dict[str, Any]) -> None:
    assert bodies == CASES.keys() | SAME_AS.keys() | OWN
    for name, like in SAME_AS.items():
        changes = {key: schema for key, schema in schemas[name]["properties"].items() if key != "version"}
        assert changes == {key: schemas[like]["properties"][key] for key in changes}


def test_every_text_and_number_of_a_compared_body_has_a_limit(schemas: dict[str, Any]) -> None:
    for name in CASES:
        for where, schema in places(schemas[name], schemas):
            kinds = schema.get("type", [])
            kinds = kinds if isinstance(kinds, list) else [kinds]
            if "string" in kinds:
                assert schema.keys() & {"maxLength", "enum", "pattern", "format"}, (name, where)
            if "integer" in kinds and where != "version":
                assert "maximum" in schema, (name, where)


@pytest.mark.parametrize(
    ("column", "most"),
    [
        (capture_tables.form.c.key, limits.FORM_KEY),
        (capture_tables.form.c.name, limits.FORM_NAME),
        (capture_tables.form.c.source, limits.SOURCE),
        (capture_tables.form.c.title, limits.FORM_TITLE),
        (capture_tables.form.c.thanks, limits.FORM_THANKS),
        (capture_tables.lead.c.source, limits.SOURCE),
        (capture_tables.contact.c.name, DETAIL),
        (capture_tables.contact.c.city, DETAIL),
        (capture_tables.contact.c.email, limits.EMAIL),
        (capture_tables.contact.c.wrong_phone, limits.PHONE),
        (capture_tables.contact.c.code, limits.CODE),
        (campaigns_store.opportunity.c.source, limits.SOURCE),
        (campaigns_store.opportunity.c.reason, limits.REASON),
        (gateway_store.form.c.key, limits.FORM_KEY),
        (distribution_tables.work.c.source, limits.SOURCE),
        (distribution_tables.teams.c.name, limits.TEAM_NAME),
        (distribution_tables.teams.c.supervisor, limits.SUPERVISOR),
        (distribution_tables.teams.c.time_zone, limits.TIME_ZONE),
        (distribution_tables.sellers.c.name, limits.SELLER_NAME),
        (distribution_tables.sellers.c.email, limits.EMAIL),
        (distribution_tables.sellers.c.phone, limits.PHONE),
        (distribution_tables.sellers.c.locale, limits.LOCALE),
        (distribution_tables.sellers.c.time_zone, limits.TIME_ZONE),
        (distribution_tables.time_off.c.reason, limits.REASON),
        (notifications_store.sellers.c.locale, limits.LOCALE),
    ],
    ids=str,
)  # fmt: skip
def test_a_column_holds_what_is_taken(column: sa.Column[Any], most: int) -> None:
    assert column.type.length is None or column.type.length >= most  # type: ignore[attr-defined]
