"""Many rows in one statement, as each database is quickest at it."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.engine import Connection

from runtime.transaction import dialect_insert

AT_ONCE = 5000
"""More than facts of a batch ever tell; what is built again has more, and a statement has only so many seconds."""


def upsert(
    dialect: str,
    table: sa.Table,
    columns: Sequence[str],
    changes: Callable[[Any, Any], Mapping[str, Any]],
) -> Any:
    """The statement that inserts rows with `columns`, or changes those that are there.

    changes: new values by column, made of the columns as they are and as they would be inserted.
    """
    statement = dialect_insert(dialect, table)
    if dialect == "postgresql":  # a list for each column: half the work of a value for each cell
        lists = [
            sa.cast(sa.bindparam(name, type_=ARRAY(table.c[name].type)), ARRAY(table.c[name].type)) for name in columns
        ]
        statement = statement.from_select(list(columns), sa.select(*(sa.func.unnest(values) for values in lists)))
    key = list(table.primary_key)
    statement = statement.on_conflict_do_update(index_elements=key, set_=changes(table.c, statement.excluded))
    # Only because it returns something does SQLAlchemy send all rows together to SQLite and not one by one.
    return statement if dialect == "postgresql" else statement.returning(key[0])


def send(connection: Connection, statement: Any, columns: Sequence[str], rows: Sequence[Mapping[str, Any]]) -> None:
    """Executes a statement of `upsert` with `rows`; of very many, with some at a time."""
    for start in range(0, len(rows), AT_ONCE):
        some = rows[start : start + AT_ONCE]
        if connection.dialect.name == "postgresql":
            connection.execute(statement, {name: [row[name] for row in some] for name in columns})
        else:
            connection.execute(statement, some)
