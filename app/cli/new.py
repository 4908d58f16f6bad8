"""`plinth new`."""

from datetime import UTC, datetime
from pathlib import Path

import click

from app.scaffold.kinds import KINDS

_WIDTH = max(len(kind.usage) for kind in KINDS.values())
_TYPES = "\n".join(f"  {kind.usage:<{_WIDTH}}  {kind.meaning}" for kind in KINDS.values())
_HELP = f"""Make a slice: models, schemas, queries, routes, a revision, and tests on PostgreSQL 17 and 18.

NAME is a noun in the plural, such as line_items. Each FIELD is name:type, with a `?` behind it where it may be null
(quote it: a shell may look for files). Without fields it has a name:text. The types:

\b
{_TYPES}

\b
Example:
  plinth new slice invoices number:text=40 amount:decimal=12,2 'due:date?' project:ref=projects

All files are new; none that is there is changed. They are all written, or none.
"""


@click.group("new")
def command() -> None:
    """Make source code of your own, in a clone."""


@command.command("slice", help=_HELP, short_help="Make a slice, its revision and its tests.")
@click.argument("name")
@click.argument("fields", metavar="[FIELD]...", nargs=-1)
@click.option("--singular", metavar="NOUN", help="Where it does not follow from NAME: --singular person people.")
def slice_command(name: str, fields: tuple[str, ...], singular: str | None) -> None:
    from app.scaffold.files import render, write
    from app.scaffold.plan import plan
    from app.scaffold.tree import check_root

    check_root(Path.cwd())
    made = plan(name, fields or ("name:text",), singular, datetime.now(UTC))
    write(texts := render(made))
    click.echo("\n".join(f"made  {path}" for path in texts))
    click.echo(
        f"\nA single one is called {made.names.word}. Revision {made.lineage.revision} follows {made.lineage.after}."
        f"\nNext: .venv/bin/pytest {made.paths['test']}, and `make dev`, which migrates and serves it."
    )
