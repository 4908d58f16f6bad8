"""The files of a slice: what is in them, and that they are written all or none."""

import errno
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from app.db.revision import ROOT
from app.migrator import scripts
from app.scaffold import SliceError, files
from app.scaffold.files import Slice, render, write
from app.scaffold.kinds import parse
from app.scaffold.names import slice_names
from app.scaffold.plan import plan
from app.scaffold.tree import Lineage
from tests.integration.migrator.conftest import Revisions
from tests.squawk import complaints, findings_of
from tests.unit.scaffold.asked import EVERYTHING, NOW, everything, rendered

TEXTS = {Path("app/slices/notes") / name: "x = 1\n" for name in ("one.py", "two.py")} | {Path("tests/three.py"): "\n"}
LONG = "x" * 34


def everything_below(folder: Path) -> set[Path]:
    return {path.relative_to(folder) for path in folder.rglob("*")}


def test_a_slice_is_the_same_again():
    """The same words and the same time give the same bytes."""
    assert render(everything()) == rendered()


@pytest.mark.parametrize(
    ("name", "fields"),
    [
        ("specimen_parts", EVERYTHING),
        ("specimens", ("name:text",)),
        ("specimens", ("project:ref=projects",)),
        (f"{LONG}es", (f"{LONG}a:text=2000", f"{LONG}b:decimal", f"{LONG}c:json")),
        ("specimens", (f"{LONG}d:enum={','.join(f'value{number}' for number in range(30))}?",)),
        ("specimens", (f"{'y' * 19}:ref=projects", f"{'z' * 19}:ref=tasks?")),
    ],
)
def test_the_linters_find_nothing(tmp_path: Path, name: str, fields: tuple[str, ...]):
    """Whatever is asked for, however long its names are: it is formed, sorted, and typed."""
    for folder in ("app", "tests", "migrations"):
        (tmp_path / folder).mkdir()
    (tmp_path / "pyproject.toml").write_bytes((ROOT / "pyproject.toml").read_bytes())
    write(render(plan(name, fields, None, NOW)), tmp_path)
    known = "lint.isort.known-first-party = ['app', 'tests']"  # what it finds by itself where all of them are
    for command in (("format", "--check"), ("check", "--config", known)):
        done = subprocess.run(
            [sys.executable, "-m", "ruff", *command, "--no-cache", "."], cwd=tmp_path, capture_output=True, check=False
        )
        assert done.returncode == 0, done.stdout.decode()


def test_a_table_is_secured_where_others_are():
    """The revision turns row-level security on, and no import is left over."""
    names = slice_names("specimens")
    made = Slice(names, [parse("name:text", names)], Lineage("9", "8", secured=True))
    assert 'op.enable_row_level_security("specimens")' in render(made)[made.paths["revision"]]
    assert "enable_row_level_security" not in rendered()[everything().paths["revision"]]


def test_too_many_fields_are_told_in_a_sentence():
    """A function longer than the conventions allow is none a good engineer writes."""
    with pytest.raises(SliceError, match="would be too long: make the slice with fewer fields"):
        render(plan("specimens", [f"field{number}:text" for number in range(70)], None, NOW))


def test_without_ruff_it_says_what_is_missing(monkeypatch: pytest.MonkeyPatch):
    """The development environment has it."""
    monkeypatch.setattr(files, "find_spec", lambda name: None if name == "ruff" else find_spec(name))
    with pytest.raises(SliceError, match=r"ruff is not installed.*plinth\[dev\]"):
        render(everything())


def test_all_files_are_written(tmp_path: Path):
    """With the folders they are in."""
    write(TEXTS, tmp_path)
    assert {path: (tmp_path / path).read_text() for path in TEXTS} == TEXTS


@pytest.mark.parametrize("there", TEXTS)
def test_a_file_that_is_there_is_kept_and_nothing_is_written(tmp_path: Path, there: Path):
    """Whichever of them it is."""
    (tmp_path / there).parent.mkdir(parents=True)
    (tmp_path / there).write_text("mine")
    before = everything_below(tmp_path)
    with pytest.raises(SliceError, match=f"{there} is there already: remove it"):
        write(TEXTS, tmp_path)
    assert everything_below(tmp_path) == before
    assert (tmp_path / there).read_text() == "mine"


@pytest.mark.parametrize("failing", TEXTS)
@pytest.mark.parametrize("failure", [OSError(errno.ENOSPC, "No space left on device"), KeyboardInterrupt()])
def test_a_write_that_fails_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, failing: Path, failure: BaseException
):
    """A full disk, or Ctrl-C, at any file: what was made goes, and what was there stays."""
    (tmp_path / "app").mkdir()
    open_ = Path.open

    def fail(path: Path, *arguments: str, **options: str):
        file = open_(path, *arguments, **options)  # type: ignore[call-overload]
        if path.name == failing.name:
            file.write = lambda _: (_ for _ in ()).throw(failure)
        return file

    monkeypatch.setattr(Path, "open", fail)
    with pytest.raises(SliceError if isinstance(failure, OSError) else KeyboardInterrupt):
        write(TEXTS, tmp_path)
    assert everything_below(tmp_path) == {Path("app")}


def test_a_folder_that_cannot_be_written_is_told_in_a_sentence(tmp_path: Path):
    """It says which file, and why."""
    (tmp_path / "app").write_text("a file")
    with pytest.raises(SliceError, match=r"app/slices/notes/one\.py cannot be written, and nothing was: "):
        write(TEXTS, tmp_path)
    assert everything_below(tmp_path) == {Path("app")}


def test_the_revision_hurts_nobody(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """The linter of migrations finds what the revision itself accepts with a reason, and nothing else."""
    Revisions(tmp_path)
    monkeypatch.setattr(scripts, "ROOT", tmp_path)
    made = everything()
    text = rendered()[made.paths["revision"]]
    (tmp_path / made.paths["revision"]).write_text(text)
    assert complaints(findings_of("core", made.lineage.revision, (made.lineage.after,)), text) == []
