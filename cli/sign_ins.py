"""Accounts of the demo company's people, and the file in which their passwords can be read."""

from dataclasses import dataclass
from pathlib import Path

from cli.kitchens import Person, people
from gateway.accounts import passwords
from gateway.accounts import people as accounts
from runtime.database import Database, open_database
from runtime.migrations import upgrade
from runtime.rpc_client import RpcPool
from runtime.settings import Settings

FILE = "sign-ins"


@dataclass(frozen=True, slots=True)
class SignIn:
    """A line of the file."""

    login: str
    password: str
    role: str
    name: str


def read(settings: Settings) -> list[SignIn]:
    """What the file holds; nothing where there is none."""
    try:
        lines = (settings.var / FILE).read_text().splitlines()
    except FileNotFoundError:
        return []
    return [SignIn(*cells) for line in lines if len(cells := line.split("\t")) == len(SignIn.__slots__)]


def open_accounts(settings: Settings, rpc: RpcPool) -> None:
    """Makes the accounts that are missing, with random passwords. Those that are there stay as they are; where others
    than the demo company's people sign in, nobody of it ever does.

    Raises:
        Unavailable: distribution is away.
    """
    upgrade("gateway", settings)
    database = open_database("gateway", settings)
    try:
        known = _logins(database)
        missing = [person for person in people() if person.login not in known]
        if not missing or not known <= {person.login for person in people()}:
            return
        kept = {sign_in.login: sign_in for sign_in in read(settings)}
        for person in missing:  # a password that was written down and not used yet: we were killed in between
            password = kept[person.login].password if person.login in kept else passwords.readable()
            kept[person.login] = SignIn(person.login, password, person.role, person.name)
        _write(settings.var / FILE, [kept[person.login] for person in people() if person.login in kept])
        names = rpc.call("distribution", "staff_names")
        ids = {name: identifier for kind in names.values() for identifier, name in kind.items()}
        for person in missing:
            password_hash = passwords.hash_of(kept[person.login].password)
            database.transact(accounts.create, _account(person, ids), password_hash)
    finally:
        database.close()


def is_ours_to_fill(settings: Settings) -> bool:
    """Whether nobody signs in yet but the demo company's people."""
    upgrade("gateway", settings)
    database = open_database("gateway", settings)
    try:
        return _logins(database) <= {person.login for person in people()}
    finally:
        database.close()


def has_accounts(settings: Settings) -> bool:
    """Whether anybody signs in here."""
    database = open_database("gateway", settings)
    try:
        return bool(_logins(database))
    finally:
        database.close()


def still_valid(settings: Settings, known: list[SignIn]) -> list[SignIn]:
    """Those whose password was not changed since."""
    database = open_database("gateway", settings)
    try:
        with database.read() as connection:
            rows = {sign_in.login: accounts.by_login(connection, sign_in.login) for sign_in in known}
    finally:
        database.close()
    return [
        sign_in
        for sign_in in known
        if (row := rows[sign_in.login]) and passwords.is_right(row["password_hash"], sign_in.password)
    ]


def _logins(database: Database) -> set[str]:
    """Of all accounts, as far as it matters: one more than there are people in the demo company is enough."""
    with database.read() as connection:
        found = accounts.list_accounts(connection, limit=len(people()) + 1)
    return {account.login for account in found["items"]}


def _account(person: Person, ids: dict[str, str]) -> dict[str, object]:
    belongs: dict[str, object] = {"seller_id": ids[person.name]} if person.role == "seller" else {}
    if person.team:
        belongs = {"team_ids": (ids[person.team],)}
    return {
        "login": person.login,
        "name": person.name,
        "role": person.role,
        "locale": person.locale,
        "time_zone": person.time_zone,
        **belongs,
    }


def _write(path: Path, sign_ins: list[SignIn]) -> None:
    """All or nothing, and readable by its owner alone."""
    written = path.with_suffix(".new")
    written.unlink(missing_ok=True)
    written.touch(mode=0o600)
    written.write_text("".join(f"{s.login}\t{s.password}\t{s.role}\t{s.name}\n" for s in sign_ins))
    written.replace(path)
