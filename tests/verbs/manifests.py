"""A chart rendered without a cluster, as Argo CD and `helm template` do: nothing is looked up."""

from typing import Any

import yaml

from tests.cluster.client import Cluster
from tests.e2e.releases import Release
from tests.verbs.versions import Version

Object = dict[str, Any]


def render(release: Release, version: Version, values: tuple[str, ...], *options: str) -> list[Object]:
    """All objects, with what the cluster can do (its version, its kinds) told, but not what is in it."""
    namespace = release.namespace
    arguments = release.arguments(*values, image=version.image, chart=version.chart)
    text = namespace.helm("template", *arguments, *options, *_capabilities(namespace.cluster))
    return [one for one in yaml.safe_load_all(text) if one]


def text(objects: list[Object]) -> str:
    return yaml.safe_dump_all(objects)


def is_definition(one: Object) -> bool:
    return str(one["kind"]) == "CustomResourceDefinition"


def identity(one: Object) -> str:
    """What kubectl calls an object."""
    group = one["apiVersion"].rpartition("/")[0]
    return f"{one['kind'].lower()}{group and '.' + group}/{one['metadata']['name']}"


def _capabilities(cluster: Cluster) -> tuple[str, ...]:
    server = cluster.kubectl_json("version")["serverVersion"]["gitVersion"]
    kinds = (line.split()[-3:] for line in cluster.kubectl("api-resources", "--no-headers").splitlines())
    versions = sorted({name for version, _, kind in kinds for name in (version, f"{version}/{kind}")})
    return (f"--kube-version={server}", *(f"--api-versions={name}" for name in versions))
