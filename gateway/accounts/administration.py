"""What administrators do to accounts and keys. Each use case leaves a line in the trail."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from contracts.access import Actor, Role
from contracts.errors import NOT_FOUND
from gateway import keys
from gateway.accounts import audit, passwords, people, sessions
from gateway.accounts.people import Account
from gateway.locales import LOCALES
from runtime.database import Database
from runtime.errors import FieldError, NotFound
from runtime.transaction import Transaction


def open_account(database: Database, by: Actor, wanted: Mapping[str, Any]) -> tuple[Account, str]:
    """Makes an account, as `people.create` does, with a random password that is not shown again.

    Raises:
        Invalid: naming the fields.
    """
    password = passwords.readable()
    return database.transact(_open_account, by, wanted, passwords.hash_of(password)), password


def _open_account(transaction: Transaction, by: Actor, wanted: Mapping[str, Any], password_hash: str) -> Account:
    made = people.create(transaction, wanted, password_hash)
    _note(transaction, by, "opened an account", made.id, {"role": made.role})
    return made


def change_account(
    transaction: Transaction, by: Actor, account_id: str, changes: Mapping[str, Any], version: int
) -> Account:
    """Changes an account, as `people.change` does; whoever may no longer sign in is signed out everywhere, and keys
    that may do more than whoever made them may now have ended.

    Raises:
        NotFound, Invalid, Conflict.
    """
    before = people.get(transaction.connection, account_id)
    after = people.change(transaction, account_id, changes, version)
    if not after.active:
        sessions.end_all(transaction, account_id)
    changed = sorted(name for name in changes if getattr(before, name) != getattr(after, name))
    if changed:
        detail = {"fields": changed}
        if before.role != after.role:
            detail["role"] = [before.role, after.role]
        _note(transaction, by, "changed an account", account_id, detail)
    sellers = before.seller_id, after.seller_id if after.active else ""
    for key_id in keys.end_what_is_beyond(transaction, account_id, after.role if after.active else None, sellers):
        _note(transaction, by, "revoked a key", key_id)
    return after


def reset_password(database: Database, by: Actor, account_id: str) -> tuple[Account, str]:
    """Gives an account a random password, which is not shown again, and signs it out everywhere.

    Raises:
        NotFound.
    """
    password = passwords.readable()
    return database.transact(_reset_password, by, account_id, passwords.hash_of(password)), password


def _reset_password(transaction: Transaction, by: Actor, account_id: str, password_hash: str) -> Account:
    found = people.get(transaction.connection, account_id)
    people.set_password(transaction, account_id, password_hash)
    sessions.end_all(transaction, account_id)
    _note(transaction, by, "reset a password", account_id)
    return found


def end_sessions(transaction: Transaction, by: Actor, account_id: str, but: str = "") -> Account:
    """Signs an account out everywhere, but in the session `but`.

    Raises:
        NotFound.
    """
    found = people.get(transaction.connection, account_id)
    sessions.end_all(transaction, account_id, but)
    _note(transaction, by, "ended all sessions", account_id)
    return found


def issue_key(
    transaction: Transaction,
    by: Actor,
    name: str,
    role: Role,
    scopes: Sequence[str],
    seller_id: str | None = None,
    team_ids: Sequence[str] = (),
    owner: str = "",
) -> tuple[str, str]:
    """Makes a key of the API; one of a seller or of a supervisor's teams sees what they see.

    owner: the account whose key was used to make it; empty: `by` made it themself.

    Returns: its id, and the key, which cannot be shown again.

    Raises:
        Invalid: naming the fields.
    """
    identifier, key = keys.make(transaction, name, scopes, role, seller_id, team_ids, owner or by.account_id)
    _note(transaction, by, "issued a key", identifier, {"role": role, "scopes": list(scopes)})
    return identifier, key


def revoke_key(transaction: Transaction, by: Actor, key_id: str) -> None:
    """Ends a key of the API.

    Raises:
        NotFound: there is none, or it has ended.
    """
    keys.revoke_one(transaction, key_id)
    _note(transaction, by, "revoked a key", key_id)


def open_account_of(database: Database, by: Actor, seller: Mapping[str, Any]) -> tuple[Account, str]:
    """Gives a seller a sign-in with their e-mail address, as `open_account` does.

    seller: as `distribution.get_seller` answers.

    Raises:
        Invalid: naming the fields; `login` when the seller has no e-mail address, or somebody has it.
    """
    locale = seller["locale"][:2]
    wanted = {
        "login": seller["email"],
        "name": seller["name"],
        "role": "seller",
        "seller_id": seller["seller_id"],
        "locale": locale if locale in LOCALES else LOCALES[0],
        "time_zone": seller["time_zone"],
    }
    return open_account(database, by, wanted)


def reset_password_of(database: Database, by: Actor, seller_id: str) -> tuple[Account, str]:
    """Gives a seller who lost their password another one, as `reset_password` does.

    Raises:
        NotFound: they have no sign-in.
    """
    with database.read() as connection:
        signs_in = people.of_seller(connection, seller_id)
    if signs_in is None:  # only an account of the role seller counts: a manager must not get into an administrator's
        raise NotFound("account")
    return reset_password(database, by, signs_in.id)


def unknown_people(values: Mapping[str, Any], known: Mapping[str, Mapping[str, str]]) -> Iterable[FieldError]:
    """What is wrong with the seller and the teams of an account. known: `sellers` and `teams`, names by id, as
    `distribution.staff_names` answers."""
    if values.get("seller_id") and values["seller_id"] not in known["sellers"]:
        yield FieldError(field="seller_id", code=NOT_FOUND, message="there is no such seller")
    if set(values.get("team_ids") or ()) - set(known["teams"]):
        yield FieldError(field="team_ids", code=NOT_FOUND, message="there is no such team")


def _note(transaction: Transaction, by: Actor, what: str, subject: str, detail: dict[str, Any] | None = None) -> None:
    audit.note(transaction, by.account_id, by.name, what, subject, detail)
