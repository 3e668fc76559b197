"""`rodizio replay reporting`, and that `rodizio replay` still tries parked facts again."""

import json
from pathlib import Path

import pytest
import sqlalchemy as sa
from click.testing import CliRunner
from report_cases import facts_of, floor, tell

from cli.main import cli
from runtime.database import open_database
from runtime.migrations import upgrade
from runtime.settings import Settings
from services.reporting import store

pytestmark = pytest.mark.feature("REP-11", "GTW-5")


def test_numbers_are_built_again(tmp_path: Path) -> None:
    settings = Settings(var=tmp_path)
    upgrade("reporting", settings)
    database = open_database("reporting", settings)
    tell(database, facts_of(floor(2, 20)))
    with database.write() as transaction:
        transaction.connection.execute(sa.delete(store.journey))
    done = CliRunner().invoke(cli, ["replay", "reporting", "--json"], env={"RODIZIO_VAR": str(tmp_path)})
    assert done.exit_code == 0, done.output
    told = json.loads(done.stdout)
    assert (told["facts"], told["unknown"]) == (len(facts_of(floor(2, 20))), 0)
    with database.read() as connection:
        assert connection.execute(sa.select(sa.func.count()).select_from(store.journey)).scalar_one() == 20
    database.close()
    shown = CliRunner().invoke(cli, ["replay", "reporting"], env={"RODIZIO_VAR": str(tmp_path)})
    assert f"built again from {told['facts']} facts" in shown.stdout


def test_a_database_that_is_not_there_is_one_line(tmp_path: Path) -> None:
    done = CliRunner().invoke(cli, ["replay", "reporting"], env={"RODIZIO_VAR": str(tmp_path)})
    assert done.exit_code == 1
    assert "no such table" in done.stderr
    assert "as they were" in done.stderr
    assert "Traceback" not in done.output


def test_whatever_is_no_command_is_an_id(tmp_path: Path) -> None:
    for arguments in (["replay"], ["replay", "parked"]):
        done = CliRunner().invoke(cli, arguments, env={"RODIZIO_VAR": str(tmp_path)})
        assert done.exit_code == 2
    assert "name the IDs" in done.stderr
    both = CliRunner().invoke(cli, ["replay", "--all", "some-id"], env={"RODIZIO_VAR": str(tmp_path)})
    assert "name the IDs, or say --all" in both.stderr
