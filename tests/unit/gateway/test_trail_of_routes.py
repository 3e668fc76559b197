"""R16: whatever people and programs change leaves a line in the trail, or is on the list below with the reason."""

import inspect
import logging
from collections.abc import Callable, Iterator, Mapping
from types import CodeType, FunctionType
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask
from page_cases import Person
from prometheus_client import REGISTRY

from gateway.accounts import audit
from gateway.accounts.noted import noted
from runtime.database import Database
from runtime.ids import new_id

pytestmark = pytest.mark.feature("R16", "GTW-1")

STORY = "it stands in the lead's own history, with whoever did it"
NOTE = "it stands on the contact's card, with whoever wrote it"
GUEST = "whoever does it is nobody we know"
OWN = "it concerns nobody but whoever does it"
SIGHT = "it says that somebody looked"
PIECE = "it belongs to what has a line: an import that was begun, or is started"
NO_LINE: Mapping[str, str] = {
    "POST /f/<form_key>": GUEST,
    "POST /u/<token>": GUEST,
    "POST /providers/sendgrid/events": GUEST,
    "POST /providers/twilio/inbound": GUEST,
    "POST /providers/twilio/status": GUEST,
    "POST /api/v1/leads": STORY,
    "POST /api/v1/imports/<uuid:import_id>/rows": STORY,
    "PUT /api/v1/imports/<uuid:import_id>/parts/<int:number>": PIECE,
    "POST /api/v1/imports/<uuid:import_id>/uploaded": PIECE,
    "POST /api/v1/imports/<uuid:import_id>/examine": PIECE,
    "POST /imports/<uuid:import_id>/examine": PIECE,
    "POST /api/v1/leads/<uuid:lead_id>/return": STORY,
    "POST /api/v1/opportunities/<uuid:opportunity_id>/actions": STORY,
    "POST /api/v1/opportunities/<uuid:opportunity_id>/close": STORY,
    "POST /api/v1/opportunities/<uuid:opportunity_id>/tasks": STORY,
    "POST /api/v1/tasks/<uuid:task_id>/done": STORY,
    "POST /api/v1/tasks/<uuid:task_id>/drop": STORY,
    "POST /api/v1/tasks/<uuid:task_id>/recall": STORY,
    "POST /leads/<uuid:lead_id>/actions": STORY,
    "POST /leads/<uuid:lead_id>/tasks": STORY,
    "POST /tasks/<uuid:task_id>/done": STORY,
    "POST /tasks/<uuid:task_id>/drop": STORY,
    "POST /tasks/<uuid:task_id>/recall": STORY,
    "POST /leads/<uuid:lead_id>/close": STORY,
    "POST /leads/<uuid:lead_id>/return": STORY,
    "POST /sign-out": OWN,
    "POST /account": OWN,
    "POST /account/notifications": OWN,
    "POST /account/sessions/<uuid:session_id>/end": OWN,
    "PATCH /api/v1/me": OWN,
    "DELETE /api/v1/me/sessions/<uuid:session_id>": OWN,
    "POST /api/v1/me/views": OWN,
    "PATCH /api/v1/me/views/<uuid:view_id>": OWN,
    "DELETE /api/v1/me/views/<uuid:view_id>": OWN,
    "POST /contacts/views": OWN,
    "POST /contacts/views/<uuid:view_id>": OWN,
    "POST /contacts/<uuid:contact_id>/notes": NOTE,
    "POST /api/v1/contacts/<uuid:contact_id>/notes": NOTE,
    "POST /api/v1/contacts/fixes/preview": SIGHT,
    "POST /leads/views": OWN,
    "POST /leads/views/<uuid:view_id>": OWN,
    "POST /reports/views": OWN,
    "POST /reports/views/<uuid:view_id>": OWN,
    "POST /today/available": OWN,
    "POST /api/v1/leads/<uuid:lead_id>/open": SIGHT,
    "POST /api/v1/notifications/<uuid:seller_id>/read": SIGHT,
    "POST /inbox/read": SIGHT,
}
"""Routes that change something and leave no line, and why."""

LEADS_BY_HAND = {
    "POST /leads/<uuid:lead_id>/hand",
    "POST /leads/reassign",
    "POST /api/v1/leads/<uuid:lead_id>/reassign",
}


def routes(app: Flask) -> Iterator[tuple[str, Callable[..., Any]]]:
    for rule in app.url_map.iter_rules():
        for method in (rule.methods or set()) & {"POST", "PUT", "PATCH", "DELETE"}:
            yield f"{method} {rule.rule}", app.view_functions[rule.endpoint]


def reaches_the_trail(view: Callable[..., Any]) -> bool:
    """Whether a view, or a function of ours that it names, names `noted` or `audit.note`."""
    waiting, seen = [view], set()
    while waiting:
        function = inspect.unwrap(waiting.pop())
        if function in (noted, audit.note):
            return True
        if function in seen or not isinstance(function, FunctionType) or not function.__module__.startswith("gateway."):
            continue
        seen.add(function)
        waiting += named_in(function)
    return False


def named_in(function: FunctionType) -> Iterator[Callable[..., Any]]:
    names = set(names_of(function.__code__))
    for name in names & function.__globals__.keys():
        found = function.__globals__[name]
        if callable(found):
            yield found
        elif inspect.ismodule(found) and found.__name__.startswith("gateway."):
            yield from (inner for inner in map(vars(found).get, names) if isinstance(inner, FunctionType))


def names_of(code: CodeType) -> Iterator[str]:
    yield from code.co_names
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from names_of(constant)


def test_every_change_leaves_a_line_or_says_why_not(app: Flask) -> None:
    changing = dict(routes(app))
    silent = {name for name, view in changing.items() if not reaches_the_trail(view)}
    assert silent - NO_LINE.keys() == set(), "these leave no line in the trail: call `noted`, or say why not"
    assert NO_LINE.keys() - silent == set(), "these leave a line, or are no routes any more"
    assert not LEADS_BY_HAND & silent


def test_a_lead_given_by_hand_on_its_card_is_in_the_trail(app: Flask, database: Database, services: Any) -> None:
    services.answers["distribution", "reassign"] = {}
    person, seller_id = Person(app, database, "manager"), new_id()
    given = person.post(f"/leads/{new_id()}/hand", {"seller_id": seller_id, "version": "1"})
    assert given.status_code == 303
    with database.read() as connection:
        (line,) = audit.trail(connection)["items"]
    assert (line["what"], line["subject"], line["name"]) == ("gave leads by hand", seller_id, "Rita Manager")


def test_without_the_trail_what_was_done_is_not_said_to_have_failed(
    app: Flask, database: Database, services: Any, caplog: pytest.LogCaptureFixture
) -> None:
    services.answers["distribution", "reassign"] = {}
    person, seller_id = Person(app, database, "manager"), new_id()
    database.transact(lambda transaction: transaction.connection.execute(sa.text("ALTER TABLE audit RENAME TO gone")))
    before = REGISTRY.get_sample_value("rodizio_trail_lost_total") or 0
    given = person.post(f"/leads/{new_id()}/hand", {"seller_id": seller_id, "version": "1"})
    assert given.status_code == 303
    assert REGISTRY.get_sample_value("rodizio_trail_lost_total") == before + 1
    (record,) = (record for record in caplog.records if record.name == "gateway.accounts.noted")
    assert record.levelno == logging.ERROR
    assert record.trail == {  # type: ignore[attr-defined]
        "account_id": person.account.id,
        "name": "Rita Manager",
        "what": "gave leads by hand",
        "subject": seller_id,
        "detail": {"count": 1},
    }
