"""How queries are asked. What every batch asks is built once: building a statement costs more than running it."""

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection, RowMapping

Rows = Sequence[RowMapping]

IDS: sa.BindParameter[Any] = sa.bindparam("ids", expanding=True)
"""The ids a statement that is built once is asked for."""


def all_of(connection: Connection, asked: sa.Executable, **values: Any) -> Rows:
    """Every row; `values` are for the bound parameters of what is `asked`."""
    return connection.execute(asked, values).mappings().all()


def one_of(connection: Connection, select: sa.Select[Any]) -> RowMapping | None:
    """The first row, if there is one."""
    return connection.execute(select).mappings().first()
