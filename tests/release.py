"""`make release VERSION=x.y.z`: one version everywhere, all of it proved, a commit with its tag, and what is kept."""

import argparse
import re
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
CHECK = ("make", "test")
_VERSION = re.compile(r"(\d+)\.(\d+)\.(\d+)")
_CURRENT = re.compile(r"^version: (\S+)$", re.MULTILINE)
_NOTES = re.compile(r"^## Unreleased\n(.*?)(?=^## )", re.MULTILINE | re.DOTALL)
# Written as Python wants it, `0.3.0.dev0`, and as Helm does, `0.3.0-dev`. `k8s/render` writes the rest.
_PYTHONS = ("pyproject.toml", "app/__init__.py")
_HELMS = ("charts/plinth/Chart.yaml", "k8s/kustomization.yaml", "k8s/samples/*.yaml")


class Refused(Exception):
    """No release is made; the sentence says what to do."""


@dataclass(frozen=True)
class Release:
    """One to be made of a clone, on the branch it is on."""

    root: Path
    version: str

    @property
    def tag(self) -> str:
        return f"v{self.version}"

    @property
    def next(self) -> str:
        """The version that the tree has after it."""
        major, minor, _ = _parts(self.version)
        return f"{major}.{minor + 1}.0-dev"

    def check(self) -> None:
        """Raise Refused where it cannot be made."""
        last = max((_parts(one.stem.removeprefix("plinth-")) for one in self._kept.glob("*.tgz")), default=(0, 0, 0))
        if _parts(self.version) <= last:
            raise Refused(f"{self.version} is not above the last release, {'.'.join(map(str, last))}.")
        if self._git("status", "--porcelain"):
            raise Refused("There are changes in no commit: commit them, or take them back.")
        if self._git("tag", "--list", self.tag):
            raise Refused(f"There is a tag {self.tag} already: take another version, or `git tag --delete {self.tag}`.")
        if not self._git("branch", "--show-current"):
            raise Refused("No branch is checked out: `git switch` to the one to release from.")
        if not self._notes:
            raise Refused("CHANGELOG.md has nothing under Unreleased: say what is new.")

    def make(self, check: Sequence[str] = CHECK) -> None:
        """Both commits and the tag. Raises Refused, with the tree as it was, where the check fails."""
        self.write(self.version)
        changelog = self.root / "CHANGELOG.md"
        text = changelog.read_text().replace("## Unreleased\n", f"## Unreleased\n\n## {self.version}\n", 1)
        changelog.write_text(text)
        if subprocess.run(check, cwd=self.root, check=False).returncode != 0:
            self._git("checkout", "--quiet", "--", ".")
            raise Refused(
                f"`{' '.join(check)}` failed with the version in place, and the tree is as it was: mend it first."
            )
        self._git("commit", "--quiet", "--all", f"--message=Release {self.version}")
        self._git("tag", "--annotate", self.tag, f"--message=Release {self.version}")
        self._keep()
        self.write(self.next)
        self._git("add", "--all")
        self._git(
            "commit", "--quiet", f"--message=Release {self.version} is kept, and the tree calls itself {self.next}"
        )

    def write(self, version: str) -> None:
        """Give the tree a version, in Helm's words."""
        chart = (self.root / "charts" / "plinth" / "Chart.yaml").read_text()
        before = _CURRENT.findall(chart)[0]
        for patterns, old, new in ((_HELMS, before, version), (_PYTHONS, _python(before), _python(version))):
            for path in (path for pattern in patterns for path in self.root.glob(pattern)):
                path.write_text(re.sub(rf'(?<=[ ":]){re.escape(old)}(?=["\s])', new, path.read_text()))
        self._run("k8s/render")

    def _keep(self) -> None:
        """The chart as it was tagged, and its commit."""
        self._run("helm", "package", "charts/plinth", "--destination", str(self._kept))
        commit = self._git("rev-parse", f"{self.tag}^{{commit}}")
        (self._kept / f"plinth-{self.version}.commit").write_text(f"{commit}\n")

    @property
    def _kept(self) -> Path:
        return self.root / "tests" / "releases"

    @property
    def _notes(self) -> str:
        found = _NOTES.search((self.root / "CHANGELOG.md").read_text())
        return found[1].strip() if found else ""

    def _git(self, *arguments: str) -> str:
        return self._run("git", *arguments)

    def _run(self, *command: str) -> str:
        done = subprocess.run(command, cwd=self.root, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise Refused(f"`{' '.join(command)}` failed: {done.stderr.strip()}")
        return done.stdout.strip()


def _parts(version: str) -> tuple[int, ...]:
    if not (found := _VERSION.fullmatch(version)):
        raise Refused(f"{version or 'Nothing'} is no version: say `make release VERSION=0.2.0`.")
    return tuple(map(int, found.groups()))


def _python(version: str) -> str:
    return version.replace("-dev", ".dev0")


def main(arguments: Sequence[str], check: Sequence[str] = CHECK, root: Path = ROOT) -> int:
    parser = argparse.ArgumentParser(prog="make release", description=__doc__)
    parser.add_argument("version")
    parser.add_argument("--dry-run", action="store_true")
    asked = parser.parse_args(arguments)
    release = Release(root, asked.version)
    try:
        release.check()
        if not asked.dry_run:
            release.make(check)
    except Refused as refused:
        sys.stderr.write(f"{refused}\n")
        return 1
    if asked.dry_run:
        say = f"Would release {release.version} as {release.tag}, after `{' '.join(check)}`; then {release.next}."
    else:
        say = (
            f"{release.tag} is made. To publish it:  git push --follow-tags\n"
            f"To take it back:  git tag --delete {release.tag} && git reset --hard HEAD~2"
        )
    sys.stdout.write(f"{say}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
