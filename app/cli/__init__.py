"""The one entry point, `plinth`. Each command imports what it needs when it runs, so that none pays for another."""

import importlib

import click

from app import __version__
from app.errors import PlinthError

_COMMANDS = ("serve", "migrate", "operator", "status", "dev", "new", "crd")


class _Commands(click.Group):
    """A group whose commands are modules of this package, each with a `command`."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in _COMMANDS:
            return None
        command = importlib.import_module(f"app.cli.{cmd_name}").command
        return command if isinstance(command, click.Command) else None


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="plinth")
def cli() -> None:
    """A FastAPI app, its migrations and its operator, for Kubernetes and PostgreSQL."""


def main() -> None:
    """Run a command; an expected error ends in one sentence and its exit code."""
    try:
        cli.main(standalone_mode=True)
    except PlinthError as error:
        click.echo(f"Error: {error}", err=True)
        raise SystemExit(error.exit_code) from None
