"""Two teams on a whole installation, and the people and keys that may see one of them, both or nothing.

Everything of the other team's has "Zorro" in its texts, everything of the colleague's "Yankee": who must not see it can
be told from the answer.
"""

import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from flask import Flask
from flask.testing import FlaskClient
from page_cases import Person
from werkzeug.test import TestResponse

from contracts.access import Role
from gateway import keys
from gateway.accounts import sessions
from gateway.parts import EXTENSION
from gateway.saved_views import views_of

SOON = "2027-03-01T09:00:00+00:00"
PATIENCE = 30.0


@dataclass
class Side:
    """A seller and what belongs to them.

    word: in all of its texts. ids: by the names that addresses have for them. shared: names of those that belong to
        others as well.
    """

    word: str
    ids: dict[str, str] = field(default_factory=dict)
    shared: frozenset[str] = frozenset()

    def leaks(self, text: str, asked: str) -> list[str]:
        """What of it stands in an answer that is in no way part of what was asked."""
        found = [self.word] if self.word.lower() in text.lower() else []
        ids = {name: value for name, value in self.ids.items() if name not in self.shared}
        return found + [f"{name} {value}" for name, value in ids.items() if value in text and value not in asked]


@dataclass
class TwoTeams:
    """The installation as the matrix finds it. people, keys: by role; both of supervisor and seller are `own`'s."""

    app: Flask
    own: Side
    colleague: Side
    other: Side
    people: dict[str, Person]
    keys: dict[str, str]
    tokens: dict[str, str] = field(default_factory=dict)

    def foreign_to(self, role: Role) -> list[Side]:
        """Whose things this role must not see."""
        return {"supervisor": [self.other], "seller": [self.other, self.colleague]}.get(role, [])

    def ask(self, role: str, method: str, address: str, **more: Any) -> TestResponse:
        """Calls the API with the key of a role; without one for "nobody"."""
        headers = {"Authorization": f"Bearer {self.keys[role]}"} if role in self.keys else {}
        return self.app.test_client().open(address, method=method, headers=headers, **more)

    def visit(self, role: str, method: str, address: str, form: Mapping[str, Any] | None = None) -> TestResponse:
        """Opens a page as somebody of this role; signed out for "nobody"."""
        client: FlaskClient = self.people[role].client if role in self.people else self.app.test_client()
        if method == "GET":
            return client.get(address)
        token = self.tokens.get(role)
        if token is None and role in self.people:
            found = re.search(r'name="csrf_token" value="([^"]+)"', client.get("/account").text)
            assert found is not None
            token = self.tokens[role] = found[1]
        return client.post(address, data={**(form or {}), "csrf_token": token or ""})

    def snapshot(self) -> dict[str, Any]:
        """Everything that is the other's and the colleague's, as a manager sees it."""
        seen: dict[str, Any] = {}
        for side in (self.other, self.colleague):
            for path in (
                "/leads/{lead_id}", "/leads/{lead_id}/opportunity", "/leads/{lead_id}/messages",
                "/sellers/{seller_id}", "/teams/{team_id}", "/notifications/{seller_id}",
            ):  # fmt: skip
                address = f"/api/v1{path.format(**side.ids)}"
                seen[address] = self.ask("manager", "GET", address).get_json()
        return seen


def found(app: Flask) -> TwoTeams:
    """Makes both teams and waits until each lead has come as far as it will."""
    database = app.extensions[EXTENSION].database
    admin = database.transact(keys.issue, "admin", ("submit", "read", "write", "admin"), "admin")
    own, colleague = Side("Xavier"), Side("Yankee", shared=frozenset({"team_id", "form_id"}))
    other = Side("Zorro", shared=frozenset({"form_id"}))  # which forms there are, whoever leads a team may know
    world = TwoTeams(app, own, colleague, other, {}, {"admin": admin})
    for side, team_id in ((own, ""), (colleague, "own"), (other, "")):
        side.ids["team_id"] = own.ids["team_id"] if team_id else _team(world, side)
        side.ids["seller_id"] = _seller(world, side)
    own.ids["form_id"] = colleague.ids["form_id"] = _form(world, "first-form", "first-site", own)
    other.ids["form_id"] = _form(world, "second-form", "second-site", other)
    _switch(world, colleague, False)
    _lead(world, own, "first-form")
    _switch(world, own, False)
    _switch(world, colleague, True)
    _lead(world, colleague, "first-form")
    _switch(world, own, True)
    _lead(world, other, "second-form")
    _switch(world, other, False)
    # Nobody has had it yet: it is for whoever leads the team for which it waits.
    waiting = other.ids["waiting_id"] = _send(world, other, "second-form", "waiting")
    _until(lambda: _get(world, f"/leads/{waiting}").get("team_id") == other.ids["team_id"])
    for side in (own, colleague, other):
        _story(world, side)
    _add_people(world)
    return world


