"""`plinth crd`."""

import asyncio
from pathlib import Path
from typing import cast

import click

from app.db.revision import ROOT
from app.errors import PlinthError
from app.settings import load_settings


@click.group("crd")
def command() -> None:
    """The custom resource definition of GatedMigration."""


@command.command("apply")
def apply_command() -> None:
    """Apply the definition this image has, server-side; changes nothing where it is there already."""
    asyncio.run(apply(ROOT / "charts" / "plinth" / "crds" / "gatedmigrations.yaml"))


async def apply(path: Path) -> None:
    """Bring the definition to the cluster, as Helm does at a first install only, and wait until it is served."""
    import httpx2
    import yaml
    from lightkube import ApiError
    from lightkube.resources.apiextensions_v1 import CustomResourceDefinition

    from app.kubernetes import connect

    document = yaml.safe_load(path.read_text())  # noqa: ASYNC240 - there is nothing else to wait for
    definition = cast("CustomResourceDefinition", CustomResourceDefinition.from_dict(document))
    client = connect(field_manager="plinth-crd", strict=load_settings().operator_kubernetes_verify_strict)
    try:
        await client.apply(definition, force=True)
        await client.wait(CustomResourceDefinition, document["metadata"]["name"], for_conditions=["Established"])
        await client.close()
    except ApiError as error:
        raise PlinthError(f"The API server refused the definition: {error.status.message}.") from None
    except httpx2.HTTPError as error:
        raise PlinthError(f"The API server cannot be reached: {error}.") from None
