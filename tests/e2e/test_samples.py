"""k8s/: a real API server takes all of it, refuses what is wrong, and the kustomization serves."""

import json
from collections.abc import Iterable
from pathlib import Path
from shutil import copytree
from typing import Any
from uuid import UUID

import pytest
import yaml

from tests.chart.definitions import K8S, definitions, files
from tests.cluster.client import Cluster, Namespace
from tests.cluster.console import ClusterError
from tests.e2e.databases import ExternalDatabase
from tests.e2e.releases import Release

SAMPLES = {path.name: body for path, body in files(K8S / "samples")}
GITOPS = {body["kind"]: body for folder in ("argocd", "flux") for _, body in files(K8S / folder)}
SECONDS = 120

Object = dict[str, Any]


@pytest.fixture(scope="module", autouse=True)
def served(cluster: Cluster) -> None:
    """The cluster serves our definition, and those of Argo CD and Flux.

    They stay: one that is deleted soon after it was made may hang ("storage is (re)initializing").
    """
    cluster.kubectl("apply", "--server-side", "--force-conflicts", f"--kustomize={K8S / 'crds'}")
    there = {one["metadata"]["name"] for one in cluster.kubectl_json("get", "customresourcedefinitions")["items"]}
    if added := [one for one in definitions() if one["metadata"]["name"] not in there]:
        cluster.kubectl("apply", "--server-side", "--filename=-", input=together(added))
    names = [f"customresourcedefinition/{one['metadata']['name']}" for one in definitions()]
    cluster.kubectl("wait", "--for=condition=Established", "--timeout=60s", *names)


def together(bodies: Iterable[Object]) -> str:
    """As documents of their own: of a list kubectl asks the server for no strict look."""
    return "\n---\n".join(map(json.dumps, bodies))


def ask(namespace: Namespace, *bodies: Object) -> str:
    """Have the API server look at objects, as if they were applied to this namespace."""
    placed = ({**body, "metadata": {**body["metadata"], "namespace": namespace.name}} for body in bodies)
    return namespace.kubectl("apply", "--server-side", "--dry-run=server", "--filename=-", input=together(placed))


def test_all_of_it_is_admitted(namespace: Namespace) -> None:
    """Strictly, and with the rules in CEL, by Argo CD's and Flux's definitions, ours, and Kubernetes' own."""
    built = yaml.safe_load_all(namespace.cluster.kubectl("kustomize", str(K8S)))
    found = [body for folder in ("argocd", "flux") for _, body in files(K8S / folder)]
    found += [body for body in built if body["kind"] != "Namespace"]
    assert ask(namespace, *found).count("serverside-applied") == len(found)


def test_the_samples_are_admitted(namespace: Namespace) -> None:
    """Each is a GatedMigration as it is."""
    namespace.kubectl("apply", f"--filename={K8S / 'samples'}")
    made = namespace.kubectl_json("get", "gatedmigrations")["items"]
    assert len(made) == len(SAMPLES)
    assert {one["metadata"]["name"] for one in made} == {one["metadata"]["name"] for one in SAMPLES.values()}


@pytest.mark.parametrize(
    ("body", "change", "said"),
    [
        (SAMPLES["manual.yaml"], {"minServerVersion": 17}, "needs minServerVersion 18"),
        (SAMPLES["manual.yaml"], {"pollInterval": "25h"}, "between 1s and 24h"),
        (SAMPLES["manual.yaml"], {"aproval": "Manual"}, "aproval"),
        (GITOPS["HelmRelease"], {"chartRef": {"kind": "OCIRepository", "name": "plinth"}}, "chartRef"),
        (GITOPS["HelmRelease"], {"timeout": "5 minutes"}, "timeout"),
        (GITOPS["Application"], {"syncPolicy": {"automated": "yes"}}, "automated"),
    ],
)
def test_what_is_wrong_is_refused(namespace: Namespace, body: Object, change: Object, said: str) -> None:
    """So that the tests before this one can fail."""
    with pytest.raises(ClusterError, match=said):
        ask(namespace, {**body, "spec": {**body["spec"], **change}})


@pytest.fixture
def kustomization(namespace: Namespace, tmp_path: Path) -> Path:
    """k8s/ with this tree's image, in the namespace of the test: what k8s/README.md says to change."""
    folder = Path(copytree(K8S, tmp_path / "k8s"))
    file = folder / "kustomization.yaml"
    wanted = yaml.safe_load(file.read_text())
    name, _, tag = namespace.cluster.image.rpartition(":")
    wanted["images"] = [{"name": "plinth", "newName": name, "newTag": tag}]
    wanted["namespace"] = namespace.name
    wanted["resources"].remove("namespace.yaml")
    file.write_text(yaml.safe_dump(wanted))
    return folder


def test_the_kustomization_serves(namespace: Namespace, database: ExternalDatabase, kustomization: Path) -> None:
    """On a server of 18, from two secrets: migrated, ready, ids are v7, and the operator has recorded it."""
    database.start(18, service=True)
    for role in ("owner", "app"):
        uri = f"postgresql://plinth_{role}:for-tests-only@database:5432/plinth?sslmode=disable"
        literals = (f"--from-literal=uri={uri}", f"--from-literal=user=plinth_{role}")
        namespace.kubectl("create", "secret", "generic", f"plinth-{role}", *literals)
    namespace.kubectl("apply", f"--kustomize={kustomization}")
    namespace.kubectl("rollout", "status", "deployment/plinth", f"--timeout={SECONDS}s")
    release = Release(namespace)
    assert UUID(release.post("/projects", {"name": "first"})["id"]).version == 7
    release.wait_for_gated("Ready", "Applied", SECONDS)
