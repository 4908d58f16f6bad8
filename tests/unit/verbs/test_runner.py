"""What is recorded of a run, by what happens in it."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import pytest

from tests.cluster.console import ClusterError
from tests.verbs import page
from tests.verbs.__main__ import selected, summary
from tests.verbs.cells import Cell, runs
from tests.verbs.cover import cover
from tests.verbs.results import Results, Tree
from tests.verbs.runner import Runner, Tally, run_all

TREE = Tree("0.2.0", "abc1234", "0123456789ab")
CELL = Cell.named("reinstall/external-17/argocd/helm3")


class Stub:
    """Goes through a cell until one of its parts fails."""

    def __init__(self, failing: Cell | None, error: Exception) -> None:
        self.failing, self.error = failing, error

    def steps(self, cell: Cell) -> Iterator[tuple[Cell, float]]:
        for one in cell.proves:
            if one == self.failing:
                raise self.error
            yield one, 7.0


@pytest.fixture
def results(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Results:
    monkeypatch.setattr(page, "write", lambda _: None)
    return Results(tmp_path / "verbs.json")


def run(results: Results, failing: Cell | None, error: Exception | None = None) -> Tally:
    stub: Any = Stub(failing, error or ClusterError("it did not work"))
    return run_all(cast("Runner", stub), [CELL], results, TREE)


def test_a_run_proves_every_cell_on_its_way(results: Results) -> None:
    """Each with its own seconds, and the name of the run."""
    assert run(results, None).passed == [CELL]
    assert {cell: (one.passed, one.seconds, one.run) for cell, one in results.cells.items()} == dict.fromkeys(
        CELL.proves, (True, 7.0, str(CELL))
    )


def test_a_run_has_its_whole_time(results: Results) -> None:
    """Beside its own cell, whether that passed or not; the cells on its way have none."""
    for failing in (None, CELL.proves[1]):
        run(results, failing)
        seconds = [results.cells[cell].run_seconds for cell in CELL.proves]
        assert seconds[:-1] == [None] * (len(seconds) - 1)
        assert seconds[-1] is not None


def test_what_fails_on_the_way_fails_the_run(results: Results) -> None:
    """What passed before it has passed; the run's own cell has not, and the run is told of."""
    tally = run(results, CELL.proves[1])
    assert tally.failed == [CELL]
    assert [results.cells[cell].passed for cell in CELL.proves] == [True, False, False]
    assert f"failed: {CELL}" in summary(tally, 3.25)
    assert "0 of 1 runs passed, in 3.2 minutes" in summary(tally, 3.25)


def test_a_check_that_fails_is_a_failure_too(results: Results) -> None:
    """Not only what a program says counts."""
    assert run(results, CELL, AssertionError("an id is gone")).failed == [CELL]


def test_a_mistake_in_the_tests_ends_them(results: Results) -> None:
    """It is nobody's result."""
    with pytest.raises(TypeError):
        run(results, CELL, TypeError("not what was meant"))
    assert CELL not in results.cells


def test_the_cover_is_run_anew_and_the_rest_where_it_was(results: Results) -> None:
    """ALL=1 and --resume leave out what passed with this tree; a run that is named is made whatever became of it."""
    run(results, None)
    assert selected(None, results, TREE) == cover()
    assert selected(None, results, TREE, everything=True) == [cell for cell in runs() if cell != CELL]
    assert CELL not in selected(None, results, TREE, resume=True)
    assert selected(["reinstall/*/argocd/helm3"], results, TREE).count(CELL) == 1
    assert selected(["install/*"], results, TREE) == []
