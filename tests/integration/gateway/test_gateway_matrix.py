"""R14: every route, asked by every role with every id that is not theirs, on real services."""

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any
from urllib.parse import urlencode

import pytest
from route_rows import API, FOR_ALL, PAGES, SPAN, Row
from two_teams import Side, TwoTeams, found
from werkzeug.test import TestResponse
from whole import gateway_of, installation

from contracts.access import ROLES
from runtime.rabbitmq import RabbitNode

pytestmark = [pytest.mark.feature("R14", "GTW-1"), pytest.mark.timeout(300)]

PREFIX = "/api/v1"
KNOWS_ALL = ("admin", "manager")
STRANGE = "01900000-0000-7000-8000-00000000dead"
"""An id of nothing."""
FILTERS = ("seller_id", "team_id", "form_id", "work_id", "but", "seller", "team", "form")
"""Names of queries that hold ids, of the API and of pages."""


@pytest.fixture(scope="module")
def world(broker: RabbitNode, _vhosts: Any) -> Iterator[TwoTeams]:
    """Two teams on an installation of their own."""
    with installation(broker, _vhosts.take()) as made, gateway_of(made) as app:
        yield found(app)


@pytest.fixture(scope="module")
def before(world: TwoTeams) -> dict[str, Any]:
    """What is not theirs, before anybody tries to change it."""
    return world.snapshot()


def test_every_route_has_a_row(world: TwoTeams) -> None:
    routes = {
        f"{method} {rule.rule}"
        for rule in world.app.url_map.iter_rules()
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
        if rule.endpoint != "static"
    }
    rows = {f"{name.partition(' ')[0]} {PREFIX}{name.partition(' ')[2]}" for name in API} | PAGES.keys()
    assert routes - rows - FOR_ALL == set(), "these routes have no row in route_rows.py: say who may use them"
    assert rows - routes == set(), "these rows have no route any more"


@pytest.mark.parametrize("name", API)
def test_a_key_sees_what_its_role_sees(world: TwoTeams, before: dict[str, Any], name: str) -> None:
    row = API[name]
    method, _, path = name.partition(" ")

    def ask(role: str, side: Side, more: Mapping[str, str] | None = None) -> TestResponse:
        address = _address(f"{PREFIX}{path}", row, side, more)
        sent = {"json": _filled(row.sent, side)} if row.sent is not None else {}
        return world.ask(role, method, address, **sent)

    def miss(role: str) -> TestResponse:
        return world.ask(role, method, _nowhere(path), json={})

    assert ask("nobody", world.other).status_code == 401
    _check_roles(world, method, path, row, ask, miss)


@pytest.mark.parametrize("name", PAGES)
def test_a_page_shows_what_its_reader_may_see(world: TwoTeams, before: dict[str, Any], name: str) -> None:
    row = PAGES[name]
    method, _, path = name.partition(" ")

    def visit(role: str, side: Side, more: Mapping[str, str] | None = None) -> TestResponse:
        return world.visit(role, method, _address(path, row, side, more), _filled(row.sent or {}, side))

    def miss(role: str) -> TestResponse:
        return world.visit(role, method, _nowhere(path, ""))

    _check_sign_in(visit("nobody", world.other), method)
    _check_roles(world, method, path, row, visit, miss)


def _check_roles(
    world: TwoTeams, method: str, path: str, row: Row, ask: Callable[..., TestResponse], miss: Callable[..., Any]
) -> None:
    """What each role gets. ask: with the ids of a side. miss: a change of what is not there, for those who may all."""
    for role in ROLES:
        if role not in row.roles:
            for side in (world.own, world.other):
                refused = ask(role, side)
                assert refused.status_code == 403, (role, refused.status_code)
                _check_empty(refused, world.foreign_to(role), "")
        elif role in KNOWS_ALL:
            answer = ask(role, world.other) if method == "GET" else miss(role)
            _check_open_to(role, method, answer, row, world.other)
        else:
            _check_scoped(world, role, path, row, ask)


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/leads/count", {"manager": 4, "supervisor": 2, "seller": 1}),
        ("/leads", {"manager": 4, "supervisor": 2, "seller": 1}),
        ("/contacts", {"manager": 4, "supervisor": 2, "seller": 1}),
        ("/contacts/count", {"manager": 4, "supervisor": 2, "seller": 1}),
        ("/work", {"manager": 4, "supervisor": 2}),
        ("/waiting", {"manager": 1, "supervisor": 0}),
        ("/opportunities", {"manager": 3, "supervisor": 2, "seller": 1}),
        ("/outbox", {"manager": 3, "supervisor": 2, "seller": 1}),
        ("/sellers", {"manager": 3, "supervisor": 2}),
        ("/teams", {"manager": 2, "supervisor": 1}),
        ("/overview/now", {"manager": 3, "supervisor": 2}),
        (f"/overview?{urlencode(SPAN)}", {"manager": 3, "supervisor": 2}),
        ("/counts?by=source", {"manager": 3, "supervisor": 2}),
    ],
)
def test_counts_count_what_is_seen(world: TwoTeams, path: str, expected: dict[str, int]) -> None:
    counted = {role: _number(world.ask(role, "GET", f"{PREFIX}{path}").get_json()) for role in expected}
    assert counted == expected


