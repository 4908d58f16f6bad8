"""k8s/: what teams without Helm apply, made from the chart."""

import os
import subprocess
from pathlib import Path

import pytest
import yaml

from tests.chart.definitions import K8S
from tests.chart.rendered import Rendered, container, environment
from tests.chart.values_table import IMAGE


@pytest.fixture(scope="session")
def built(kubectl: str) -> Rendered:
    """What `kubectl apply -k k8s` would send."""
    done = subprocess.run([kubectl, "kustomize", str(K8S)], capture_output=True, text=True, check=True)
    return Rendered(yaml.safe_load_all(done.stdout))


@pytest.mark.parametrize("file", ["plinth.yaml", "crds/gatedmigrations.yaml"])
def test_it_is_in_step_with_the_chart(helm: str, tmp_path: Path, file: str) -> None:
    """Nobody forgot to run k8s/render."""
    path = f"{Path(helm).parent}:{os.environ['PATH']}"
    subprocess.run([K8S / "render", tmp_path], env={**os.environ, "PATH": path}, check=True)
    assert (K8S / file).read_text() == (tmp_path / file).read_text(), "run k8s/render"


def test_it_asks_for_no_rights_on_the_cluster(built: Rendered) -> None:
    """But for the namespace everything lies in the namespace."""
    assert not built.all("ClusterRole")
    assert all(one["metadata"]["namespace"] == "plinth" for one in built if one["kind"] != "Namespace")


def test_its_namespace_enforces_the_restricted_standard(built: Rendered) -> None:
    """Every pod is admitted under the restricted Pod Security Standard."""
    labels = built.one("Namespace", "plinth")["metadata"]["labels"]
    assert labels["pod-security.kubernetes.io/enforce"] == "restricted"


def test_one_image_for_everything(helm: str, kubectl: str, tmp_path: Path) -> None:
    """A new name in the kustomization reaches all pods, the migration log and the operator's Jobs."""
    subprocess.run(["cp", "-r", K8S, tmp_path / "k8s"], check=True)
    file = tmp_path / "k8s" / "kustomization.yaml"
    file.write_text(file.read_text().replace("newName: plinth", "newName: registry.example/plinth"))
    done = subprocess.run([kubectl, "kustomize", file.parent], capture_output=True, text=True, check=True)
    objects, wanted = Rendered(yaml.safe_load_all(done.stdout)), f"registry.example/{IMAGE}"
    (migrate,) = [pod for name, pod in objects.pods().items() if "migrate" in name]
    assert {container(pod)["image"] for pod in objects.pods().values()} == {wanted}
    assert environment(migrate)["PLINTH_IMAGE"] == wanted
    assert objects.one("GatedMigration")["spec"]["jobTemplate"]["image"] == wanted


def test_another_namespace_takes_all_of_it(kubectl: str, tmp_path: Path) -> None:
    """Of a kustomization on top too: also the operator's rights are its account's, wherever that lies."""
    subprocess.run(["cp", "-r", K8S, tmp_path / "k8s"], check=True)
    (tmp_path / "kustomization.yaml").write_text("namespace: shop\nresources: [k8s]\n")
    done = subprocess.run([kubectl, "kustomize", tmp_path], capture_output=True, text=True, check=True)
    objects = Rendered(yaml.safe_load_all(done.stdout))
    assert {one["metadata"].get("namespace") for one in objects if one["kind"] != "Namespace"} == {"shop"}
    assert [one["namespace"] for one in objects.one("RoleBinding")["subjects"]] == ["shop"]


def test_the_crds_apply_by_themselves(kubectl: str) -> None:
    """k8s/crds is a kustomization of the CRD alone, as resources of its kind can only follow it."""
    done = subprocess.run([kubectl, "kustomize", K8S / "crds"], capture_output=True, text=True, check=True)
    assert yaml.safe_load(done.stdout)["kind"] == "CustomResourceDefinition"
