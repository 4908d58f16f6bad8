"""`plinth serve`."""

import click

from app.settings import load_settings


@click.command("serve")
def command() -> None:
    """Serve the API; on SIGTERM finish what is in flight and exit 0."""
    from app.server import serve

    raise SystemExit(serve(load_settings()))