def _number(answer: dict[str, Any]) -> int:
    if "assigned" in answer:
        return int(answer["assigned"])
    if answer.get("items") and "measure" in answer["items"][0]:
        return sum(item["count"] for item in answer["items"] if item["measure"] == "leads_assigned")
    return (
        int(answer[next(name for name in ("count", "sellers") if name in answer)])
        if "items" not in answer
        else len(answer["items"])
    )


def test_an_export_holds_what_is_seen(world: TwoTeams) -> None:
    rows = {role: world.visit(role, "GET", "/leads.csv").text.count("@") for role in ("manager", "supervisor")}
    assert rows == {"manager": 8, "supervisor": 4}  # each address twice: as such, and as it was answered
    rows = {role: world.visit(role, "GET", "/contacts.csv").text.count("@") for role in ("manager", "supervisor")}
    assert rows == {"manager": 4, "supervisor": 2}


@pytest.mark.feature("CAP-9")
def test_a_contacts_story_is_put_together_from_what_one_sees_of_each_service(world: TwoTeams) -> None:
    address = f"{PREFIX}/contacts/{world.own.ids['contact_id']}/timeline"
    told = {role: world.ask(role, "GET", address).get_json() for role in ("manager", "supervisor", "seller")}
    for role, story in told.items():
        assert story["missing"] == [], role
        by_service = {entry["service"]: entry["what"] for entry in story["items"]}
        assert by_service.keys() == {"capture", "distribution", "campaigns", "notifications"}, (role, by_service)
        assert {entry["seller_id"] for entry in story["items"]} <= {None, world.own.ids["seller_id"]}
    assert [entry["what"] for entry in told["manager"]["items"]][-2:] == ["assigned", "captured"]
    assert "Xavier said" in [entry["note"] for entry in told["seller"]["items"]]


def test_nothing_of_others_has_changed(world: TwoTeams, before: dict[str, Any]) -> None:
    """Comes last: whatever was tried above has left no trace."""
    assert world.snapshot() == before
    assert world.people["stranger"].get("/account").status_code == 200
    assert "Zorro view" in world.people["stranger"].get("/leads").text


def _check_scoped(world: TwoTeams, role: str, path: str, row: Row, ask: Any) -> None:
    """Somebody who sees a part: their own is there, what is others' is not."""
    if row.own is not None:
        answer = ask(role, world.own)
        assert answer.status_code == row.own, (role, answer.status_code, answer.text[:500])
        _check_empty(answer, world.foreign_to(role), "")
    has_ids = "_id>" in path or any(re.search(r"{\w+}", repr(given)) for given in (row.sent, row.query))
    for side in world.foreign_to(role):
        if has_ids:
            answer = ask(role, side)
            expected = (404,) if side is world.colleague and row.foreign == 422 else (row.foreign,)
            assert answer.status_code in expected, (role, side.word, answer.status_code, answer.text[:500])
            _check_empty(answer, [side], repr(side.ids) if answer.status_code >= 400 else answer.request.path)
            if answer.is_json and "items" in answer.json:
                assert answer.json["items"] == []
        elif row.own == 200:
            for name in FILTERS:
                filtered = ask(role, side, {name: side.ids[_ID_OF.get(name, name)]})
                assert filtered.status_code < 500
                _check_empty(filtered, [side], filtered.request.url)


_ID_OF = {"work_id": "lead_id", "but": "lead_id", "seller": "seller_id", "team": "team_id", "form": "form_id"}


def _check_open_to(role: str, method: str, answer: TestResponse, row: Row, other: Side) -> None:
    """Somebody who sees everything."""
    assert answer.status_code not in (401, 403), (role, answer.text[:300])
    assert answer.status_code < 500, (role, answer.status_code, answer.text[:300])
    if method == "GET" and row.shows:
        text = answer.text + answer.headers.get("Location", "")
        is_unknown = STRANGE in answer.request.path
        assert is_unknown or other.leaks(text, ""), (role, answer.status_code, text[:500])


def _check_sign_in(answer: TestResponse, method: str) -> None:
    if method == "GET":
        assert answer.status_code == 303
        assert answer.headers["Location"].startswith("/sign-in?")
    else:
        assert answer.status_code == 401
        assert 'action="/sign-in' in answer.text


def _check_empty(answer: TestResponse, sides: list[Side], asked: str) -> None:
    """Nothing of these stands in an answer, unless it was in what was asked."""
    text = answer.text + repr(list(answer.headers))
    for side in sides:
        assert side.leaks(text, asked) == [], (answer.status_code, side.leaks(text, asked))


def _address(path: str, row: Row, side: Side, more: Mapping[str, str] | None = None) -> str:
    whole = re.sub(r"<(?:uuid:|int:)?(\w+)>", lambda found: _id_of(found[1], side), path)
    query = {**_filled(row.query or {}, side), **(more or {})}
    return f"{whole}?{urlencode(query)}" if query else whole


def _nowhere(path: str, prefix: str = PREFIX) -> str:
    """The address with ids of nothing."""
    return prefix + re.sub(r"<(?:uuid:|int:)?(\w+)>", lambda found: _id_of(found[1], Side("")), path)


def _id_of(name: str, side: Side) -> str:
    return {"service": "capture", "number": "0", "by": "seller"}.get(name) or side.ids.get(name, STRANGE)


def _filled(sent: Any, side: Side) -> Any:
    if isinstance(sent, str):
        return sent.format(**side.ids) if "{" in sent else sent
    if isinstance(sent, Mapping):
        return {name: _filled(value, side) for name, value in sent.items()}
    return [_filled(value, side) for value in sent] if isinstance(sent, list) else sent
