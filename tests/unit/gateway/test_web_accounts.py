"""Accounts, keys and the trail: on pages, through the API and on the command line."""

import ast
import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from flask import Flask
from flask.testing import FlaskClient
from page_cases import HTMX, Person

from cli.account import account as account_command
from contracts.access import OPERATOR
from gateway import keys, store
from gateway.accounts import administration, passwords, people
from gateway.web import trail
from runtime.database import Database
from runtime.errors import Unavailable
from runtime.ids import new_id
from runtime.settings import Settings

pytestmark = pytest.mark.feature("GTW-1")

NORTH = "01900000-0000-7000-8000-0000000000a1"
RUI = "01900000-0000-7000-8000-0000000000b1"
SCRIPT = "<script>alert(1)</script>"
NEW = {
    "name": "Helena Duarte",
    "login": "Helena@Example.com",
    "role": "manager",
    "seller_id": "",
    "locale": "pt",
    "time_zone": "Europe/Lisbon",
}


@pytest.fixture(autouse=True)
def names(services: Any) -> None:
    services.answers["distribution", "staff_names"] = {"sellers": {RUI: SCRIPT}, "teams": {NORTH: "Norte"}}


@pytest.fixture
def admin(app: Flask, database: Database) -> Person:
    return Person(app, database, "admin")


def account_named(database: Database, login: str) -> people.Account:
    with database.read() as connection:
        row = people.by_login(connection, login)
    assert row is not None
    return people.from_row(row)


def shown_once(page: str, identifier: str) -> str:
    return page.split(f'id="{identifier}">')[1].split("<")[0]


def is_password(database: Database, login: str, password: str) -> bool:
    with database.read() as connection:
        row = people.by_login(connection, login)
    return row is not None and passwords.is_right(row["password_hash"], password)


@pytest.mark.feature("R14")
@pytest.mark.parametrize(
    "path", ["/accounts", "/accounts/new", "/accounts/0190a000-0000-7000-8000-0000000000ff", "/keys", "/trail"]
)
def test_only_administrators_look_after_accounts(app: Flask, database: Database, client: Any, path: str) -> None:
    assert Person(app, database, "admin").get(path).status_code in (200, 404)
    for role in ("manager", "supervisor", "seller"):
        assert Person(app, database, role).get(path).status_code == 403
    assert client.get(path).status_code == 303


@pytest.mark.feature("R14")
def test_only_administrators_change_accounts(app: Flask, database: Database, admin: Person) -> None:
    manager = Person(app, database, "manager")
    own, key_id = manager.account.id, new_id()
    posts = [f"/accounts/{own}", f"/accounts/{own}/password", f"/accounts/{own}/sign-out", "/accounts/new"]
    for path in (*posts, "/keys", f"/keys/{key_id}/revoke"):
        assert manager.post(path, {**NEW, "role": "admin"}).status_code == 403
        assert admin.client.post(path, data=NEW).status_code == 400, "without a token"
    kept = account_named(database, "manager@example.com")
    assert (kept.role, kept.version) == ("manager", 1)


def test_an_account_is_made_with_a_password_that_works(admin: Person, database: Database) -> None:
    page = admin.post("/accounts/new", NEW)
    assert page.status_code == 200
    assert page.headers["Cache-Control"] == "no-store"
    made = account_named(database, "helena@example.com")
    assert (made.name, made.role, made.locale, made.active) == ("Helena Duarte", "manager", "pt", True)
    assert is_password(database, made.login, shown_once(page.text, "password"))
    assert "never signed in" in admin.get("/accounts").text


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"login": "ADMIN@example.com"}, "taken already"),
        ({"login": "helena"}, "This cannot be taken"),
        ({"name": ""}, "Please fill this in."),
        ({"role": "owner"}, "This cannot be taken"),
        ({"role": "seller"}, "Please fill this in."),
        ({"role": "seller", "seller_id": NORTH}, "not there any more"),
        ({"role": "supervisor"}, "Please fill this in."),
        ({"role": "supervisor", "team_ids": [RUI]}, "not there any more"),
        ({"time_zone": "Mars"}, "This cannot be taken"),
    ],
)
def test_what_cannot_be_an_account(admin: Person, changes: dict[str, Any], words: str) -> None:
    answer = admin.post("/accounts/new", {**NEW, **changes})
    assert answer.status_code == 422
    assert words in answer.text
    assert SCRIPT not in answer.text
    if "name" not in changes:
        assert 'value="Helena Duarte"' in answer.text


