"""A chart rendered without a cluster, as `helm template` and Argo CD do: nothing is looked up."""

from typing import Any

import yaml

from tests.cluster.client import Cluster, Namespace
from tests.e2e.releases import Release
from tests.verbs.versions import Version

Object = dict[str, Any]


def render(release: Release, version: Version, values: tuple[str, ...], *options: str) -> list[Object]:
    """All objects, the definition among them. A Helm from its module does not know the Kubernetes it was made for."""
    namespace = release.namespace
    arguments = release.arguments(*values, image=version.image, chart=version.chart)
    server = namespace.cluster.kubectl_json("version")["serverVersion"]["gitVersion"]
    said = namespace.helm("template", *arguments, "--include-crds", f"--kube-version={server}", *options)
    return [one for one in yaml.safe_load_all(said) if one]


def apply(namespace: Namespace, objects: list[Object], *options: str) -> None:
    """The definition first: its resource is unknown before it is established."""
    definitions = [one for one in objects if is_definition(one)]
    for some in (definitions, [one for one in objects if not is_definition(one)]):
        if some:
            namespace.kubectl("apply", *options, "--filename=-", input=text(some))
        for one in filter(is_definition, some):
            namespace.kubectl("wait", identity(one), "--for=condition=Established", "--timeout=30s")


def text(objects: list[Object]) -> str:
    return yaml.safe_dump_all(objects)


def is_definition(one: Object) -> bool:
    return str(one["kind"]) == "CustomResourceDefinition"


def identity(one: Object) -> str:
    """What kubectl calls an object."""
    group = one["apiVersion"].rpartition("/")[0]
    return f"{one['kind'].lower()}{group and '.' + group}/{one['metadata']['name']}"


def kinds(cluster: Cluster) -> list[str]:
    """What Argo CD tells Helm of the cluster: the versions of its API, and the kinds in each."""
    lines = (line.split()[-3:] for line in cluster.kubectl("api-resources", "--no-headers").splitlines())
    return sorted({name for version, _, kind in lines for name in (version, f"{version}/{kind}")})
