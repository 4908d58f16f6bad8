"""How a test renders the chart: by Helm itself, without a cluster."""

import json
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.chart.rendered import Refused, Rendered
from tests.chart.values_table import CHART

CLUSTER = CHART.parents[1] / "tests" / "cluster" / "cluster"

Render = Callable[..., Rendered]
Notes = Callable[..., str]


def program(name: str) -> str:
    """The program on PATH, else the one that comes with the project's cluster."""
    if found := shutil.which(name):
        return found
    printed = subprocess.run([CLUSTER, "env"], capture_output=True, text=True, check=False).stdout
    path = subprocess.run(["sh", "-c", f'{printed}\necho "$PATH"'], capture_output=True, text=True, check=True).stdout
    found = shutil.which(name, path=path.strip())
    assert found, f"There is no {name}: put it on PATH, or run `tests/cluster/cluster build`, which makes one."
    return found


@pytest.fixture(scope="session")
def helm() -> str:
    return program("helm")


@pytest.fixture(scope="session")
def kubectl() -> str:
    return program("kubectl")


@pytest.fixture
def render(helm: str, tmp_path: Path) -> Render:
    """Render the chart with these values, merged from left to right, and options; raise Refused where Helm refuses."""

    def call(
        *values: dict[str, Any], options: tuple[str, ...] = (), release: str = "plinth", chart: Path = CHART
    ) -> Rendered:
        files = []
        for number, one in enumerate(values):
            file = tmp_path / f"{number}.json"
            file.write_text(json.dumps(one))
            files += ["--values", str(file)]
        # A Helm from its module does not know the Kubernetes it was made for.
        argv = [
            helm,
            "template",
            release,
            str(chart),
            "--namespace",
            "apps",
            "--kube-version",
            "1.34.0",
            *files,
            *options,
        ]
        done = subprocess.run(argv, capture_output=True, text=True, check=False)
        if done.returncode:
            raise Refused(done.stderr)
        return Rendered(yaml.safe_load_all(done.stdout))

    return call


@pytest.fixture
def notes(render: Render, tmp_path: Path) -> Notes:
    """What Helm tells after an install; it does so on a cluster only, so a template of our own holds it."""
    chart = shutil.copytree(CHART, tmp_path / "plinth")
    (chart / "templates" / "notes.yaml").write_text('notes: {{ include "plinth/templates/NOTES.txt" . | toJson }}')

    def call(*values: dict[str, Any], namespace: str = "plinth") -> str:
        options = (f"--namespace={namespace}", "--show-only=templates/notes.yaml")
        (shown,) = render(*values, options=options, chart=chart)
        return str(shown["notes"])

    return call
