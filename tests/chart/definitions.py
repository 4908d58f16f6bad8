"""The definitions (CRDs) of what lies in k8s/: ours, and those of Argo CD and Flux from Go modules that carry them."""

import json
import os
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

import jsonschema
import yaml

from tests.chart.values_table import CHART
from tests.cluster.commands import run
from tests.cluster.local.layout import Layout

K8S = CHART.parents[1] / "k8s"

Object = dict[str, Any]


class Module(NamedTuple):
    """A Go module; ``sum`` is its hash as go.sum writes it."""

    address: str
    sum: str
    files: tuple[str, ...]

    @property
    def path(self) -> Path:
        """Where its definitions are kept; the folder may be deleted at any time."""
        return Layout.from_environment().cache / "definitions" / f"{self.address.replace('/', '+')}.json"


ARGO_CD = Module(
    "github.com/argoproj/argo-cd/v3@v3.4.0",
    "h1:yZwfaOIzE/aQTA52mOfeZQbribmyxKYvMgirQja4eX0=",
    ("manifests/crds/application-crd.yaml",),
)
# Flux's own modules hold its Go types alone; its operator carries what `flux install` applies.
FLUX = Module(
    "github.com/controlplaneio-fluxcd/flux-operator@v0.58.0",
    "h1:7fbGeGRzp7sEwfg7jjc3a3bJvMYTAgPv+hl5qf9SBxo=",
    ("config/data/flux/v2.9.4/helm-controller.yaml", "config/data/flux/v2.9.4/source-controller.yaml"),
)


def definitions() -> list[Object]:
    """All of them; Argo CD's and Flux's are downloaded the first time (31 MB, seconds)."""
    found = [yaml.safe_load((CHART / "crds" / "gatedmigrations.yaml").read_text())]
    for module in (ARGO_CD, FLUX):
        if not module.path.exists():
            _download(module)
        found += json.loads(module.path.read_text())
    return found


def _download(module: Module) -> None:
    """Keep the definitions alone: Go's cache of modules would hold the whole of them."""
    with TemporaryDirectory() as folder:
        settings = {"GOMODCACHE": folder, "GOFLAGS": "-modcacherw", "GOWORK": "off"}
        told = json.loads(run("go", "mod", "download", "-json", module.address, cwd=Path(folder), env=settings))
        assert told["Sum"] == module.sum, f"{module.address} is not what it was: {told['Sum']}"
        texts = [(Path(told["Dir"]) / file).read_text() for file in module.files]
    objects = [one for text in texts for one in yaml.load_all(text, yaml.CSafeLoader)]
    kept = [one for one in objects if one and one["kind"] == "CustomResourceDefinition"]
    module.path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = module.path.with_suffix(f".{os.getpid()}")
    unfinished.write_text(json.dumps(kept))
    unfinished.rename(module.path)


def complaints(body: Object, known: list[Object]) -> list[str]:
    """What is wrong with an object by the definition of its kind. Rules in CEL are the API server's to try."""
    group, _, version = body["apiVersion"].partition("/")
    (schema,) = [
        served["schema"]["openAPIV3Schema"]
        for one in known
        if (one["spec"]["group"], one["spec"]["names"]["kind"]) == (group, body["kind"])
        for served in one["spec"]["versions"]
        if served["name"] == version and served["served"]
    ]
    checker = jsonschema.Draft202012Validator(_closed(schema))
    return [f"{error.json_path}: {error.message}" for error in checker.iter_errors(body)]


def _closed(schema: Object) -> Object:
    """The schema, refusing what it does not name, as `kubectl apply` does."""
    closed = {key: _closed_inside(key, value) for key, value in schema.items()}
    if "properties" in closed and not schema.get("x-kubernetes-preserve-unknown-fields"):
        closed.setdefault("additionalProperties", False)
    return closed


def _closed_inside(key: str, value: Any) -> Any:
    if key == "properties":
        return {name: _closed(one) for name, one in value.items()}
    return _closed(value) if key in {"items", "additionalProperties"} and isinstance(value, dict) else value


def files(folder: Path) -> Iterator[tuple[Path, Object]]:
    """Every object in a folder's YAML files, with its file."""
    for path in sorted(folder.rglob("*.yaml")):
        for body in yaml.safe_load_all(path.read_text()):
            yield path, body
