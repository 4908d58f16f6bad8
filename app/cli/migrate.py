"""`plinth migrate`."""

import asyncio
import os
import signal
import sys
from collections.abc import Coroutine, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar

import click

from app.cli.terminal import Painted, aligned, is_terminal, show
from app.environment import variable
from app.errors import Interrupted, MigrationUsageError, PlinthError
from app.settings import Settings, load_settings

if TYPE_CHECKING:
    from app.outcome import Outcome

T = TypeVar("T")
_COLOURS = {"applied": "green", "nothing": "green", "failed": "red"}
"""Of how a run ended; the other ends, which want a look, are yellow."""


class _Migrate(click.Command):
    """A command that ends in its last line, also where it was asked for wrongly."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        gated = any(argument.startswith("--gated") for argument in args)
        try:
            rest = super().parse_args(ctx, args)
            _exclude(ctx, "check", "sql")
        except click.UsageError as error:
            error.show()
            _fail(MigrationUsageError(error.format_message()), gated=gated, as_json="--json" in args)
        return rest


def _exclude(ctx: click.Context, one: str, other: str) -> None:
    if ctx.params[one] and ctx.params[other]:
        raise click.UsageError(f"--{one} and --{other} exclude each other.", ctx)


@click.command("migrate", cls=_Migrate)
@click.option("--gated", metavar="NAME", help="Run one gated revision instead of the core ones.")
@click.option("--check", is_flag=True, help="Say what would run, and change nothing; exits 10 where something would.")
@click.option("--sql", is_flag=True, help="Print the SQL of the whole upgrade; connects to nothing.")
@click.option("--json", "as_json", is_flag=True, help="End in a line of JSON, which only a terminal is spared.")
def command(gated: str | None, check: bool, sql: bool, as_json: bool) -> None:
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
        _fail(expected(error), settings, gated=gated is not None, sql=sql, as_json=as_json)
    _end(outcome, settings, as_json=as_json)


async def _interruptible(work: Coroutine[Any, Any, T]) -> T:
    """Await ``work``; a signal ends it in good order. As the first process of a container it would not end at all."""
    task = asyncio.ensure_future(work)
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, task.cancel)
    try:
        return await task
    except asyncio.CancelledError:
        raise Interrupted from None


def _fail(
    error: PlinthError, settings: Settings | None = None, *, gated: bool, sql: bool = False, as_json: bool
) -> NoReturn:
    from app.outcome import failed

    _end(failed(error, "gated" if gated else "core"), settings, sql=sql, as_json=as_json)


def _end(outcome: "Outcome", settings: Settings | None, *, sql: bool = False, as_json: bool) -> NoReturn:
    """Print the last line, beside the SQL where that was asked for; Kubernetes shows it in the pod's status, too."""
    stream = sys.stderr if sql else sys.stdout
    if as_json or not is_terminal(stream):
        click.echo(str(outcome), file=stream)
    else:
        show(list(told(outcome)), stream)
    file = settings.termination_log if settings else _termination_log()
    if file.is_file():
        file.write_text(str(outcome))
    raise SystemExit(outcome.exit_code)


def told(outcome: "Outcome") -> Iterator[str]:
    """How a run ended, for a person: in words, and with what a person asks next."""
    yield click.style(outcome.message, fg=_COLOURS.get(outcome.outcome, "yellow"), bold=True)
    rows = [
        (outcome.lineage, _revisions(outcome)),
        *([("server", f"PostgreSQL {outcome.facts.version}")] if outcome.facts else []),
        *([("attempts", str(outcome.attempts))] if outcome.attempts > 1 else []),
        ("time", f"{outcome.seconds:.1f} s"),
        *([("exit code", str(outcome.exit_code))] if outcome.exit_code else []),
    ]
    yield from (f"  {line}" for line in aligned([(Painted(name, dim=True), fact) for name, fact in rows]))


def _revisions(outcome: "Outcome") -> str:
    before, after = (", ".join(sorted(those)) or "empty" for those in (outcome.before, outcome.after))
    return before if before == after else f"{before} -> {after}"


def _termination_log() -> Path:
    """Where Kubernetes looks, known without the settings: they may be what is wrong."""
    return Path(os.environ.get(variable("termination_log")) or Settings.model_fields["termination_log"].default)
