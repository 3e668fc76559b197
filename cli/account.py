"""`rodizio account`: who may sign in. For the very first administrator, and for whoever lost their password."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import click
import sqlalchemy as sa
from rich.console import Console
from rich.table import Table
from sqlalchemy.engine import Connection

from cli.local import load_settings
from contracts.access import MANAGERS, OPERATOR
from gateway.accounts import administration, people
from runtime.database import Database, open_database
from runtime.errors import Invalid, NotFound
from runtime.migrations import upgrade
from runtime.paging import MOST

json_option = click.option("--json", "as_json", is_flag=True, help="Print one JSON object, for scripts.")


@click.group()
def account() -> None:
    """Make and list accounts of people, and give them new passwords."""


@account.command("create")
@click.argument("login", metavar="E-MAIL")
@click.option("--name", help="What they are called; without it, the e-mail address up to its @.")
@click.option("--role", type=click.Choice(MANAGERS), default="admin", show_default=True, help="What they may do.")
@json_option
def create_account(login: str, name: str | None, role: str, as_json: bool) -> None:
    """Make an account with a random password, which is printed once. Supervisors and sellers are made on the pages,
    where their teams are."""
    wanted = {"login": login, "name": name or login.partition("@")[0], "role": role}
    with _database() as database:
        made, password = administration.open_account(database, OPERATOR, wanted)
    _tell(made, password, as_json)


@account.command("password")
@click.argument("login", metavar="E-MAIL")
@json_option
def new_password(login: str, as_json: bool) -> None:
    """Give an account a new random password, which is printed once, and sign it out everywhere."""
    with _database() as database:
        with database.read() as connection:
            known = people.by_login(connection, login)
        if known is None:
            raise click.ClickException(f"nobody signs in as {login} (rodizio account list)")
        made, password = administration.reset_password(database, OPERATOR, known["id"])
    _tell(made, password, as_json)


@account.command("list")
@json_option
def list_accounts(as_json: bool) -> None:
    """List all accounts, newest first."""
    with _database() as database, database.read() as connection:
        found = list(_all(connection))
    if as_json:
        click.echo(json.dumps({"items": [_document(item) for item in found]}, ensure_ascii=False))
        return
    if not found:
        click.echo("Nobody may sign in yet: rodizio account create E-MAIL")
        return
    table = Table("e-mail", "name", "role", "may sign in", "signed in")
    for item in found:
        signed_in = item.signed_in_at.isoformat(timespec="minutes") if item.signed_in_at else "never"
        table.add_row(item.login, item.name, item.role, "yes" if item.active else "no", signed_in)
    Console(soft_wrap=True).print(table)


def _all(connection: Connection) -> Iterator[people.Account]:
    cursor: str | None = None
    while True:
        found = people.list_accounts(connection, cursor, MOST)
        yield from found["items"]
        cursor = found["next"]
        if cursor is None:
            return


@contextmanager
def _database() -> Iterator[Database]:
    """The gateway's database, brought up to date: on a bare installation there is none yet."""
    settings = load_settings()
    try:
        upgrade("gateway", settings)
        database = open_database("gateway", settings)
    except (sa.exc.SQLAlchemyError, OSError) as error:
        raise click.ClickException(f"the gateway's database does not answer: {error} (rodizio doctor)") from error
    try:
        yield database
    except (Invalid, NotFound) as error:
        raise click.ClickException(str(error)) from error
    finally:
        database.close()


def _tell(made: people.Account, password: str, as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps({**_document(made), "password": password}, ensure_ascii=False))
        return
    click.echo(f"{made.login} signs in as {made.role} with the password\n\n  {password}\n")
    click.echo("It is shown only now. Another one: rodizio account password " + made.login)


def _document(item: people.Account) -> dict[str, Any]:
    return {
        "account_id": item.id,
        "login": item.login,
        "name": item.name,
        "role": item.role,
        "active": item.active,
        "signed_in_at": item.signed_in_at.isoformat() if item.signed_in_at else None,
    }
