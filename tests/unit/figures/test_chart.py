"""What the figures of the chart make of the results of `make verbs`."""

from pathlib import Path

from tests.figures import chart
from tests.verbs.cover import cover
from tests.verbs.results import Results, Tree


def test_the_cover_takes_what_its_whole_runs_take(tmp_path: Path) -> None:
    """Making namespaces and databases included; a cell of another run's way adds nothing."""
    results, tree, (run, another) = Results(tmp_path / "verbs.json"), Tree.of_today(), cover()[:2]
    for cell in (*run.proves, another):
        results.record(cell, tree.result(passed=True, seconds=10, of=run))
    results.record_run(run, 90)
    results.record_run(another, 60)
    figures = {figure.name: figure for figure in chart._matrix(results, tree)}
    assert figures["minutes of the cover"].value == 2.5
    assert figures["runs of the cover that did not pass with this tree"].value == len(cover()) - 2
