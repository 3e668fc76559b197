"""Accounts: who may sign in, as what, and what they prefer."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any
from zoneinfo import available_timezones

import sqlalchemy as sa
from email_validator import EmailNotValidError, validate_email
from sqlalchemy.engine import Connection, RowMapping

from contracts import limits
from contracts.access import ROLES, Actor, Role
from contracts.errors import INVALID, REQUIRED, TOO_LONG
from gateway.accounts import passwords
from gateway.locales import LOCALES
from gateway.store import account
from runtime.clock import utc_now
from runtime.errors import Conflict, FieldError, Invalid, NotFound, invalid
from runtime.ids import new_id
from runtime.paging import page
from runtime.transaction import Transaction

THEMES = ("auto", "light", "dark")
LAST_ADMIN = "last_admin"
"""Code of a change after which nobody could administer."""

_PREFERENCES = ("name", "locale", "time_zone", "theme")
_USUAL: dict[str, Any] = {
    "seller_id": "",
    "team_ids": (),
    "locale": "pt",
    "time_zone": "Europe/Lisbon",
    "theme": "auto",
    "active": True,
}
_CHANGEABLE = (*_PREFERENCES, "login", "role", "seller_id", "team_ids", "active")
_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


@dataclass(frozen=True, slots=True)
class Account:
    """Somebody who may sign in. team_ids: a supervisor's teams. seller_id: empty when they are no seller. signed_in_at:
    when they did last; None when they never have."""

    id: str
    login: str
    name: str
    role: Role
    seller_id: str
    team_ids: tuple[str, ...]
    locale: str
    time_zone: str
    theme: str
    active: bool
    version: int
    signed_in_at: datetime | None = None

    @property
    def actor(self) -> Actor:
        """Who they are to the services."""
        return Actor(
            role=self.role, seller_id=self.seller_id, team_ids=self.team_ids, account_id=self.id, name=self.name
        )


def from_row(row: RowMapping) -> Account:
    """An account as it is kept."""
    return Account(
        id=row["id"],
        login=row["login"],
        name=row["name"],
        role=row["role"],
        seller_id=row["seller_id"] or "",
        team_ids=tuple(row["team_ids"]),
        locale=row["locale"],
        time_zone=row["time_zone"],
        theme=row["theme"],
        active=row["active"],
        version=row["version"],
        signed_in_at=row["signed_in_at"],
    )


def create(transaction: Transaction, wanted: Mapping[str, Any], password_hash: str) -> Account:
    """Makes an account.

    wanted: login (an e-mail address), name and role; and, where they differ from what is usual, seller_id, team_ids,
        locale, time_zone, theme.
    password_hash: `passwords.hash_of`, which takes its time: it is not for a transaction, as others wait for its end.

    Raises:
        Invalid: something cannot be taken, or somebody has the login already.
    """
    values: dict[str, Any] = {**_USUAL, **wanted}
    _check(values)
    values["login"] = _address_of(values["login"])
    _check_login_is_free(transaction.connection, values["login"])
    row = {
        "id": new_id(),
        **_row_of(values),
        "password_hash": password_hash,
        "version": 1,
        "created_at": utc_now(),
    }
    transaction.connection.execute(sa.insert(account), row)
    return get(transaction.connection, row["id"])


def change(transaction: Transaction, account_id: str, changes: Mapping[str, Any], version: int) -> Account:
    """Changes an account that is still at `version`.

    Raises:
        NotFound; Invalid: naming the fields, also when nobody would be left to administer; Conflict: somebody changed
            it since.
    """
    known = get(transaction.connection, account_id)
    unknown = sorted(set(changes) - set(_CHANGEABLE))
    if unknown:
        raise invalid(unknown[0], INVALID, f"only {', '.join(_CHANGEABLE)} can be changed")
    values = {name: getattr(known, name) for name in _CHANGEABLE} | dict(changes)
    _check(values)
    values["login"] = _address_of(values["login"])
    if values["login"] != known.login:
        _check_login_is_free(transaction.connection, values["login"])
    if known.role == "admin" and (values["role"] != "admin" or not values["active"]):
        _check_another_admin(transaction.connection, account_id, "role" if values["role"] != "admin" else "active")
    changed = transaction.connection.execute(
        sa.update(account)
        .where(account.c.id == account_id, account.c.version == version)
        .values(**_row_of(values), version=version + 1)
    )
    if changed.rowcount != 1:
        raise Conflict("the account was changed meanwhile")
    return get(transaction.connection, account_id)


def set_password(transaction: Transaction, account_id: str, password_hash: str, instead_of: str | None = None) -> bool:
    """Gives an account another password; see `create`. instead_of: only while it is this one, by its hash.

    Returns: whether it was.
    """
    expected = sa.true() if instead_of is None else account.c.password_hash == instead_of
    changed = transaction.connection.execute(
        sa.update(account).where(account.c.id == account_id, expected).values(password_hash=password_hash)
    )
    return changed.rowcount == 1


def check_password(password: str, field: str) -> None:
    """Checks what somebody wants to be their password.

    Raises:
        Invalid: too short or too long; naming `field`.
    """
    if len(password) < passwords.SHORTEST:
        raise invalid(field, "too_short", f"at least {passwords.SHORTEST} characters")
    if len(password) > passwords.LONGEST:
        raise invalid(field, TOO_LONG, f"at most {passwords.LONGEST} characters")


def get(connection: Connection, account_id: str) -> Account:
    """One account. Raises: NotFound."""
    row = None
    if _ID.fullmatch(account_id):
        row = connection.execute(sa.select(account).where(account.c.id == account_id)).mappings().first()
    if row is None:
        raise NotFound("account", account_id)
    return from_row(row)


def by_login(connection: Connection, login: str) -> RowMapping | None:
    """The row of whoever signs in as `login`."""
    return connection.execute(sa.select(account).where(account.c.login == login_of(login))).mappings().first()


def login_of(typed: str) -> str:
    """The login that somebody means, however they spell it."""
    return typed.replace("\0", "").strip().lower()[: limits.EMAIL]  # PostgreSQL takes no NUL


def list_accounts(
    connection: Connection,
    cursor: str | None = None,
    limit: int = 50,
    q: str = "",
    role: str | None = None,
    active: bool | None = None,
) -> dict[str, Any]:
    """Accounts, newest first; those with `q` in their name or login, of one role, (not) active."""
    select = sa.select(account)
    if sought := q.replace("\0", "").strip():
        found = (column.icontains(sought, autoescape=True) for column in (account.c.name, account.c.login))
        select = select.where(sa.or_(*found))
    if role is not None:
        select = select.where(account.c.role == role)
    if active is not None:
        select = select.where(account.c.active == active)
    rows, following = page(connection, select, account.c.created_at, account.c.id, cursor, limit)
    return {"items": [from_row(row._mapping) for row in rows], "next": following}


def of_seller(connection: Connection, seller_id: str) -> Account | None:
    """The account by which a seller signs in; None while there is none."""
    found = sa.select(account).where(account.c.seller_id == seller_id, account.c.role == "seller")
    row = connection.execute(found.order_by(account.c.created_at).limit(1)).mappings().first()
    return None if row is None else from_row(row)


def names(connection: Connection, account_ids: Iterable[str]) -> dict[str, str]:
    """Names by account id."""
    rows = connection.execute(sa.select(account.c.id, account.c.name).where(account.c.id.in_(set(account_ids))))
    return {row.id: row.name for row in rows}


@cache
def time_zones() -> tuple[str, ...]:
    """Names of all time zones, in order; looked up once, for they are files in folders."""
    return tuple(sorted(available_timezones()))


def _row_of(values: Mapping[str, Any]) -> dict[str, Any]:
    row = {name: values[name] for name in _CHANGEABLE}
    ids = {"seller_id": values["seller_id"] or None, "team_ids": sorted(set(values["team_ids"]))}
    return row | ids | {"name": values["name"].strip()}


def _check(values: Mapping[str, Any]) -> None:
    if found := list(_problems(values)):
        raise Invalid(found)


def _problems(values: Mapping[str, Any]) -> Iterable[FieldError]:
    name = str(values.get("name", "")).strip()
    if not name:
        yield FieldError(field="name", code=REQUIRED, message="must be filled")
    elif len(name) > limits.SELLER_NAME:
        yield FieldError(field="name", code=TOO_LONG, message=f"at most {limits.SELLER_NAME} characters")
    elif not name.isprintable():
        yield FieldError(field="name", code=INVALID, message="line breaks and control characters are not allowed")
    try:
        _address_of(str(values.get("login", "")))
    except EmailNotValidError:
        yield FieldError(field="login", code=INVALID, message="an e-mail address")
    if values.get("role") not in ROLES:
        yield FieldError(field="role", code=INVALID, message=f"one of {', '.join(ROLES)}")
    if values.get("role") == "seller" and not values["seller_id"]:
        yield FieldError(field="seller_id", code=REQUIRED, message="a seller's account belongs to a seller")
    if values["seller_id"] and not _ID.fullmatch(values["seller_id"]):
        yield FieldError(field="seller_id", code=INVALID, message="a seller's id")
    if not all(isinstance(team, str) and _ID.fullmatch(team) for team in values["team_ids"]):
        yield FieldError(field="team_ids", code=INVALID, message="ids of teams")
    if values["locale"] not in LOCALES:
        yield FieldError(field="locale", code=INVALID, message=f"one of {', '.join(LOCALES)}")
    if values["time_zone"] not in time_zones():
        yield FieldError(field="time_zone", code=INVALID, message="a time zone such as Europe/Lisbon")
    if values["theme"] not in THEMES:
        yield FieldError(field="theme", code=INVALID, message=f"one of {', '.join(THEMES)}")


def _address_of(login: str) -> str:
    return validate_email(login.strip(), check_deliverability=False, test_environment=True).normalized.lower()


def _check_login_is_free(connection: Connection, login: str) -> None:
    if by_login(connection, login) is not None:
        raise invalid("login", "taken", "somebody signs in with this address already")


def _check_another_admin(connection: Connection, account_id: str, field: str) -> None:
    # All of them are locked, so that of two who leave at the same moment the second finds nobody else.
    admins = sa.select(account.c.id).where(account.c.role == "admin", account.c.active.is_(True))
    if set(connection.execute(admins.order_by(account.c.id).with_for_update()).scalars()) <= {account_id}:
        raise invalid(field, LAST_ADMIN, "this is the last administrator: make somebody else one first")