def test_roles_bring_their_belongings_and_lose_them(admin: Person, database: Database) -> None:
    admin.post("/accounts/new", {**NEW, "role": "supervisor", "team_ids": [NORTH]})
    made = account_named(database, "helena@example.com")
    assert made.team_ids == (NORTH,)
    assert "Norte" in admin.get("/accounts").text
    form = {**NEW, "role": "seller", "seller_id": RUI, "team_ids": [NORTH], "active": "1", "version": "1"}
    assert admin.post(f"/accounts/{made.id}", form).status_code == 303
    made = account_named(database, "helena@example.com")
    assert (made.role, made.seller_id, made.team_ids) == ("seller", RUI, ())


def test_while_teams_are_not_to_be_had_an_account_keeps_them(admin: Person, database: Database, services: Any) -> None:
    admin.post("/accounts/new", {**NEW, "role": "supervisor", "team_ids": [NORTH]})
    made = account_named(database, "helena@example.com")
    services.answers["distribution", "staff_names"] = Unavailable("away")
    assert "cannot be shown at the moment" in admin.get(f"/accounts/{made.id}").text
    form = {**NEW, "role": "supervisor", "active": "1", "version": "1"}
    assert admin.post(f"/accounts/{made.id}", form).status_code == 422
    assert account_named(database, "helena@example.com").team_ids == (NORTH,)


def test_the_second_of_two_is_told_and_keeps_what_they_typed(admin: Person, database: Database) -> None:
    admin.post("/accounts/new", NEW)
    made = account_named(database, "helena@example.com")
    form = {**NEW, "active": "1", "version": "1"}
    assert admin.post(f"/accounts/{made.id}", {**form, "role": "admin"}).status_code == 303
    late = admin.post(f"/accounts/{made.id}", {**form, "name": "Helena Maria"})
    assert late.status_code == 409
    assert "<strong>Role</strong>: Administrator" in late.text
    assert 'value="Helena Maria"' in late.text
    assert 'name="version" value="2"' in late.text
    assert account_named(database, "helena@example.com").name == "Helena Duarte"


@pytest.mark.parametrize("changes", [{"role": "manager"}, {"active": ""}])
def test_the_last_administrator_is_told_why_not(admin: Person, database: Database, changes: dict[str, str]) -> None:
    own = {"name": "Rita", "login": "admin@example.com", "role": "admin", "locale": "en", "time_zone": "Europe/Lisbon"}
    answer = admin.post(f"/accounts/{admin.account.id}", {**own, "active": "1", "version": "1", **changes})
    assert answer.status_code == 422
    assert "This is the last administrator" in answer.text
    assert admin.get("/accounts").status_code == 200


def test_a_password_is_reset_and_devices_are_signed_out(app: Flask, admin: Person, database: Database) -> None:
    other = Person(app, database, "manager")
    page = admin.post(f"/accounts/{other.account.id}/password", {})
    assert is_password(database, "manager@example.com", shown_once(page.text, "password"))
    assert not is_password(database, "manager@example.com", "correct horse battery")
    assert other.get("/account").status_code == 303


def test_devices_are_signed_out(app: Flask, admin: Person, database: Database) -> None:
    other = Person(app, database, "manager")
    assert "Test" in admin.get(f"/accounts/{other.account.id}").text
    admin.post(f"/accounts/{other.account.id}/sign-out", {})
    assert other.get("/account").status_code == 303
    admin.post(f"/accounts/{admin.account.id}/sign-out", {})
    assert admin.get("/account").status_code == 200, "everywhere else"


def test_accounts_are_searched(admin: Person, database: Database) -> None:
    admin.post("/accounts/new", {**NEW, "name": SCRIPT})
    part = admin.get("/accounts?q=helena", headers=HTMX).text
    assert "helena@example.com" in part
    assert "admin@example.com" not in part
    assert SCRIPT not in part
    assert "<html" not in part
    assert "Nobody like that" in admin.get("/accounts?role=seller").text
    assert admin.get("/accounts?role=owner&show=x").status_code == 200


# Keys


def test_a_key_is_shown_once_and_ends(admin: Person, client: FlaskClient, database: Database) -> None:
    page = admin.post("/keys", {"name": SCRIPT, "role": "admin", "scopes": ["read", "admin"]})
    key = shown_once(page.text, "key")
    headers = {"Authorization": f"Bearer {key}"}
    found = client.get("/api/v1/keys", headers=headers).get_json()["items"]
    assert [item["name"] for item in found] == [SCRIPT]
    assert found[0]["used_at"], "it has just been used"
    listed = admin.get("/keys").text
    assert key not in listed
    assert SCRIPT not in page.text + listed
    assert admin.post(f"/keys/{found[0]['id']}/revoke", {}).status_code == 303
    assert keys.Keyring(database).holder(key) is None
    assert admin.post(f"/keys/{found[0]['id']}/revoke", {}).status_code == 404


