"""Migrations: a history of its own for every owner, in its `migrations/` folder."""

import importlib
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.autogenerate.api import AutogenContext
from alembic.config import Config
from alembic.migration import MigrationContext
from sqlalchemy.engine import Connection

from runtime.columns import Id, Json, Utc
from runtime.database import open_database, pause_after_conflict, worth_repeating
from runtime.migrated import folder_of
from runtime.settings import Settings

_LOCK = 7461_2026
"""Key of the PostgreSQL advisory lock that lets one process migrate at a time."""

_LONGEST_SECONDS = 3600.0
"""An index over all rows of a large table takes longer than any statement of a service may."""

_WAIT_FOR_TABLE = "2s"
"""Whoever waits for a table to be its own makes everybody else wait behind it."""


def store_of(owner: str) -> Any:
    """The module or package that holds an owner's tables: `services.<owner>.store`, or `<owner>.store` outside the
    services."""
    try:
        return importlib.import_module(f"services.{owner}.store")
    except ModuleNotFoundError as error:
        if error.name not in ("services", f"services.{owner}", f"services.{owner}.store"):
            raise
        return importlib.import_module(f"{owner}.store")


@contextmanager
def _configured(owner: str, settings: Settings) -> Iterator[Config]:
    store = store_of(owner)
    database = open_database(owner, replace(settings, sql_timeout_seconds=_LONGEST_SECONDS))
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "alembic"))
    config.set_main_option("version_locations", str(folder_of(owner)))
    config.set_main_option("path_separator", "os")
    try:
        with database.engine.connect() as connection:
            _hold_lock(connection, owner)
            config.attributes.update(connection=connection, metadata=store.metadata)
            yield config
            connection.commit()
    finally:
        database.close()


def _hold_lock(connection: Connection, owner: str) -> None:
    if connection.dialect.name == "postgresql":
        connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_LOCK)))
        connection.execute(sa.schema.CreateSchema(owner, if_not_exists=True))
        connection.execute(sa.text(f"set local lock_timeout = '{_WAIT_FOR_TABLE}'"))


def upgrade(owner: str, settings: Settings) -> None:
    """Brings an owner's database to the newest state; creates it when it is not there. Beside services that work: a
    table that is in use is tried for again, and until the end nothing of it is to be seen."""
    attempt = 0
    while True:
        try:
            with _configured(owner, settings) as config:
                command.upgrade(config, "head")
                return
        except sa.exc.DBAPIError as error:
            attempt += 1
            if not worth_repeating(error, attempt):
                raise
        time.sleep(pause_after_conflict(attempt))


def differences(owner: str, settings: Settings) -> list[Any]:
    """What the tables declared in the code have that the migrated database has not, and the other way round; but for
    tables that a migration made by hand, whose names begin with one of the metadata's `info["by_hand"]`."""
    store = store_of(owner)
    by_hand = tuple(store.metadata.info.get("by_hand", ()))

    def is_declared(name: str | None, kind: str, _parents: Any) -> bool:
        return kind != "table" or not (name or "").startswith(by_hand) or not by_hand

    database = open_database(owner, settings)
    try:
        with database.read() as connection:
            context = MigrationContext.configure(connection, opts={"include_name": is_declared})
            return list(compare_metadata(context, store.metadata))
    finally:
        database.close()


def revise(owner: str, settings: Settings, message: str) -> None:
    """Writes a new migration from the difference between the database and the tables declared in the code."""
    with _configured(owner, settings) as config:
        command.revision(config, message, autogenerate=True)


def render_item(kind: str, value: Any, _context: AutogenContext) -> Any:
    """Names our column types in migrations by their names, not by what they are made of."""
    if kind == "type":
        for name, column in (("Id", Id), ("Json", Json)):
            if value is column:
                return f"runtime.columns.{name}"
        if isinstance(value, Utc):
            return "runtime.columns.Utc"
    return False


if __name__ == "__main__":
    revise(sys.argv[1], Settings.load(), " ".join(sys.argv[2:]))
