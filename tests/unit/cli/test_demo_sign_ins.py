"""Accounts of the demo company: made once, their passwords for their owner's eyes, never in somebody's way."""

import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from argon2 import PasswordHasher

from cli import sign_ins
from cli.kitchens import COMPANY, people
from gateway.accounts import passwords
from gateway.accounts import people as accounts
from runtime.database import Database, open_database
from runtime.ids import new_id
from runtime.migrations import upgrade
from runtime.settings import Settings

pytestmark = pytest.mark.feature("GTW-1", "GTW-5")

SELLERS = {new_id(): seller["name"] for plan in COMPANY for seller in plan.sellers}
TEAMS = {new_id(): plan.team["name"] for plan in COMPANY}


class Distribution:
    """Knows the company's people."""

    def call(self, service: str, method: str, **arguments: Any) -> Any:
        assert (service, method, arguments) == ("distribution", "staff_names", {})
        return {"sellers": SELLERS, "teams": TEAMS}


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.setattr(passwords, "_hasher", PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))
    settings = Settings(var=tmp_path / "var")
    settings.var.mkdir()
    return settings


@pytest.fixture
def database(settings: Settings) -> Iterator[Database]:
    upgrade("gateway", settings)
    database = open_database("gateway", settings)
    yield database
    database.close()


def open_all(settings: Settings) -> list[sign_ins.SignIn]:
    sign_ins.open_accounts(settings, Distribution())  # type: ignore[arg-type]
    return sign_ins.read(settings)


def test_everybody_can_sign_in_with_what_the_file_says(settings: Settings, database: Database) -> None:
    found = open_all(settings)

    path = settings.var / "sign-ins"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [line.split("\t") for line in path.read_text().splitlines()] == [
        [one.login, one.password, one.role, one.name] for one in found
    ]
    assert [one.login for one in found] == [person.login for person in people()]
    assert {role: sum(one.role == role for one in found) for role in ("admin", "manager", "supervisor", "seller")} == {
        "admin": 1,
        "manager": 1,
        "supervisor": len(COMPANY),
        "seller": len(SELLERS),
    }
    assert sign_ins.still_valid(settings, found) == found
    assert len({one.password for one in found}) == len(found)
    with database.read() as connection:
        for one in found:
            row = accounts.by_login(connection, one.login)
            assert row is not None
            assert row["role"] == one.role
            assert SELLERS.get(row["seller_id"], one.name) == one.name
            assert bool(row["team_ids"]) == (one.role == "supervisor")


def test_a_second_time_changes_nothing(settings: Settings, database: Database) -> None:
    first = open_all(settings)
    with database.read() as connection:
        admin = accounts.by_login(connection, "admin@example.com")
    assert admin
    database.transact(accounts.set_password, admin["id"], passwords.hash_of("my own password"))

    assert open_all(settings) == first
    assert [one.login for one in first if one not in sign_ins.still_valid(settings, first)] == ["admin@example.com"]
    with database.read() as connection:
        row = accounts.by_login(connection, "admin@example.com")
    assert row
    assert passwords.is_right(row["password_hash"], "my own password")


def test_where_others_sign_in_nobody_of_the_demo_does(settings: Settings, database: Database) -> None:
    assert sign_ins.is_ours_to_fill(settings)
    real = {"login": "ana@kitchens.example", "name": "Ana", "role": "admin"}
    database.transact(accounts.create, real, passwords.hash_of("correct horse battery"))

    assert open_all(settings) == []
    assert not sign_ins.is_ours_to_fill(settings)
    with database.read() as connection:
        assert [one.login for one in accounts.list_accounts(connection)["items"]] == ["ana@kitchens.example"]


def test_who_was_killed_in_between_goes_on_with_the_passwords_written_down(
    settings: Settings, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = accounts.create
    calls = 0

    def dies(*arguments: Any) -> Any:
        nonlocal calls
        calls += 1
        if calls == 4:
            raise KeyboardInterrupt
        return made(*arguments)

    monkeypatch.setattr(accounts, "create", dies)
    with pytest.raises(KeyboardInterrupt):
        open_all(settings)
    written = sign_ins.read(settings)

    found = open_all(settings)

    assert found == written
    assert sign_ins.still_valid(settings, found) == found
