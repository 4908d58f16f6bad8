"""The chart's resources and the samples fit the CRD beside them."""

from collections.abc import Iterator
from typing import Any

import jsonschema
import pytest
import yaml

from tests.chart.conftest import Render
from tests.chart.rendered import EMBEDDED, EXTERNAL, TWO_ROLES, Object
from tests.chart.values_table import CHART

CRD = yaml.safe_load((CHART / "crds" / "gatedmigrations.yaml").read_text())
SAMPLES = sorted((CHART.parents[1] / "k8s" / "samples").glob("*.yaml"))
EVERYTHING: dict[str, Any] = {
    "database": {"existingSecret": "app-role", "tls": {"caSecret": "ca", "mode": "verify-ca"}},
    "tolerations": [{"key": "apps", "operator": "Exists"}],
    "nodeSelector": {"pool": "apps"},
    "imagePullSecrets": [{"name": "registry"}],
    "gatedMigrations": {"uuidv7": {"approval": "Manual"}},
}


def closed(schema: Object) -> Object:
    """The schema as the API server reads it with strict field validation: unknown fields are errors."""
    schema = {key: closed(one) if isinstance(one, dict) else one for key, one in schema.items()}
    if "properties" in schema and "additionalProperties" not in schema:
        schema["additionalProperties"] = False
    return schema


def problems(resource: Object) -> Iterator[str]:
    (version,) = CRD["spec"]["versions"]
    schema = version["schema"]["openAPIV3Schema"]
    schema["properties"]["metadata"] = {"type": "object"}
    for error in jsonschema.Draft202012Validator(closed(schema)).iter_errors(resource):
        yield f"{error.json_path}: {error.message}"


@pytest.mark.parametrize("values", [EMBEDDED, EXTERNAL, TWO_ROLES, EVERYTHING])
def test_the_charts_resource_fits(render: Render, values: Object) -> None:
    """Whatever the values, the GatedMigration has only fields the CRD knows."""
    assert list(problems(render(values).one("GatedMigration"))) == []


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda path: path.name)
def test_the_samples_fit(sample: Any) -> None:
    """Both samples have only fields the CRD knows."""
    assert list(problems(yaml.safe_load(sample.read_text()))) == []


def test_an_unknown_field_would_be_noticed(render: Render) -> None:
    """The check above refuses a field that is not in the CRD."""
    resource = render(EXTERNAL).one("GatedMigration")
    resource["spec"]["jobTemplate"]["command"] = ["sh"]
    assert [one for one in problems(resource) if "command" in one]
