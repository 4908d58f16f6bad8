"""`plinth crd`."""

import asyncio

import click

from app.db.revision import ROOT


@click.group("crd")
def command() -> None:
    """The custom resource definition of GatedMigration."""


@command.command("apply")
def apply_command() -> None:
    """Apply the definition this image has, server-side; changes nothing where it is there already."""
    from app.operator.crd import apply

    asyncio.run(apply(ROOT / "charts" / "plinth" / "crds" / "gatedmigrations.yaml"))
