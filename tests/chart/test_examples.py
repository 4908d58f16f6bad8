"""charts/plinth/ci: values for the usual cases, each of which renders, and says what it needs and why."""

from collections.abc import Iterator
from itertools import takewhile
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.chart.bad_values import VALUES
from tests.chart.conftest import Render
from tests.chart.rendered import Object, Rendered, environment
from tests.chart.values_table import CHART

EXAMPLES = sorted((CHART / "ci").glob("*-values.yaml"))
EACH = pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)


def secrets(value: Any, under: str = "") -> Iterator[str]:
    """Names of all secrets that pods mount: as a volume of their own, or projected into one."""
    if isinstance(value, dict):
        if under == "secret":
            yield value.get("secretName") or value["name"]
        for key, inner in value.items():
            yield from secrets(inner, key)
    elif isinstance(value, list):
        for inner in value:
            yield from secrets(inner)


def unchanged(values: Object, defaults: Object, path: str = "") -> Iterator[str]:
    for key, value in values.items():
        if isinstance(value, dict) and defaults[key]:
            yield from unchanged(value, defaults[key], f"{path}{key}.")
        elif value == defaults[key]:
            yield path + key


@EACH
def test_it_renders_with_the_secrets_it_says_it_needs(render: Render, path: Path) -> None:
    """An example is whole: its first lines name every secret that its pods mount."""
    text = path.read_text()
    objects: Rendered = render(yaml.safe_load(text))
    needed = set(secrets(list(objects.pods().values())))
    comment = "".join(takewhile(lambda line: line.startswith("#"), text.splitlines()))
    assert needed
    assert {name for name in needed if name not in comment} == set()


@EACH
def test_it_says_only_what_it_changes(path: Path) -> None:
    """A value that is the default anyway would be copied from release to release."""
    assert list(unchanged(yaml.safe_load(path.read_text()), VALUES)) == []


def test_the_readme_names_each() -> None:
    """The chart's README lists the examples, and none that is not there."""
    readme = (CHART / "README.md").read_text()
    named = {part.split("-values.yaml")[0] for part in readme.split("](ci/")[1:]}
    assert named == {path.name.removesuffix("-values.yaml") for path in EXAMPLES}
    assert named == {"minimal", "production", "cloudnativepg", "rds", "pgbouncer", "argocd"}


def test_the_one_for_production_is_for_production(render: Render) -> None:
    """It scales, survives drains, talks to whom it must, runs by digest, and verifies its server."""
    objects = render(yaml.safe_load((CHART / "ci" / "production-values.yaml").read_text()))
    assert {"HorizontalPodAutoscaler", "PodDisruptionBudget", "NetworkPolicy"} <= {one["kind"] for one in objects}
    assert all("@sha256:" in one["image"] for pod in objects.pods().values() for one in pod["containers"])
    assert environment(objects.pods()["plinth"])["PLINTH_DATABASE_TLS_MODE"] == "verify-full"


def test_the_values_of_docs_adopt_rename_what_they_say(render: Render) -> None:
    """A service of one's own: its image in every pod, its name on every object, and no examples."""
    page = (CHART.parents[1] / "docs" / "adopt.md").read_text()
    objects = render(*(yaml.safe_load(block.split("```")[0]) for block in page.split("```yaml\n")[1:]))
    images = {one["image"] for pod in objects.pods().values() for one in pod["containers"]}
    assert {image.rpartition(":")[0] for image in images} == {"registry.example/invoices"}
    definitions = {"CustomResourceDefinition", "Namespace"}
    names = {one["metadata"]["name"] for one in objects if one["kind"] not in definitions}
    assert {name for name in names if not name.startswith("invoices")} == set()
    own = environment(objects.pods()["invoices"])
    assert (own["PLINTH_EXAMPLES"], own["PLINTH_TITLE"]) == ("false", "Invoices")
