"""The embedded database's start script: what it does about what it finds on the volume. The server is a stand-in."""

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.chart.values_table import CHART

# The image's entry point says where the data would be; the server in single-user mode keeps what it was told.
ENTRYPOINT = '#!/bin/sh\nprintf %s "$PGDATA"\n'
SERVER = '#!/bin/sh\ncat >"{volume}/said"\n'


@dataclass
class Volume:
    """A volume, and a way to start a server of some version on it."""

    path: Path
    programs: Path

    def holds(self, major: int) -> None:
        folder = self.path / str(major) / "docker"
        folder.mkdir(parents=True)
        (folder / "PG_VERSION").write_text(f"{major}\n")

    def start(self, major: int) -> subprocess.CompletedProcess[str]:
        script = (CHART / "files" / "postgresql-start.sh").read_text()
        script = script.replace("/var/lib/postgresql", str(self.path)).replace(
            "/run/secrets/postgresql", str(self.path / "secrets")
        )
        environment = {"PATH": f"{self.programs}:{os.environ['PATH']}", "PG_MAJOR": str(major)}
        return subprocess.run(["sh", "-c", script], env=environment, capture_output=True, text=True, check=False)

    def files(self) -> set[str]:
        return {str(one.relative_to(self.path)) for one in self.path.rglob("*") if one.is_file() and one.name != "said"}


@pytest.fixture
def volume(tmp_path: Path) -> Volume:
    path, programs = tmp_path / "volume", tmp_path / "programs"
    for folder in (path / "secrets", programs):
        folder.mkdir(parents=True)
    for role in ("owner", "app", "superuser"):
        (path / "secrets" / role).write_text(f"{role}-password")
    for name, text in {"docker-entrypoint.sh": ENTRYPOINT, "postgres": SERVER.format(volume=path)}.items():
        (programs / name).write_text(text)
        (programs / name).chmod(0o755)
    return Volume(path, programs)


def test_an_empty_volume_gets_a_folder_of_the_version(volume: Volume) -> None:
    """The first start is marked as under way, so that one cut short can be told from a finished one."""
    assert volume.start(18).stdout == f"{volume.path}/18/docker"
    assert (volume.path / "unfinished").read_text() == "18\n"


def test_passwords_follow_the_secrets(volume: Volume) -> None:
    """A volume that outlived its secrets is given the new ones' passwords, before anyone can connect."""
    volume.holds(18)
    assert volume.start(18).stdout == f"{volume.path}/18/docker"
    said = (volume.path / "said").read_text()
    assert "ALTER ROLE plinth_app PASSWORD 'app-password'\n" in said
    assert said.count("ALTER ROLE") == 3
    assert "LOGIN" not in said


@pytest.mark.parametrize(("found", "image", "remedy"), [(17, 18, "back to 17"), (18, 17, "image.tag to 18")])
def test_another_versions_data_is_left_alone(volume: Volume, found: int, image: int, remedy: str) -> None:
    """Data of an older or a newer version ends the start with one sentence that says what to do."""
    volume.holds(found)
    before = volume.files()
    done = volume.start(image)
    assert done.returncode == 1
    assert done.stdout == ""
    assert f"The volume holds the data of PostgreSQL {found}" in done.stderr
    assert remedy in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert volume.files() == before


def test_a_dump_is_the_way_to_a_newer_version(volume: Volume) -> None:
    """With a dump beside it older data is no obstacle; the folder is spelt so that the official image agrees."""
    volume.holds(17)
    (volume.path / "plinth-upgrade.dump").write_text("dump")
    assert volume.start(18).stdout == f"{volume.path}/18/docker/"
    assert (volume.path / "17/docker/PG_VERSION").exists()


def test_a_dump_is_no_way_back(volume: Volume) -> None:
    """An older server never starts beside newer data, whatever else is there."""
    volume.holds(17)
    volume.holds(18)
    (volume.path / "plinth-upgrade.dump").write_text("dump")
    assert volume.start(17).returncode == 1


def test_a_first_start_that_was_cut_short_begins_again(volume: Volume) -> None:
    """What a killed first start left is removed, and nothing else: it looks whole, but has no roles."""
    volume.holds(17)
    volume.holds(18)
    (volume.path / "unfinished").write_text("18\n")
    (volume.path / "plinth-upgrade.dump").write_text("dump")
    assert volume.start(18).stdout == f"{volume.path}/18/docker/"
    assert "17/docker/PG_VERSION" in volume.files()
    assert "18/docker/PG_VERSION" not in volume.files()
