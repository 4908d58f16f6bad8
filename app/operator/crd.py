"""`plinth crd apply`: bring the definition of GatedMigration to the cluster, as Helm does at a first install only."""

from pathlib import Path
from typing import cast

import httpx2
import yaml
from lightkube import ApiError, ConfigError
from lightkube.resources.apiextensions_v1 import CustomResourceDefinition

from app.errors import PlinthError, SettingsError
from app.operator.kubernetes import connect
from app.settings import load_settings


async def apply(path: Path) -> None:
    """Apply the definition server-side, and wait until the API server serves it."""
    document = yaml.safe_load(path.read_text())  # noqa: ASYNC240 - there is nothing else to wait for
    definition = cast("CustomResourceDefinition", CustomResourceDefinition.from_dict(document))
    try:
        client = connect(strict=load_settings().operator_kubernetes_verify_strict)
        await client.apply(definition, field_manager="plinth-crd", force=True)
        await client.wait(CustomResourceDefinition, document["metadata"]["name"], for_conditions=["Established"])
        await client.close()
    except ConfigError as error:
        raise SettingsError(f"There is no cluster to talk to: {error}.") from None
    except ApiError as error:
        raise PlinthError(f"The API server refused the definition: {error.status.message}.") from None
    except httpx2.HTTPError as error:
        raise PlinthError(f"The API server cannot be reached: {error}.") from None
