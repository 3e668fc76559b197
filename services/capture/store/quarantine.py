"""Submissions kept aside for a person."""

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from runtime.paging import page
from runtime.transaction import Transaction
from services.capture.tables import form, quarantine

Row = dict[str, Any]


def put_aside(transaction: Transaction, submissions: Sequence[Row]) -> None:
    """Stores submissions in quarantine; the same one twice is kept once."""
    if submissions:
        statement = transaction.insert(quarantine).on_conflict_do_nothing().returning(quarantine.c.id)
        transaction.connection.execute(statement, submissions)


def page_of(connection: Connection, cursor: str | None, limit: int, reason: str | None) -> tuple[list[Row], str | None]:
    """What is kept aside, newest first, with the name of its form."""
    select = sa.select(quarantine, form.c.name.label("form_name")).select_from(
        quarantine.outerjoin(form, form.c.id == quarantine.c.form_id)
    )
    if reason:
        select = select.where(quarantine.c.reason == reason)
    rows, following = page(connection, select, quarantine.c.created_at, quarantine.c.id, cursor, limit)
    return [dict(row._mapping) for row in rows], following


def take_out(connection: Connection, quarantine_ids: Sequence[str]) -> list[Row]:
    """Removes some from quarantine and returns those that were there, oldest first; no two callers get the same."""
    remove = sa.delete(quarantine).where(quarantine.c.id.in_(quarantine_ids)).returning(quarantine)
    rows = [dict(row._mapping) for row in connection.execute(remove)]
    return sorted(rows, key=lambda row: (row["received_at"], row["id"]))
