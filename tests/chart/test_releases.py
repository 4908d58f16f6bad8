"""What was released: packaged charts, from which upgrades are proved."""

import re
import subprocess
import tarfile
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]
RELEASES = sorted((ROOT / "tests" / "releases").glob("plinth-*.tgz"))


def test_there_is_a_release() -> None:
    """The first one is 0.1.0."""
    assert "plinth-0.1.0.tgz" in [path.name for path in RELEASES]


@pytest.mark.parametrize("package", RELEASES, ids=lambda path: path.stem)
def test_a_release_is_whole(package: Path) -> None:
    """The package holds a chart of its version, and beside it stands the id of its commit."""
    with tarfile.open(package) as archive:
        member = archive.extractfile("plinth/Chart.yaml")
        assert member is not None
        chart = yaml.safe_load(member)
    assert package.stem == f"plinth-{chart['version']}"
    assert re.fullmatch(r"[0-9a-f]{40}\n", package.with_suffix(".commit").read_text())


@pytest.mark.parametrize("package", RELEASES, ids=lambda path: path.stem)
def test_a_release_is_its_commits_chart(package: Path) -> None:
    """Every template of the package is the one of its commit."""
    commit = package.with_suffix(".commit").read_text().strip()
    with tarfile.open(package) as archive:
        for member in archive.getmembers():
            if member.isfile() and "/templates/" in member.name:
                stored = archive.extractfile(member)
                assert stored is not None
                shown = ["git", "-C", str(ROOT), "show", f"{commit}:charts/{member.name}"]
                assert subprocess.run(shown, capture_output=True, check=True).stdout == stored.read(), member.name
