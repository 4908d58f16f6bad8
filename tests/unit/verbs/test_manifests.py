"""How rendered objects are called, and applied."""

from typing import Any, cast

from tests.cluster.client import Cluster, Namespace
from tests.verbs.manifests import apply, identity, kinds

DEFINITION = {
    "apiVersion": "apiextensions.k8s.io/v1",
    "kind": "CustomResourceDefinition",
    "metadata": {"name": "gatedmigrations.plinth.dev"},
}
RESOURCE = {"apiVersion": "plinth.dev/v1alpha1", "kind": "GatedMigration", "metadata": {"name": "plinth-uuidv7"}}
SERVICE = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "plinth"}}


class Kubectl:
    """Writes down what it is asked, and says what it was told to."""

    def __init__(self, says: str = "") -> None:
        self.says, self.calls = says, []

    def kubectl(self, *arguments: str, input: str | None = None) -> str:  # noqa: A002 (as Namespace.kubectl)
        self.calls.append(" ".join(arguments) + ("" if input is None else f" of {input.count('kind:')}"))
        return self.says


def test_objects_are_named_as_kubectl_does() -> None:
    """With the group where there is one: kinds of two groups may have one name."""
    assert identity(SERVICE) == "service/plinth"
    assert identity(RESOURCE) == "gatedmigration.plinth.dev/plinth-uuidv7"


def test_the_definition_is_established_before_its_resource_comes() -> None:
    """Whatever the order in which they were rendered."""
    kubectl: Any = Kubectl()
    apply(cast("Namespace", kubectl), [SERVICE, RESOURCE, DEFINITION], "--server-side")
    name = identity(DEFINITION)
    assert kubectl.calls == [
        "apply --server-side --filename=- of 1",
        f"wait {name} --for=condition=Established --timeout=30s",
        "apply --server-side --filename=- of 2",
    ]


def test_argo_tells_helm_of_the_clusters_kinds() -> None:
    """Each version of its API, and each kind in it, whether it has a short name or not."""
    kubectl: Any = Kubectl(
        "bindings         v1       true   Binding\ndeployments  deploy  apps/v1  true   Deployment\n"
    )
    assert kinds(cast("Cluster", kubectl)) == ["apps/v1", "apps/v1/Deployment", "v1", "v1/Binding"]
