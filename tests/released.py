"""The releases that were made: their packaged charts, and their code, by the commit that stands beside each."""

import subprocess
import tarfile
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / "tests" / "releases"


class CommitMissing(Exception):
    """A release's commit is not in this clone."""


@dataclass(frozen=True)
class Released:
    """One release, by the package of its chart."""

    package: Path

    @property
    def version(self) -> str:
        return self.package.stem.removeprefix("plinth-")

    @property
    def commit(self) -> str:
        return self.package.with_suffix(".commit").read_text().strip()

    def unpack(self, folder: Path, *paths: str) -> Path:
        """Write files of its commit into a folder; raises CommitMissing where the clone lacks it."""
        if _git("cat-file", "-e", f"{self.commit}^{{commit}}").returncode != 0:
            raise CommitMissing(
                f"The commit of release {self.version} is not in this clone, which may be shallow: run "
                f"`git fetch --unshallow`, or `git fetch origin {self.commit}`."
            )
        archive = _git("archive", "--format=tar", self.commit, "--", *paths)
        archive.check_returncode()
        with tarfile.open(fileobj=BytesIO(archive.stdout)) as tar:
            tar.extractall(folder, filter="data")
        return folder


def _git(*arguments: str) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(["git", "-C", str(ROOT), *arguments], capture_output=True, check=False)


RELEASES = sorted(
    map(Released, FOLDER.glob("plinth-*.tgz")), key=lambda one: tuple(int(part) for part in one.version.split("."))
)
"""The oldest first."""
