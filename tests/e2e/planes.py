"""What a test needs of an API server without a cluster: a client, the definition, and the operator's rights."""

import json
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import httpx2
import yaml
from lightkube import Client, KubeConfig

from tests.cluster.local.bare import OPERATOR, ControlPlane
from tests.cluster.waiting import wait_for

ROOT = Path(__file__).parents[2]
CRD, MANIFEST = ROOT / "charts" / "plinth" / "crds", ROOT / "k8s" / "plinth.yaml"


@contextmanager
def connected(plane: ControlPlane) -> Iterator[Client]:
    """A client for the test itself; its requests are not counted."""
    found = KubeConfig.from_file(plane.kubeconfig()).get()
    assert found
    with closing(Client(found, trust_env=False, timeout=httpx2.Timeout(10))) as made:
        yield made


def define(plane: ControlPlane) -> None:
    """Apply the CRD and the chart's rights, and wait until the API server serves it."""
    plane.kubectl("apply", "--filename=-", input=json.dumps(_rights()))
    plane.kubectl("apply", f"--filename={CRD}")
    plane.kubectl("wait", "--for=condition=Established", "crd/gatedmigrations.plinth.dev", "--timeout=20s")
    wait_for("the resource", lambda: plane.kubectl("get", "gatedmigrations", "--output=name") == "", 20)


def _rights() -> dict[str, Any]:
    """The operator's Role as the chart makes it, to be bound in each shop."""
    rendered = yaml.safe_load_all(MANIFEST.read_text())
    role = next(one for one in rendered if one["kind"] == "Role" and one["metadata"]["name"] == OPERATOR)
    return {**role, "kind": "ClusterRole", "metadata": {"name": OPERATOR}}
