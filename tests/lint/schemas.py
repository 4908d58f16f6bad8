"""JSON schemas for kubeconform: of Kubernetes from its OpenAPI files, of custom resources from their definitions."""

import hashlib
import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import yaml

from tests.cluster.commands import run
from tests.cluster.console import ClusterError, step

Schema = dict[str, Any]

# The oldest and the newest that is promised. The sums are those of the Go checksum database, as in a go.sum.
KUBERNETES = {
    "1.30.14": "h1:MrlKXh9uhLIJpyxOeXhcndzRVSvwiV9iJ8NgH8nqPsg=",
    "1.34.4": "h1:Yy6R4QB8C9kJPp25GFqEvX5XQwY5qzKeqD0Xx6oAcmk=",
}
# The definitions of what is not Kubernetes' own, by the newest modules that Go 1.26 takes: (module, its sum, file).
DEFINITIONS = (
    (
        "sigs.k8s.io/gateway-api@v1.6.0",
        "h1:735YBRj5NXFrOGX0GoSjwzUIzbz8kiEOfADsqHFmHgE=",
        "config/crd/standard/gateway.networking.k8s.io_httproutes.yaml",
    ),
    (
        "github.com/prometheus-operator/prometheus-operator@v0.85.0",
        "h1:M5xLCLEoaW2IJfnuCwFzzpL+jSVQu3KGT84Pye+fW8s=",
        "example/prometheus-operator-crd/monitoring.coreos.com_servicemonitors.yaml",
    ),
    (
        "github.com/prometheus-operator/prometheus-operator@v0.85.0",
        "h1:M5xLCLEoaW2IJfnuCwFzzpL+jSVQu3KGT84Pye+fW8s=",
        "example/prometheus-operator-crd/monitoring.coreos.com_prometheusrules.yaml",
    ),
)
_NUMBERS_TOO = ("io.k8s.apimachinery.pkg.util.intstr.IntOrString", "io.k8s.apimachinery.pkg.api.resource.Quantity")


def made(cache: Path) -> Path:
    """The folder of all schemas, made once: one folder a version of Kubernetes, and `custom` beside them."""
    wanted = hashlib.sha256(repr((KUBERNETES, DEFINITIONS)).encode() + Path(__file__).read_bytes()).hexdigest()[:12]
    folder = cache / f"schemas-{wanted}"
    stamp = folder / "complete"
    if not stamp.exists():
        with step("making the schemas of Kubernetes (once)"):
            for version, checksum in KUBERNETES.items():
                source = _module(f"k8s.io/kubernetes@v{version}", checksum) / "api/openapi-spec/swagger.json"
                write(folder / version, of_openapi(json.loads(source.read_text())))
            for module, checksum, file in DEFINITIONS:
                write(folder / "custom", of_definition((_module(module, checksum) / file).read_text()))
        stamp.touch()
    return folder


def write(folder: Path, schemas: Iterable[tuple[str, Schema]]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, schema in schemas:
        (folder / f"{name}.json").write_text(json.dumps(schema))


def _module(module: str, checksum: str) -> Path:
    downloaded = json.loads(run("go", "mod", "download", "-json", module))
    if downloaded["Sum"] != checksum:
        raise ClusterError(f"{module} has the sum {downloaded['Sum']}, not {checksum}: whoever serves it changed it")
    return Path(downloaded["Dir"])


def of_openapi(document: Schema) -> Iterator[tuple[str, Schema]]:
    """One schema a kind, with all definitions it leads to."""
    definitions = {name: strict(one) for name, one in document["definitions"].items()}
    for name in _NUMBERS_TOO:
        definitions[name] = {"type": ["string", "number"]}
    for name, definition in definitions.items():
        kinds = definition.get("x-kubernetes-group-version-kind", [])
        # DeleteOptions and the like belong to every group, and are no objects.
        if len(kinds) == 1:
            reached = {one: definitions[one] for one in _reached(name, definitions)}
            yield _name(**kinds[0]), {"$ref": f"#/definitions/{name}", "definitions": reached}


def of_definition(text: str) -> Iterator[tuple[str, Schema]]:
    """One schema a version of a CustomResourceDefinition."""
    for definition in yaml.load_all(text, yaml.CSafeLoader):
        spec = definition["spec"]
        for version in spec["versions"]:
            schema = strict(version["schema"]["openAPIV3Schema"])
            yield _name(spec["group"], version["name"], spec["names"]["kind"]), schema


def strict(schema: Any) -> Any:
    """The schema with fields it does not name refused, as the server refuses them under `fieldValidation=Strict`."""
    if isinstance(schema, list):
        return [strict(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    tightened = {
        # Names of properties are no keywords, whatever they are.
        key: {name: strict(one) for name, one in value.items()} if key == "properties" else strict(value)
        for key, value in schema.items()
    }
    if "properties" in schema and not schema.get("x-kubernetes-preserve-unknown-fields"):
        tightened.setdefault("additionalProperties", False)
    return tightened


def _reached(name: str, definitions: dict[str, Schema]) -> set[str]:
    found, open_ = set[str](), [name]
    while open_:
        if (one := open_.pop()) not in found:
            found.add(one)
            open_ += _references(definitions[one])
    return found


def _references(schema: Any) -> Iterator[str]:
    if isinstance(schema, dict):
        if isinstance(reference := schema.get("$ref"), str):
            yield reference.removeprefix("#/definitions/")
        schema = list(schema.values())
    if isinstance(schema, list):
        for one in schema:
            yield from _references(one)


def _name(group: str, version: str, kind: str) -> str:
    """As kubeconform's {{.ResourceKind}}{{.KindSuffix}} has it: of the group its first word, in lower case."""
    return "-".join(part.lower() for part in (kind, group.partition(".")[0], version) if part)
