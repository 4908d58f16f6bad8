"""`plinth operator`."""

import click

from app.settings import load_settings


@click.command("operator")
def command() -> None:
    """Watch GatedMigrations, and run each once its server is new enough."""
    from app.operator.main import run

    run(load_settings())
