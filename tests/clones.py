"""A clone of a team's: this tree's sources in a folder of their own, to be changed."""

import shutil
import subprocess
import sys
from pathlib import Path

from tests.processes import earlier, plinth

ROOT = Path(__file__).parents[1]


def cloned(folder: Path) -> Path:
    """Copy what git has, and what it would take; all of it is staged, so that `edited_lines` can be asked."""
    listed = _git(ROOT, "ls-files", "--cached", "--others", "--exclude-standard", "-z")
    for name in filter(None, listed.split("\0")):
        if (ROOT / name).is_file():  # not one that is removed, and not yet in a commit
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_bytes((ROOT / name).read_bytes())
            (folder / name).chmod((ROOT / name).stat().st_mode)
    if (found := ROOT / ".mypy_cache").is_dir():  # then mypy looks at what is new alone
        shutil.copytree(found, folder / found.name)
    _git(folder, "init", "--quiet")
    _git(folder, "add", "--all")
    return folder


def new_slice(clone: Path, *arguments: str) -> str:
    """`plinth new slice` there; what it printed."""
    done = plinth("new", "slice", *arguments, code=clone)
    assert done.returncode == 0, done.stderr
    return done.stdout


def run(clone: Path, program: str, *arguments: str, **settings: str) -> None:
    """Run a program of this environment there; fails with its output where it fails."""
    done = subprocess.run(
        [Path(sys.executable).with_name(program), *arguments],
        cwd=clone,
        env=earlier(**settings) | {"PYTHONPATH": str(clone)},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def assert_green(clone: Path, *paths: str) -> None:
    run(clone, "pytest", "-q", "-p", "no:cacheprovider", *paths)


def new_files(clone: Path) -> list[str]:
    return _git(clone, "ls-files", "--others", "--exclude-standard").splitlines()


def edited_lines(clone: Path) -> int:
    """Lines added or removed in files that were there."""
    numbers = [line.split()[:2] for line in _git(clone, "diff", "--numstat").splitlines()]
    return sum(int(number) for pair in numbers for number in pair)


def _git(folder: Path, *arguments: str) -> str:
    return subprocess.run(["git", *arguments], cwd=folder, capture_output=True, text=True, check=True).stdout
