"""The command line's front door."""

import subprocess
import sys

import click
import pytest
from click.testing import CliRunner

from cli.main import cli

pytestmark = pytest.mark.feature("OPS-1")


def test_every_command_of_the_table_can_be_loaded_and_explains_itself() -> None:
    context = click.Context(cli)
    for name in cli.list_commands(context):
        command = cli.get_command(context, name)
        assert command is not None
        assert command.get_short_help_str(), name


def test_an_unknown_command_is_refused() -> None:
    assert CliRunner().invoke(cli, ["dance"]).exit_code == 2


def test_asking_for_a_command_does_not_load_the_others() -> None:
    program = "import sys, cli.main; cli.main.cli.get_command(None, 'topology'); print('cli.run' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