@pytest.mark.parametrize(
    "changes",
    [
        {"name": " "},
        {"name": "x" * 101},
        {"name": "a\0"},
        {"scopes": []},
        {"scopes": ["all"]},
        {"role": "owner"},
        {"role": "seller"},
        {"role": "seller", "seller_id": NORTH},
        {"role": "supervisor"},
        {"role": "supervisor", "team_ids": [RUI]},
        {"role": "manager", "scopes": ["read", "admin"]},
    ],
)
def test_what_cannot_be_a_key(admin: Person, database: Database, changes: dict[str, Any]) -> None:
    assert admin.post("/keys", {"name": "site", "role": "admin", "scopes": ["read"]} | changes).status_code == 422
    with database.read() as connection:
        assert store.list_api_keys(connection) == []


def test_a_key_sees_what_its_role_sees(admin: Person, database: Database) -> None:
    form = {"name": "app", "scopes": ["read"], "seller_id": RUI, "team_ids": [NORTH]}
    for role, seller_id, team_ids in (("seller", RUI, ()), ("supervisor", "", (NORTH,)), ("manager", "", ())):
        page = admin.post("/keys", {**form, "role": role})
        holder = keys.Keyring(database).holder(shown_once(page.text, "key"))
        assert holder is not None
        assert (holder.actor.role, holder.actor.seller_id, holder.actor.team_ids) == (role, seller_id, team_ids)
    listed = admin.get("/keys").text
    assert "Supervisor: Norte" in listed
    assert SCRIPT not in listed


# The trail


def test_the_trail_says_who_did_what(admin: Person, database: Database, services: Any) -> None:
    admin.post("/accounts/new", NEW)
    made = account_named(database, "helena@example.com")
    admin.post(f"/accounts/{made.id}", {**NEW, "role": "admin", "active": "1", "version": "1"})
    administration.reset_password(database, OPERATOR, made.id)
    page = admin.get("/trail").text
    assert page.index("reset a password") < page.index("changed an account") < page.index("opened an account")
    assert "Manager → Administrator" in page
    mine = admin.get(f"/trail?person={admin.account.id}").text
    assert "changed an account" in mine
    assert "reset a password" not in mine
    programs = admin.get("/trail?person=none").text
    assert "reset a password" in programs
    assert "changed an account" not in programs
    assert "Nothing yet" in admin.get(f"/trail?person={made.id}").text
    services.answers["distribution", "staff_names"] = Unavailable("away")
    assert admin.get("/trail?person=x").status_code == 200


def test_every_deed_that_is_kept_is_put_into_words(app: Flask) -> None:
    kept = set()
    for source in (Path(keys.__file__).parent).rglob("*.py"):
        for node in ast.walk(ast.parse(source.read_text())):
            if isinstance(node, ast.Call) and ast.unparse(node.func).split(".")[-1] in ("note", "noted", "_note"):
                texts = (part.value for part in ast.walk(node) if isinstance(part, ast.Constant))
                kept |= {text for text in texts if isinstance(text, str) and " " in text}
    with app.test_request_context("/"):
        assert kept - set(trail.deeds()) == set()
    assert {"signed in", "added a seller", "reset a password"} <= kept


# The API


@pytest.fixture
def headers(database: Database) -> dict[str, str]:
    return {"Authorization": f"Bearer {database.transact(keys.issue, 'program')}"}


API_NEW = {"name": "Helena", "login": "helena@example.com", "role": "supervisor", "team_ids": [NORTH]}


@pytest.mark.feature("GTW-2")
def test_a_program_does_the_same(client: FlaskClient, headers: dict[str, str], database: Database, app: Flask) -> None:
    made = client.post("/api/v1/accounts", json=API_NEW, headers=headers)
    assert made.status_code == 201
    account = made.get_json()
    assert is_password(database, "helena@example.com", account.pop("password"))
    path = made.headers["Location"]
    assert client.get(path, headers=headers).get_json() == account
    changed = client.patch(path, json={"version": 1, "role": "manager"}, headers=headers)
    assert changed.get_json()["role"] == "manager"
    assert client.patch(path, json={"version": 1, "name": "H"}, headers=headers).status_code == 409
    password = client.post(f"{path}/password", headers=headers).get_json()["password"]
    assert is_password(database, "helena@example.com", password)
    assert client.delete(f"{path}/sessions", headers=headers).status_code == 204
    listed = client.get("/api/v1/accounts?q=hel", headers=headers).get_json()["items"]
    assert [item["login"] for item in listed] == ["helena@example.com"]
    entries = client.get("/api/v1/accounts/trail", headers=headers).get_json()["items"]
    assert [entry["what"] for entry in entries][:2] == ["ended all sessions", "reset a password"]
    assert {entry["name"] for entry in entries} == {"program"}
    assert password not in json.dumps(entries)


