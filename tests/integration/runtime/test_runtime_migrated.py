"""Databases are migrated by one command, and whatever needs one waits until it is."""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic import command
from click.testing import CliRunner
from faults.installation import ROOT, Installation
from runtime_cases import wait_for

from cli.main import cli
from runtime import migrations, ports
from runtime.database import open_database
from runtime.migrated import newest, shortfall
from runtime.settings import OWNERS, Settings

pytestmark = pytest.mark.feature("OPS-2")


def rodizio(settings: Settings, *arguments: str) -> tuple[int, str]:
    """`rodizio …` with these settings: its exit code and what it said."""
    given = {f"RODIZIO_{name.upper()}": str(value) for name, value in vars(settings).items() if value}
    result = CliRunner().invoke(cli, arguments, env=given)
    return result.exit_code, result.output


def lacking(settings: Settings, owner: str) -> str:
    """What the owner's database lacks for this version."""
    database = open_database(owner, settings)
    try:
        return shortfall(database, newest(owner))
    finally:
        database.close()


def to_first_state(owner: str, settings: Settings) -> None:
    """The owner's database as its first version left it."""
    with migrations._configured(owner, settings) as config:
        command.upgrade(config, "0001")


def test_one_command_migrates_whom_it_is_told_to(fresh_settings: Settings) -> None:
    assert "at nothing" in lacking(fresh_settings, "reporting")
    code, said = rodizio(fresh_settings, "migrate", "reporting")
    assert (code, said) == (0, f"reporting: at {newest('reporting'):04d}\n")
    assert lacking(fresh_settings, "reporting") == ""
    assert "run `rodizio migrate`" in lacking(fresh_settings, "campaigns")
    code, said = rodizio(fresh_settings, "migrate")
    assert code == 0
    assert [line.partition(":")[0] for line in said.splitlines()] == list(OWNERS)
    assert [lacking(fresh_settings, owner) for owner in OWNERS] == [""] * len(OWNERS)


def test_the_number_asked_for_is_that_of_the_newest_migration(fresh_settings: Settings) -> None:
    for owner in OWNERS:
        migrations.upgrade(owner, fresh_settings)
        database = open_database(owner, fresh_settings)
        with database.read() as connection:
            assert int(connection.execute(sa.text("select version_num from alembic_version")).scalar_one()) == newest(
                owner
            )
        database.close()


def test_a_version_goes_on_with_a_database_that_is_ahead_of_it_and_not_with_one_behind(
    fresh_settings: Settings,
) -> None:
    migrations.upgrade("reporting", fresh_settings)
    database = open_database("reporting", fresh_settings)
    assert shortfall(database, newest("reporting") - 1) == ""
    assert f"needs {newest('reporting') + 1:04d}" in shortfall(database, newest("reporting") + 1)
    database.close()


def test_a_database_that_is_away_is_told_from_an_empty_one(tmp_path: Path) -> None:
    nowhere = Settings(database_url=f"postgresql://x:y@127.0.0.1:{ports.pick_free(1)[0]}/z", var=tmp_path)
    assert lacking(nowhere, "reporting") == "the database does not answer"
    code, said = rodizio(nowhere, "migrate", "reporting", "--wait", "0")
    assert code == 1
    assert said.startswith("Error: ")
    assert "Traceback" not in said


def test_a_table_in_use_is_waited_for_in_short_turns(
    postgres_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = Settings(database_url=postgres_url, var=tmp_path)
    to_first_state("reporting", settings)
    monkeypatch.setattr(migrations, "_WAIT_FOR_TABLE", "50ms")
    database, turns = open_database("reporting", settings), []
    monkeypatch.setattr(migrations, "pause_after_conflict", lambda attempt: turns.append(attempt) or 0.05)
    with database.write() as transaction:
        transaction.connection.execute(sa.text("select count(*) from rollup"))
        migrating = threading.Thread(target=migrations.upgrade, args=("reporting", settings), daemon=True)
        migrating.start()
        wait_for(lambda: len(turns) >= 2)
        # Whoever comes meanwhile does not stand behind the migration for long.
        with database.read() as connection:
            connection.execute(sa.text("select count(*) from rollup"))
    migrating.join(20)
    database.close()
    assert lacking(settings, "reporting") == ""


@contextmanager
def starting(settings: Settings, said: Path, *command: str) -> Iterator["subprocess.Popen[bytes]"]:
    """A process of ours; what it says goes to `said`."""
    given = {f"RODIZIO_{name.upper()}": str(value) for name, value in vars(settings).items() if value}
    with said.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-W", "ignore", "-m", *command],
            cwd=ROOT,
            env={**os.environ, "EVENTLET_NO_GREENDNS": "yes", **given},
            stdout=output,
            stderr=output,
        )
    try:
        yield process
    finally:
        process.kill()
        process.wait()


COMMANDS = {
    "service": ("runtime.run", "reporting"),
    "projection": ("gateway.projection",),
    "gateway": ("gunicorn", "-c", "python:gateway.gunicorn"),
}


@pytest.mark.parametrize("process", COMMANDS)
def test_a_process_waits_for_its_migrations_says_so_and_can_be_ended(process: str, tmp_path: Path) -> None:
    port = next(first for first in ports.pick_free(20) if ports.is_free(first) and first + len(OWNERS) < 65_535)
    settings = Settings(var=tmp_path, amqp_url="amqp://guest:guest@127.0.0.1:1/", gateway_port=port)
    with starting(settings, said := tmp_path / "log", *COMMANDS[process]) as started:
        wait_for(lambda: "waiting: its database is at nothing" in said.read_text(), seconds=30)
        assert ports.is_free(port)
        started.send_signal(signal.SIGTERM)
        assert started.wait(10) in (0, -signal.SIGTERM)


def test_a_service_begins_by_itself_when_its_database_is_migrated(
    amqp_url: str, postgres_url: str, tmp_path: Path
) -> None:
    settings = Settings(amqp_url=amqp_url, database_url=postgres_url, var=tmp_path)
    with Installation(settings, ()) as running:
        to_first_state("reporting", running.settings)
        running._spawn("reporting", {})
        log = tmp_path / "reporting.log"
        wait_for(lambda: "waiting: its database is at 0001" in log.read_text(), seconds=30)
        assert not running.is_ready("reporting")
        migrations.upgrade("reporting", replace(settings))
        running.wait_ready("reporting")
