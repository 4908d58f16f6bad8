"""What is promised, and what a quick run makes of it."""

from contextlib import contextmanager
from typing import Any

import pytest

from tests.bench import __main__ as bench
from tests.bench.ratios import RATIOS
from tests.bench.rounds import Measured, Turn, ratio
from tests.bench.works import WORKS
from tests.figures.figure import Figure, report

ROUNDS = 7


def measured(name: str, **slower: float) -> Measured:
    """Every cell took 100 µs, these so many times as much."""
    cells = WORKS[name].cells
    turns = {cell.label: [Turn(100 * slower.get(cell.label, 1), 0, 0, 0, 0)] * ROUNDS for cell in cells}
    return Measured(WORKS[name].title, 1, turns)


COMMITTED = {name: measured(name).asdict() for name in WORKS}


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> Any:
    """A quick run in which the app took so many times what it took before."""

    @contextmanager
    def nothing(*_: Any) -> Any:
        yield None

    def run(slower: float) -> list[Figure]:
        def measure(_: Any, work: Any, *__: Any) -> Measured:
            return measured(work.name, plinth=slower, **{"plinth-rls": slower, "readyz": slower})

        monkeypatch.setattr(bench, "ground", nothing)
        monkeypatch.setattr(bench, "Sites", nothing)
        monkeypatch.setattr(bench, "measure", measure)
        return list(bench.quick(COMMITTED))

    return run


def test_every_ratio_is_of_cells_that_are_measured():
    """No promise is about something nobody measures."""
    for one in RATIOS:
        assert {one.cell, one.against} <= {cell.label for cell in WORKS[one.work].cells}


def test_a_ratio_is_the_median_of_rounds():
    """A slow moment of the machine slows both, or is one of seven."""
    assert ratio([2, 4, 30], [1, 2, 3]) == 2


@pytest.mark.parametrize(("slower", "code"), [(1.0, 0), (1.1, 0), (1.2, 1)])
def test_a_layer_that_is_20_percent_slower_fails(quick: Any, slower: float, code: int):
    """1.12 times the committed ratio lies between noise and that."""
    figures = quick(slower)
    assert [figure.name for figure in figures] == [one.title for one in RATIOS]
    assert report(figures) == code
    assert {figure.ok for figure in figures} == {code == 0}
