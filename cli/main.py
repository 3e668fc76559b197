"""`rodizio`: the command line."""

import importlib

import click

_COMMANDS = {
    "run": "cli.run:run",
    "doctor": "cli.doctor:doctor",
    "migrate": "cli.migrate:migrate",
    "account": "cli.account:account",
    "demo": "cli.demo:demo",
    "import": "cli.import_file:import_file",
    "parked": "cli.parked:parked",
    "replay": "cli.replay:replay",
    "republish": "cli.republish:republish",
    "topology": "cli.topology:topology",
}
"""Where each command lives: imported when it is used, so that `--help` is quick. Add a command here."""


class LazyGroup(click.Group):
    """A group that imports a command's module only when it is asked for it."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Names in the order of the table, which is the order in which one meets them."""
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command, or None when there is none of that name."""
        if cmd_name not in _COMMANDS:
            return None
        module, attribute = _COMMANDS[cmd_name].split(":")
        command: click.Command = getattr(importlib.import_module(module), attribute)
        return command


@click.group(cls=LazyGroup)
@click.version_option(package_name="rodizio")
def cli() -> None:
    """Rodízio gives every lead to the right seller, and tells them within a second."""


if __name__ == "__main__":
    cli()
