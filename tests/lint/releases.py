"""The releases the linters look at: one file of objects for each set of values."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from tests.chart.rendered import EMBEDDED, EXTERNAL, TWO_ROLES, Object
from tests.chart.values_table import CHART
from tests.cluster import tools
from tests.cluster.commands import run
from tests.lint.schemas import KUBERNETES

NAMESPACE = "apps"
HOST = "api.example"
SCRATCH = {"name": "scratch", "emptyDir": {}}
MOUNT = {"name": "scratch", "mountPath": "/scratch"}
SIDECAR = {
    "name": "proxy",
    "image": f"registry.example/proxy@sha256:{'0' * 64}",
    "imagePullPolicy": "Always",
    "restartPolicy": "Always",
    "resources": {"requests": {"cpu": "10m", "memory": "16Mi"}, "limits": {"memory": "32Mi"}},
}
EVERYTHING: dict[str, Any] = {
    **TWO_ROLES,
    "commonLabels": {"team": "shop"},
    "commonAnnotations": {"example.com/contact": "shop"},
    "serviceAccount": {"annotations": {"example.com/role": "shop"}},
    "initContainers": [SIDECAR],
    "extraVolumes": [SCRATCH],
    "extraVolumeMounts": [MOUNT],
    "topologySpreadConstraints": [
        {"maxSkew": 1, "topologyKey": "topology.kubernetes.io/zone", "whenUnsatisfiable": "ScheduleAnyway"}
    ],
    "migrations": {
        "existingSecret": "owner-role",
        "initContainers": [SIDECAR],
        "extraVolumes": [SCRATCH],
        "extraVolumeMounts": [MOUNT],
    },
    "image": {"repository": "registry.example/plinth", "digest": f"sha256:{'0' * 64}"},
    "imagePullSecrets": [{"name": "registry"}],
    "database": {"existingSecret": "app-role", "tls": {"caSecret": "ca"}, "connectionLimit": 200},
    "autoscaling": {"enabled": True},
    "networkPolicy": {"enabled": True},
    "ingress": {
        "enabled": True,
        "className": "nginx",
        "hosts": [{"host": HOST}],
        "tls": [{"secretName": "tls", "hosts": [HOST]}],
    },
    "httpRoute": {"enabled": True, "parentRefs": [{"name": "public"}], "hostnames": [HOST]},
    "serviceMonitor": {"enabled": True, "labels": {"release": "prometheus"}},
    "prometheusRule": {"enabled": True, "runbookBaseUrl": "https://docs.example"},
    "dashboard": {"enabled": True},
    "operator": {"watchNamespaces": ["*"]},
    "priorityClassName": "high",
}
RELEASES: dict[str, dict[str, Any]] = {
    "embedded": EMBEDDED,
    "external": EXTERNAL,
    "everything": EVERYTHING,
    "argocd": {**TWO_ROLES, "migrations": {"existingSecret": "owner-role", "mode": "argocd"}},
    "kustomization": yaml.safe_load((CHART.parents[1] / "k8s" / "values.yaml").read_text()),
}


def options(folder: Path, name: str) -> list[str | Path]:
    """What `helm lint` and `helm template` both take."""
    values = folder / f"{name}.values.json"
    values.write_text(json.dumps(RELEASES[name]))
    return ["--namespace", NAMESPACE, "--kube-version", min(KUBERNETES), "--values", values]


def render(folder: Path) -> Iterator[Path]:
    for name in RELEASES:
        yield rendered(folder, name)


def rendered(folder: Path, name: str) -> Path:
    command = (tools.program("helm"), "template", "plinth", CHART, "--include-crds", *options(folder, name))
    return written(folder / f"{name}.yaml", [one for one in yaml.safe_load_all(run(*command)) if one])


def written(file: Path, objects: list[Object]) -> Path:
    """The objects, in the namespace into which Helm puts those that name none: the linters know of no Helm."""
    for one in objects:
        if not one["kind"].startswith(("Cluster", "CustomResourceDefinition")):
            one["metadata"].setdefault("namespace", NAMESPACE)
    file.write_text(yaml.safe_dump_all(objects))
    return file
