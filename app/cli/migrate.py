"""`plinth migrate`."""

import asyncio
import logging
import signal
from collections.abc import Coroutine
from typing import Any, TypeVar

import click

from app.errors import Interrupted, PlinthError
from app.settings import Settings, load_settings

T = TypeVar("T")


@click.command("migrate")
@click.option("--gated", metavar="NAME", help="Run one gated revision instead of the core ones.")
@click.option("--check", is_flag=True, help="Say what would run, and change nothing; exits 10 where something would.")
@click.option("--sql", is_flag=True, help="Print the SQL of the whole upgrade; connects to nothing.")
def command(gated: str | None, check: bool, sql: bool) -> None:
    """Bring the schema to this release: safe to run at any time, by many at once.

    Exits 0 done or nothing to do; 1 unexpected; 2 usage or setting; 3 database not reachable; 4 migration lock not
    obtained; 5 table lock not obtained; 6 a revision failed; 7 diverged; 8 refused; 9 not persisted; 10 pending.
    """
    from app.migrator.outcome import failed

    if check and sql:
        raise click.UsageError("--check and --sql exclude each other.")
    try:
        settings = load_settings()
    except PlinthError as error:
        _end(str(failed(error, "core" if gated is None else "gated")), error.exit_code, None)
    _run(settings, gated, check=check, sql=sql)


def _run(settings: Settings, gated: str | None, *, check: bool, sql: bool) -> None:
    from app.logs import configure
    from app.migrator.outcome import failed
    from app.migrator.run import migrate, print_sql

    configure(settings)
    if sql:
        print_sql(settings, gated)
        return
    try:
        outcome = asyncio.run(_interruptible(migrate(settings, gated, check=check)))
    except PlinthError as error:
        outcome = failed(error, "core" if gated is None else "gated")
    except Exception as error:
        logging.getLogger(__name__).exception("unexpected")
        unexpected = PlinthError(f"Unexpected: {type(error).__name__}; see the log.")
        outcome = failed(unexpected, "core" if gated is None else "gated")
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


def _end(line: str, exit_code: int, settings: Settings | None) -> None:
    """Print the last line; Kubernetes shows it in the pod's status, too."""
    click.echo(line)
    if settings is not None and settings.termination_log.is_file():
        settings.termination_log.write_text(line)
    raise SystemExit(exit_code)
