"""What is written down of the runs, and what is told of it."""

from pathlib import Path

import pytest

from tests.cluster.commands import run
from tests.verbs.cells import Cell, possible, runs
from tests.verbs.page import page
from tests.verbs.results import Results, Tree, _commit

TREE = Tree("0.2.0", "abc1234", "0123456789ab")
CELL = Cell.named("rollback/external-17/hook/helm3")
FAILED = Cell.named("upgrade-revision/embedded/argocd/helm4")


@pytest.fixture
def results(tmp_path: Path) -> Results:
    results = Results(tmp_path / "verbs.json")
    results.record(CELL, TREE.result(passed=True, seconds=41.26, of=CELL))
    results.record_run(CELL, 63.04)
    results.record(FAILED, TREE.result(passed=False, seconds=12, of=FAILED))
    return results


def test_results_outlive_the_process(results: Results, tmp_path: Path) -> None:
    """What was written is read, so that a run that was cut off goes on where it was."""
    again = Results(tmp_path / "verbs.json")
    assert again.cells == results.cells
    assert again.cells[CELL].seconds == 41.3


def test_what_passed_with_this_tree_is_not_run_again(results: Results) -> None:
    """What failed is, and so is what passed with another tree."""
    assert results.left([CELL, FAILED], TREE) == [FAILED]
    assert results.left([CELL], Tree("0.2.0", "abc1234", "another")) == [CELL]
    assert len(results.left(runs(), TREE)) == len(runs()) - 1


def test_a_cell_that_is_no_more_is_forgotten(tmp_path: Path) -> None:
    """A row that was renamed leaves nothing in the table."""
    file = tmp_path / "verbs.json"
    file.write_text('{"renamed/external-17/hook/helm3": {}}')
    assert Results(file).cells == {}


def test_what_a_run_writes_makes_no_tree_another(tmp_path: Path) -> None:
    """A matrix that goes on where it was is told with the commit it began with; any other change is told."""
    git = ("git", "-C", tmp_path, "-c", "user.name=a", "-c", "user.email=a@b")
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "verbs.json").write_text("{}")
    run(*git, "init", "-q")
    run(*git, "add", ".")
    run(*git, "commit", "-qm", "first")
    (tmp_path / "docs" / "verbs.json").write_text('{"more": {}}')
    clean = _commit(tmp_path)
    (tmp_path / "another").touch()
    assert len(clean) >= 7
    assert _commit(tmp_path) == f"{clean}-dirty"
    assert "-" not in clean


def test_the_page_says_what_was_run(results: Results) -> None:
    """How many cells of how many, how many failed, when, and how many pairs that meets."""
    text = page(results)
    assert f"2 of {len(list(possible()))} cells were run, " in text
    assert "with 0.2.0 (abc1234); 1 failed. They meet 12 of " in text


def test_the_page_shows_each_cell(results: Results) -> None:
    """In the table by Helm, mark and seconds, and in the list by name and day."""
    text = page(results)
    row = next(line for line in text.splitlines() if line.startswith("| rollback of one release |"))
    assert row.split(" | ")[1] == "3 ✓ 41 s"
    assert "4 ✗ 12 s" in text
    assert f"| `{CELL}` | ✓ | 41.3 | 63.0 | {results.cells[CELL].when} | 0.2.0 (abc1234) |  |" in text


def test_the_page_says_why_cells_are_left_out(results: Results) -> None:
    """A dash in the table, and the reason below it."""
    text = page(results)
    row = next(line for line in text.splitlines() if line.startswith("| install `--wait` |"))
    assert row.split(" | ").count("-") + row.endswith("- |") == 3
    assert "Argo CD knows neither" in text
