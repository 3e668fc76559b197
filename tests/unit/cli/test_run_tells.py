"""What `rodizio run` says once it is up: where, who, and what to look at first, within a screenful."""

from pathlib import Path

import pytest
from rich.console import Console

from cli import run, sign_ins
from cli.kitchens import people
from cli.run import _Installation
from gateway.accounts import passwords
from gateway.accounts import people as accounts
from runtime.database import open_database
from runtime.migrations import upgrade
from runtime.settings import Settings

pytestmark = pytest.mark.feature("GTW-5")

SCREENFUL = 24


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    settings = Settings(var=tmp_path / "var")
    settings.var.mkdir()
    upgrade("gateway", settings)
    return settings


def told(settings: Settings) -> str:
    console = Console(width=300, highlight=False)
    with console.capture() as capture:
        run._tell(console, _Installation(settings, None, []), [])
    return capture.get()


def found(settings: Settings) -> None:
    """Accounts of an administrator, a manager, a supervisor and two sellers, as the demo has them."""
    database = open_database("gateway", settings)
    lines = []
    for number, person in enumerate(people()):
        wanted = {"login": person.login, "name": person.name, "role": person.role}
        if person.role == "seller":
            wanted["seller_id"] = f"01890000-0000-7000-8000-{number:012}"
        if person.role != "seller" or number < 7:
            database.transact(accounts.create, wanted, passwords.hash_of(f"password of {number}"))
            lines.append(sign_ins.SignIn(person.login, f"password of {number}", person.role, person.name))
    sign_ins._write(settings.var / sign_ins.FILE, lines)
    database.close()
    (settings.var / "demo-founded").touch()


def test_one_of_each_role_and_where_the_others_are(settings: Settings) -> None:
    found(settings)
    text = told(settings)

    for login in ("admin@example.com", "manager@example.com", "clara.reis@example.com", "marta.nunes@example.com"):
        assert text.count(login) == 1
    assert "rui.tavares@example.com" not in text
    assert f"all of them: {settings.var / 'sign-ins'}" in text
    assert "http://127.0.0.1:8080/f/demo" in text
    assert len(text.splitlines()) < SCREENFUL


def test_a_password_that_was_changed_is_not_told(settings: Settings) -> None:
    found(settings)
    database = open_database("gateway", settings)
    with database.read() as connection:
        row = accounts.by_login(connection, "manager@example.com")
    assert row
    database.transact(accounts.set_password, row["id"], passwords.hash_of("known to one alone"))
    database.close()

    text = told(settings)

    assert "manager@example.com" not in text
    assert "admin@example.com" in text


def test_where_nobody_signs_in_it_says_how_to_begin(settings: Settings) -> None:
    text = told(settings)
    assert "rodizio account create" in text
    assert "/f/demo" not in text
