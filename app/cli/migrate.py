"""`plinth migrate`."""

import asyncio
import os
import signal
from collections.abc import Coroutine
from pathlib import Path
from typing import Any, NoReturn, TypeVar

import click

from app.environment import variable
from app.errors import Interrupted, MigrationUsageError, PlinthError
from app.settings import Settings, load_settings

T = TypeVar("T")


class _Migrate(click.Command):
    """A command that ends in its last line, also where it was asked for wrongly."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        gated = any(argument.startswith("--gated") for argument in args)
        try:
            rest = super().parse_args(ctx, args)
            _exclude(ctx, "check", "sql")
        except click.UsageError as error:
            error.show()
            _fail(MigrationUsageError(error.format_message()), gated=gated)
        return rest


def _exclude(ctx: click.Context, one: str, other: str) -> None:
    if ctx.params[one] and ctx.params[other]:
        raise click.UsageError(f"--{one} and --{other} exclude each other.", ctx)


@click.command("migrate", cls=_Migrate)
@click.option("--gated", metavar="NAME", help="Run one gated revision instead of the core ones.")
@click.option("--check", is_flag=True, help="Say what would run, and change nothing; exits 10 where something would.")
@click.option("--sql", is_flag=True, help="Print the SQL of the whole upgrade; connects to nothing.")
def command(gated: str | None, check: bool, sql: bool) -> None:
    """Bring the schema to this release: safe to run at any time, by many at once.

    Exits 0 done or nothing to do; 1 unexpected; 2 usage or setting; 3 database not reachable; 4 migration lock not
    obtained; 5 table lock not obtained; 6 a revision failed; 7 diverged; 8 refused; 9 not persisted; 10 pending.
    """
    from app.logs import configure
    from app.migrator.run import expected, migrate, print_sql

    settings = None
    try:
        settings = load_settings()
        configure(settings)
        if sql:
            print_sql(settings, gated)
            return
        outcome = asyncio.run(_interruptible(migrate(settings, gated, check=check)))
    except Exception as error:
        _fail(expected(error), settings, gated=gated is not None, sql=sql)
    _end(str(outcome), outcome.exit_code, settings)


async def _interruptible(work: Coroutine[Any, Any, T]) -> T:
    """Await ``work``; a signal ends it in good order. As the first process of a container it would not end at all."""
    task = asyncio.ensure_future(work)
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, task.cancel)
    try:
        return await task
    except asyncio.CancelledError:
        raise Interrupted from None


def _fail(error: PlinthError, settings: Settings | None = None, *, gated: bool, sql: bool = False) -> NoReturn:
    from app.migrator.outcome import failed

    _end(str(failed(error, "gated" if gated else "core")), error.exit_code, settings, sql=sql)


def _end(line: str, exit_code: int, settings: Settings | None, *, sql: bool = False) -> NoReturn:
    """Print the last line, beside the SQL where that was asked for; Kubernetes shows it in the pod's status, too."""
    click.echo(line, err=sql)
    file = settings.termination_log if settings else _termination_log()
    if file.is_file():
        file.write_text(line)
    raise SystemExit(exit_code)


def _termination_log() -> Path:
    """Where Kubernetes looks, known without the settings: they may be what is wrong."""
    return Path(os.environ.get(variable("termination_log")) or Settings.model_fields["termination_log"].default)
