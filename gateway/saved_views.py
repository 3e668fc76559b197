"""Filters of lists that somebody looks through often, kept under a name. Each account has its own."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from contracts.errors import INVALID, REQUIRED, TOO_LONG
from gateway.store import VIEW_NAME, saved_view
from runtime.clock import utc_now
from runtime.errors import NotFound, invalid
from runtime.ids import new_id
from runtime.transaction import Transaction

MOST = 30
"""Views of one list that one account may have."""

OfList = Literal["leads", "contacts", "reports"]


@dataclass(frozen=True, slots=True)
class View:
    """A list as somebody likes to see it. filters: as they stand in its address. is_default: whether it is what the
    list shows when nothing is asked for."""

    id: str
    name: str
    filters: dict[str, str]
    is_default: bool


def views_of(connection: Connection, account_id: str, of_list: OfList = "leads") -> list[View]:
    """An account's views of a list, in the order of their names."""
    rows = connection.execute(sa.select(saved_view).where(_theirs(account_id, of_list)))
    views = [View(row.id, row.name, row.filters, row.is_default) for row in rows]
    return sorted(views, key=lambda view: view.name.casefold())


def save(
    transaction: Transaction,
    account_id: str,
    name: str,
    filters: Mapping[str, str],
    *,
    is_default: bool = False,
    of_list: OfList = "leads",
) -> None:
    """Keeps filters under a name; a view of that name gets these filters.

    Raises:
        Invalid: naming the field.
    """
    name = name.strip()
    if not name:
        raise invalid("name", REQUIRED, "must be filled")
    if len(name) > VIEW_NAME:
        raise invalid("name", TOO_LONG, f"at most {VIEW_NAME} characters")
    if not name.isprintable():
        raise invalid("name", INVALID, "line breaks and control characters are not allowed")
    known = views_of(transaction.connection, account_id, of_list)
    if len(known) >= MOST and name not in [view.name for view in known]:
        raise invalid("name", "too_many", f"at most {MOST} views: delete one first")
    insert = transaction.insert(saved_view)
    row = {"id": new_id(), "account_id": account_id, "name": name, "filters": dict(filters), "of_list": of_list}
    transaction.connection.execute(
        insert.on_conflict_do_update(
            index_elements=[saved_view.c.account_id, saved_view.c.of_list, saved_view.c.name],
            set_={"filters": insert.excluded.filters},
        ),
        row | {"is_default": False, "created_at": utc_now()},
    )
    if is_default:
        _open_with(transaction, account_id, of_list, saved_view.c.name == name)


def set_default(
    transaction: Transaction, account_id: str, view_id: str, *, is_default: bool, of_list: OfList = "leads"
) -> None:
    """Makes a view the one that the list opens with, or no longer.

    Raises:
        NotFound: the account has no such view.
    """
    _check_there(transaction.connection, account_id, view_id, of_list)
    _open_with(transaction, account_id, of_list, saved_view.c.id == view_id if is_default else sa.false())


def delete(transaction: Transaction, account_id: str, view_id: str, of_list: OfList = "leads") -> None:
    """Forgets a view.

    Raises:
        NotFound: the account has no such view.
    """
    _check_there(transaction.connection, account_id, view_id, of_list)
    transaction.connection.execute(sa.delete(saved_view).where(saved_view.c.id == view_id))


def _check_there(connection: Connection, account_id: str, view_id: str, of_list: OfList) -> None:
    if view_id not in [view.id for view in views_of(connection, account_id, of_list)]:
        raise NotFound("view", view_id)


def _open_with(transaction: Transaction, account_id: str, of_list: OfList, which: sa.ColumnElement[bool]) -> None:
    transaction.connection.execute(sa.update(saved_view).where(_theirs(account_id, of_list)).values(is_default=which))


def _theirs(account_id: str, of_list: OfList) -> sa.ColumnElement[bool]:
    return sa.and_(saved_view.c.account_id == account_id, saved_view.c.of_list == of_list)
