"""For every documented value what it cannot be, from the schema, and which of these Helm refuses by name."""

import json
import re
import subprocess
import tempfile
from collections.abc import Iterator
from itertools import zip_longest
from pathlib import Path
from typing import Any

import yaml

from tests.chart.rendered import EXTERNAL, Object
from tests.chart.values_table import CHART

SCHEMA: Object = json.loads((CHART / "values.schema.json").read_text())
VALUES: Object = yaml.safe_load((CHART / "values.yaml").read_text())
_OF_KINDS: list[tuple[str, Any]] = [("string", "bad"), ("boolean", True), ("array", ["bad"])]
_MATCHES_NOTHING = "?!"


def leaves(values: Object, schema: Object, path: str = "") -> Iterator[str]:
    """Paths of the values in values.yaml: what a schema with properties groups is looked into."""
    for key, value in values.items():
        inner = schema["properties"][key]
        groups = isinstance(value, dict) and "properties" in inner and value
        if groups and "requests" not in value:
            yield from leaves(value, inner, f"{path}{key}.")
        else:
            yield path + key


def documented() -> dict[str, Object]:
    """The schema of every documented value by its path, the app's settings included."""
    settings = (f"settings.{name}" for name in SCHEMA["properties"]["settings"]["properties"])
    return {path: _schema(path) for path in (*leaves(VALUES, SCHEMA), *settings)}


def _schema(path: str) -> Object:
    found = SCHEMA
    for key in path.split("."):
        found = found["properties"][key]
    return found


def wrong_type(schema: Object) -> Any:
    """A value of a type that the schema does not take."""
    return next(value for kind, value in _OF_KINDS if kind not in _kinds(schema))


def _kinds(schema: Object) -> set[str]:
    if "anyOf" in schema:
        return {kind for one in schema["anyOf"] for kind in _kinds(one)}
    kinds = schema.get("type", "string")  # an enum without a type is of words
    return {kinds} if isinstance(kinds, str) else set(kinds)


def wrong_content(schema: Object) -> list[Any]:
    """Values of the right type that the schema does not take; none where every value of its type will do."""
    if "anyOf" in schema:
        return [value for one in schema["anyOf"] for value in wrong_content(one)]
    found: list[Any] = [_MATCHES_NOTHING] if {"enum", "pattern"} & schema.keys() else []
    found += [schema["minimum"] - 1] if "minimum" in schema else []
    found += [schema["exclusiveMinimum"]] if "exclusiveMinimum" in schema else []
    found += [schema["maximum"] + 1] if "maximum" in schema else []
    found += ["x" * (schema["maxLength"] + 1)] if "maxLength" in schema else []
    found += [""] if "minLength" in schema else []
    found += [[]] if "minItems" in schema else []
    if "items" in schema:
        found += [[value] for value in (wrong_type(schema["items"]), *wrong_content(schema["items"]))]
    if free := schema.get("additionalProperties"):
        found += [{"key": value} for value in (wrong_type(free), *wrong_content(free))]
    if "properties" in schema:
        found += [{"mispelt": 1}]
    return found


def refused(helm: str, values: dict[str, Any]) -> set[str]:
    """The paths that Helm's answer names, when all these values are given at once."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "values.json"
        file.write_text(json.dumps(_nested(values)))
        argv = [helm, "template", "plinth", str(CHART), "--kube-version", "1.34.0", "--values", str(file)]
        done = subprocess.run(argv, capture_output=True, text=True, check=False)
    named = {path.replace("/", ".") for path in re.findall(r"at '/([^']*)'", done.stderr)}
    return {path for path in values if any(f"{one}.".startswith(f"{path}.") for one in named)}


def _nested(values: dict[str, Any]) -> Object:
    nested: Object = json.loads(json.dumps(EXTERNAL))
    for path, value in values.items():
        *parents, last = path.split(".")
        inner = nested
        for key in parents:
            inner = inner.setdefault(key, {})
        inner[last] = value
    return nested


def rounds() -> Iterator[dict[str, Any]]:
    """A bad value each for all documented ones, in as few calls of Helm as there are kinds of badness."""
    bad = {path: [wrong_type(schema), *wrong_content(schema)] for path, schema in documented().items()}
    # Its members need it to be a map, so it has calls of its own.
    yield from ({"settings": value} for value in bad.pop("settings"))
    nothing = object()
    for values in zip_longest(*bad.values(), fillvalue=nothing):
        yield {path: value for path, value in zip(bad, values, strict=True) if value is not nothing}


def tested(helm: str) -> tuple[set[str], set[str]]:
    """The documented values all of whose bad values are refused by name, and all documented ones."""
    taken = {path for values in rounds() for path in values.keys() - refused(helm, values)}
    return documented().keys() - taken, set(documented())