def _add_people(world: TwoTeams) -> None:
    database = world.app.extensions[EXTENSION].database
    teams, seller = (world.own.ids["team_id"],), world.own.ids["seller_id"]
    sight: dict[Role, dict[str, Any]] = {
        "admin": {}, "manager": {}, "supervisor": {"team_ids": teams}, "seller": {"seller_id": seller},
    }  # fmt: skip
    for role, more in sight.items():
        world.people[role] = Person(world.app, database, role, **({"seller_id": ""} | more))
        if role != "admin":
            world.keys[role] = database.transact(keys.make, role, ("submit", "read", "write"), role, **more)[1]
    stranger = Person(
        world.app, database, "supervisor", login="zorro@example.com", team_ids=(world.other.ids["team_id"],)
    )
    world.people["stranger"] = stranger
    world.visit("stranger", "POST", "/leads/views", {"name": "Zorro view", "q": "x"})
    with database.read() as connection:
        (view,) = views_of(connection, stranger.account.id)
        (session,) = sessions.of_account(connection, stranger.account.id)
    world.other.ids |= {"view_id": view.id, "session_id": session["id"]}


def _get(world: TwoTeams, path: str) -> Any:
    answer = world.ask("admin", "GET", f"/api/v1{path}")
    return answer.get_json() if answer.status_code == 200 else {"assignment": None}


def _make(world: TwoTeams, method: str, path: str, body: dict[str, Any]) -> dict[str, Any]:
    answer = world.ask("admin", method, f"/api/v1{path}", json=body)
    assert answer.status_code < 300, (path, answer.text)
    made: dict[str, Any] = answer.get_json()
    return made


def _team(world: TwoTeams, side: Side) -> str:
    return str(_make(world, "POST", "/teams", {"name": f"Team {side.word}", "supervisor": side.word})["team_id"])


def _seller(world: TwoTeams, side: Side) -> str:
    body = {"name": f"Seller {side.word}", "email": f"{side.word}@example.com", "teams": [side.ids["team_id"]]}
    return str(_make(world, "POST", "/sellers", body)["seller_id"])


def _form(world: TwoTeams, key: str, source: str, side: Side) -> str:
    fields = [{"name": "name", "role": "name"}, {"name": "email", "kind": "email", "role": "email"}]
    form = _make(world, "POST", "/forms", {"name": key, "key": key, "source": source, "fields": fields})
    _make(world, "PUT", f"/rules/{form['form_id']}", {"team_id": side.ids["team_id"]})
    return str(form["form_id"])


def _switch(world: TwoTeams, side: Side, on: bool) -> None:
    _make(world, "PUT", f"/sellers/{side.ids['seller_id']}/availability", {"available": on})


def _send(world: TwoTeams, side: Side, form_key: str, name: str) -> str:
    fields = {"name": f"{side.word} {name}", "email": f"{name}@{side.word}.example".lower()}
    return str(_make(world, "POST", "/leads", {"form_key": form_key, "fields": fields})["id"])


def _lead(world: TwoTeams, side: Side, form_key: str) -> None:
    lead_id = side.ids["lead_id"] = _send(world, side, form_key, "lead")
    _until(lambda: (_get(world, f"/leads/{lead_id}")["assignment"] or {}).get("seller_id") == side.ids["seller_id"])


def _story(world: TwoTeams, side: Side) -> None:
    """An opportunity with a note, a message, a time off: each with the side's word where there are words."""
    lead_id, seller_id = side.ids["lead_id"], side.ids["seller_id"]
    _until(lambda: "version" in _get(world, f"/leads/{lead_id}/opportunity"))
    _until(lambda: _get(world, f"/notifications/{seller_id}")["items"])
    _until(lambda: _get(world, f"/leads/{lead_id}")["seller_id"] == seller_id)
    opportunity = _get(world, f"/leads/{lead_id}/opportunity")
    side.ids["opportunity_id"], side.ids["contact_id"] = opportunity["opportunity_id"], opportunity["contact_id"]
    card = _make(world, "POST", f"/opportunities/{opportunity['opportunity_id']}/actions",
                 {"kind": "note", "note": f"{side.word} said", "next_at": SOON})  # fmt: skip
    side.ids["task_id"] = card["tasks"][0]["task_id"]
    side.ids["message_id"] = _get(world, f"/notifications/{seller_id}")["items"][0]["message_id"]
    away = {"starts_at": "2027-05-01T00:00:00Z", "ends_at": "2027-05-08T00:00:00Z", "reason": f"{side.word} rests"}
    side.ids["time_off_id"] = _make(world, "POST", f"/sellers/{seller_id}/time-off", away)["time_off"][0]["id"]


def _until(condition: Callable[[], Any]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.05)
