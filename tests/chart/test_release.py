"""`make release`, in a clone of this tree: one command, one version everywhere, and nothing half done."""

import os
import subprocess
from pathlib import Path

import pytest
import yaml

from tests import release
from tests.released import RELEASES, ROOT, Released

VERSION = "99.0.0"


@pytest.fixture
def clone(helm: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository of its own, with Helm on PATH and a name for its commits."""
    monkeypatch.setenv("PATH", f"{Path(helm).parent}:{os.environ['PATH']}")
    for variable in ("AUTHOR_NAME", "AUTHOR_EMAIL", "COMMITTER_NAME", "COMMITTER_EMAIL"):
        monkeypatch.setenv(f"GIT_{variable}", "team@example.com")
    folder = tmp_path / "clone"
    git(ROOT, "clone", "--quiet", "--shared", str(ROOT), str(folder))
    git(folder, "switch", "--quiet", "--create", "releasing")
    return folder


def git(folder: Path, *arguments: str) -> str:
    return subprocess.run(["git", *arguments], cwd=folder, capture_output=True, text=True, check=True).stdout.strip()


def test_a_release_is_made_by_one_command(clone: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """What is tagged has one version, was checked with it, and is kept; the tree after it is the next one's."""
    checked = ("grep", "^version: 99.0.0$", "charts/plinth/Chart.yaml")
    assert release.main([VERSION], checked, clone) == 0, capfd.readouterr().err
    assert "git push --follow-tags" in capfd.readouterr().out
    assert (git(clone, "status", "--porcelain"), git(clone, "rev-parse", "v99.0.0^{commit}")) == (
        "",
        git(clone, "rev-parse", "HEAD~1"),
    )
    assert versions(clone, "HEAD~1") == ("99.0.0", "99.0.0", '__version__ = "99.0.0"')
    assert versions(clone, "HEAD") == ("99.1.0-dev", "99.1.0-dev", '__version__ = "99.1.0.dev0"')
    kept = Released(clone / "tests" / "releases" / "plinth-99.0.0.tgz")
    assert (kept.package.is_file(), kept.commit) == (True, git(clone, "rev-parse", "HEAD~1"))
    assert "## Unreleased\n\n## 99.0.0\n\n- " in git(clone, "show", "HEAD:CHANGELOG.md")


def versions(clone: Path, commit: str) -> tuple[str, str, str]:
    """Of the chart, of the kustomization's image, and of the package."""
    chart = yaml.safe_load(git(clone, "show", f"{commit}:charts/plinth/Chart.yaml"))
    images = yaml.safe_load(git(clone, "show", f"{commit}:k8s/kustomization.yaml"))["images"]
    assert chart["version"] == chart["appVersion"]
    assert f"image: plinth:{chart['version']}\n" in git(clone, "show", f"{commit}:k8s/plinth.yaml")
    assert f"image: plinth:{chart['version']}\n" in git(clone, "show", f"{commit}:k8s/samples/manual.yaml")
    assert f'\nversion = "{chart["version"].replace("-dev", ".dev0")}"\n' in git(
        clone, "show", f"{commit}:pyproject.toml"
    )
    return chart["version"], images[0]["newTag"], git(clone, "show", f"{commit}:app/__init__.py").splitlines()[-1]


def test_a_dry_run_changes_nothing(clone: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """It says what it would do."""
    before = git(clone, "rev-parse", "HEAD")
    assert release.main([VERSION, "--dry-run"], ("false",), clone) == 0
    assert "Would release 99.0.0 as v99.0.0, after `false`; then 99.1.0-dev." in capfd.readouterr().out
    assert (git(clone, "rev-parse", "HEAD"), git(clone, "status", "--porcelain"), git(clone, "tag")) == (before, "", "")


def test_a_tree_that_is_not_green_is_left_as_it_was(clone: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """No commit, no tag, no version."""
    before = git(clone, "rev-parse", "HEAD")
    assert release.main([VERSION], ("false",), clone) == 1
    assert "`false` failed with the version in place, and the tree is as it was" in capfd.readouterr().err
    assert (git(clone, "rev-parse", "HEAD"), git(clone, "status", "--porcelain"), git(clone, "tag")) == (before, "", "")


@pytest.mark.parametrize(
    ("version", "before", "says"),
    [
        ("next", (), "next is no version: say `make release VERSION=0.2.0`."),
        ("", (), "Nothing is no version"),
        (RELEASES[-1].version, (), "is not above the last release"),
        (VERSION, ("tag", "v99.0.0"), "There is a tag v99.0.0 already"),
        (VERSION, ("rm", "--quiet", "LICENSE"), "There are changes in no commit"),
        (VERSION, ("checkout", "--quiet", "--detach"), "No branch is checked out"),
    ],
)
def test_what_cannot_be_released_is_refused(
    clone: Path, capfd: pytest.CaptureFixture[str], version: str, before: tuple[str, ...], says: str
) -> None:
    """With a sentence that says what to do, before anything is changed."""
    if before:
        git(clone, *before)
    assert release.main([version], ("true",), clone) == 1
    assert says in capfd.readouterr().err


def test_a_release_says_what_is_new(clone: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """An empty changelog is none."""
    changelog = clone / "CHANGELOG.md"
    start, end = changelog.read_text().split("## Unreleased\n")
    changelog.write_text(f"{start}## Unreleased\n\n## {end.partition('## ')[2]}")
    git(clone, "commit", "--quiet", "--all", "--message=emptied")
    assert release.main([VERSION], ("true",), clone) == 1
    assert "nothing under Unreleased" in capfd.readouterr().err
