"""What was released: packaged charts, from which upgrades are proved."""

import re
import tarfile
from pathlib import Path

import pytest
import yaml

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
    """Every template of the package is the one of its commit."""
    charts = released.unpack(tmp_path, "charts") / "charts"
    with tarfile.open(released.package) as archive:
        for member in archive.getmembers():
            if member.isfile() and "/templates/" in member.name:
                stored = archive.extractfile(member)
                assert stored is not None
                assert (charts / member.name).read_bytes() == stored.read(), member.name
