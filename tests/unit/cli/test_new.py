"""`plinth new`, as it is typed."""

from pathlib import Path

import pytest
from click.testing import CliRunner

from app.cli import cli
from app.db.revision import ROOT
from app.scaffold import SliceError, files
from app.scaffold.kinds import KINDS


def test_help_says_which_types_there_are():
    """With what each holds."""
    said = CliRunner().invoke(cli, ["new", "slice", "--help"]).output
    assert all(f"{kind.usage} " in said for kind in KINDS.values())
    assert all(kind.meaning in said for kind in KINDS.values())


def test_what_is_wrong_ends_in_one_sentence():
    """And exit code 2; nothing is made."""
    error = CliRunner().invoke(cli, ["new", "slice", "invoices", "number:varchar"]).exception
    assert isinstance(error, SliceError)
    assert error.exit_code == 2
    assert "\n" not in str(error)


@pytest.mark.parametrize("arguments", [["new"], ["new", "slice"]])
def test_nothing_is_made_of_nothing(arguments: list[str]):
    """A slice needs a name."""
    assert CliRunner().invoke(cli, arguments).exit_code == 2


def test_the_page_has_the_types_that_help_has():
    """In the same words."""
    page = (ROOT / "docs" / "slices.md").read_text()
    rows = [f"| `{kind.usage}` | {kind.meaning} |" for kind in KINDS.values()]
    assert [line for line in page.splitlines() if line in rows] == rows


def test_a_slice_is_made(monkeypatch: pytest.MonkeyPatch):
    """The files are named, and what to do next; without fields there is a name."""
    written: dict[Path, str] = {}
    monkeypatch.setattr(files, "write", written.update)
    said = CliRunner().invoke(cli, ["new", "slice", "specimens"]).output
    assert [line.removeprefix("made  ") for line in said.splitlines()[:7]] == [str(path) for path in written]
    assert "A single one is called specimen." in said
    assert ".venv/bin/pytest tests/integration/slices/test_specimens.py" in said
    assert "name: ShortText" in written[Path("app/slices/specimens/schemas.py")]