@pytest.mark.feature("GTW-2")
@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"team_ids": [RUI]}, "team_ids"),
        ({"role": "seller"}, "seller_id"),
        ({"role": "seller", "seller_id": NORTH}, "seller_id"),
        ({"login": "x"}, "login"),
        ({"role": "owner"}, "role"),
        ({"password": "mine"}, "password"),
    ],
)
def test_a_program_is_told_the_field(
    client: FlaskClient, headers: dict[str, str], changes: dict[str, Any], field: str
) -> None:
    answer = client.post("/api/v1/accounts", json={**API_NEW, **changes}, headers=headers)
    assert answer.status_code == 422
    assert [error["field"] for error in answer.get_json()["errors"]] == [field]


@pytest.mark.feature("GTW-2", "R14")
@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/accounts"),
        ("POST", "/accounts"),
        ("GET", f"/accounts/{RUI}"),
        ("PATCH", f"/accounts/{RUI}"),
        ("POST", f"/accounts/{RUI}/password"),
        ("DELETE", f"/accounts/{RUI}/sessions"),
        ("GET", "/accounts/trail"),
        ("GET", "/keys"),
        ("POST", "/keys"),
        ("DELETE", f"/keys/{RUI}"),
    ],
)
def test_the_scope_admin_is_needed(client: FlaskClient, database: Database, method: str, path: str) -> None:
    for name, more in (
        ("reader", {"scopes": ("submit", "read", "write")}),
        ("manager", {"scopes": ("read", "write"), "role": "manager"}),
    ):
        key = database.transact(keys.issue, name, **more)
        body = {"json": {}} if method in ("POST", "PATCH") else {}
        answer = client.open(f"/api/v1{path}", method=method, headers={"Authorization": f"Bearer {key}"}, **body)
        assert answer.status_code == 403, name


@pytest.mark.feature("GTW-2")
def test_a_program_makes_and_ends_keys(client: FlaskClient, headers: dict[str, str], database: Database) -> None:
    wanted = {"name": "site", "scopes": ["submit"]}
    repeated = {**headers, "Idempotency-Key": "one"}
    made = client.post("/api/v1/keys", json=wanted, headers=repeated)
    assert made.status_code == 201
    document = made.get_json()
    assert (document["role"], document["scopes"]) == ("manager", ["submit"])
    with database.read() as connection:
        kept = connection.execute(store.idempotency.select()).all()
    assert document["key"] not in str(kept), "an answer that is kept for a repeat would give the key away"
    holder = keys.Keyring(database).holder(document["key"])
    assert holder is not None
    assert holder.scopes == {"submit"}
    assert client.delete(f"/api/v1/keys/{document['id']}", headers=headers).status_code == 204
    assert client.delete(f"/api/v1/keys/{document['id']}", headers=headers).status_code == 404


def test_the_last_administrator_stays_for_programs_too(
    client: FlaskClient, headers: dict[str, str], admin: Person
) -> None:
    path = f"/api/v1/accounts/{admin.account.id}"
    answer = client.patch(path, json={"version": 1, "active": False}, headers=headers)
    assert answer.status_code == 422
    assert answer.get_json()["errors"][0]["code"] == "last_admin"


# The command line


@pytest.fixture
def command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Runs `rodizio account` on a bare installation."""
    settings = Settings(var=tmp_path / "bare")
    monkeypatch.setattr("cli.account.load_settings", lambda: settings)
    return lambda *arguments: CliRunner().invoke(account_command, list(arguments))


def test_the_first_administrator_is_made_on_a_bare_installation(command: Any) -> None:
    assert "rodizio account create" in command("list").output
    made = command("create", "ana@example.com", "--json")
    assert made.exit_code == 0, made.output
    document = json.loads(made.output)
    assert (document["role"], document["name"]) == ("admin", "ana")
    again = command("create", "Ana@Example.com")
    assert again.exit_code == 1
    assert "already" in again.output
    assert "Traceback" not in again.output
    fresh = command("password", "ana@example.com")
    assert fresh.exit_code == 0
    assert document["password"] not in fresh.output
    assert command("password", "nobody@example.com").exit_code == 1
    listed = json.loads(command("list", "--json").output)["items"]
    assert [(item["login"], item["role"], item["active"]) for item in listed] == [("ana@example.com", "admin", True)]
    assert "password" not in listed[0]
    assert "ana@example.com" in command("list").output
    assert command("create", "x@example.com", "--role", "seller").exit_code == 2
