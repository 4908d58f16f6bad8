"""What was released: packaged charts, from which upgrades are proved."""

import re
import shutil
import tarfile
import tomllib
from pathlib import Path

import pytest
import yaml

from app import __version__
from tests.chart.conftest import Render
from tests.chart.rendered import EMBEDDED, EXTERNAL, Object
from tests.chart.values_table import CHART
from tests.released import RELEASES, Released

EACH = pytest.mark.parametrize("released", RELEASES, ids=lambda one: one.version)


def test_there_is_a_release() -> None:
    """The first one is 0.1.0."""
    assert RELEASES[0].version == "0.1.0"


@EACH
def test_a_release_is_whole(released: Released) -> None:
    """The package holds a chart of its version, and beside it stands the id of its commit."""
    with tarfile.open(released.package) as archive:
        member = archive.extractfile("plinth/Chart.yaml")
        assert member is not None
        chart = yaml.safe_load(member)
    assert released.version == chart["version"]
    assert re.fullmatch(r"[0-9a-f]{40}\n", released.package.with_suffix(".commit").read_text())


@EACH
def test_a_release_is_its_commits_chart(released: Released, tmp_path: Path) -> None:
    """The package holds the files of its commit as they are; Helm writes Chart.yaml anew."""
    charts = released.unpack(tmp_path / "commit", "charts") / "charts"
    with tarfile.open(released.package) as archive:
        archive.extractall(tmp_path / "package", filter="data")
    assert contents(tmp_path / "package") == contents(charts)


@EACH
def test_its_values_still_render(render: Render, released: Released, tmp_path: Path) -> None:
    """`helm upgrade --reuse-values` leaves the release's defaults in place of this chart's, and nothing breaks."""
    chart = shutil.copytree(CHART, tmp_path / "chart")
    with tarfile.open(released.package) as archive:
        member = archive.extractfile("plinth/values.yaml")
        assert member is not None
        (chart / "values.yaml").write_bytes(member.read())
    more: Object = {"serviceMonitor": {"enabled": True}, "podLabels": {"team": "orders"}}
    for values in (EMBEDDED, EXTERNAL):
        kinds = sorted(one["kind"] for one in render(values, more, chart=chart))
        assert kinds == sorted(one["kind"] for one in render(values, more))


def contents(folder: Path) -> dict[str, bytes]:
    files = (path for path in folder.rglob("*") if path.is_file() and path.name != "Chart.yaml")
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}


def test_this_tree_is_no_release() -> None:
    """Its version is one that was never published: nodes with that release's image would run it under this chart."""
    chart = yaml.safe_load((CHART / "Chart.yaml").read_text())
    published = {released.version for released in RELEASES}
    assert published.isdisjoint({chart["version"], chart["appVersion"]})


def test_the_whole_tree_has_one_version() -> None:
    """Chart, app and package say the same, each in its own spelling."""
    chart = yaml.safe_load((CHART / "Chart.yaml").read_text())
    project = tomllib.loads((CHART.parents[1] / "pyproject.toml").read_text())["project"]
    assert chart["version"] == chart["appVersion"]
    assert {chart["version"].replace("-dev", ".dev0"), project["version"]} == {__version__}
