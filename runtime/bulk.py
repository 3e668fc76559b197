"""Many rows in one statement."""

from collections.abc import Iterable, Sequence
from functools import cache
from typing import Any

import orjson
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql
from sqlalchemy.engine import Connection


def insert_rows(connection: Connection, table: sa.Table, rows: Sequence[dict[str, Any]]) -> None:
    """Inserts rows that all name the same columns; nothing when there are none.

    PostgreSQL gets them as one document of JSON, which costs this process a sixth of what naming every value does, and
    takes them apart itself. Not for columns of bytes.
    """
    if not rows:
        return
    if connection.dialect.name == "postgresql":
        connection.execute(_from_document(table, tuple(rows[0])), {"rows": orjson.dumps(rows).decode()})
    else:
        connection.execute(_plain(table), rows)


@cache
def _plain(table: sa.Table) -> sa.Insert:
    return sa.insert(table)


@cache
def _from_document(table: sa.Table, columns: tuple[str, ...]) -> sa.TextClause:
    names = ", ".join(f'"{name}"' for name in columns)
    return sa.text(
        f'INSERT INTO "{table.name}" ({names})'  # noqa: S608, the names are our own tables' and columns'
        f' SELECT {names} FROM json_populate_recordset(NULL::"{table.name}", CAST(:rows AS json))'
    )


@cache
def _known(table: sa.Table, key: str, column: str) -> sa.Select[Any]:
    keys: sa.BindParameter[Any] = sa.bindparam("keys", expanding=True)
    return sa.select(table.c[key], table.c[column]).where(table.c[key].in_(keys))


@cache
def _known_of_array(table: sa.Table, key: str, column: str) -> sa.TextClause:
    kind = table.c[key].type.compile(postgresql.dialect())  # type: ignore[no-untyped-call]
    return sa.text(
        f'SELECT "{key}", "{column}" FROM "{table.name}" WHERE "{key}" = ANY(CAST(:keys AS {kind}[]))'  # noqa: S608
    )


def look_up(connection: Connection, table: sa.Table, key: str, column: str, keys: Iterable[str]) -> dict[str, Any]:
    """What `column` holds in those rows whose `key` is among `keys`, by that key."""
    wanted = list(keys)
    if not wanted:
        return {}
    statement = _known_of_array if connection.dialect.name == "postgresql" else _known
    rows = connection.execute(statement(table, key, column), {"keys": wanted})
    return {str(row[0]): row[1] for row in rows}
