"""What is promised, and what a quick run makes of it."""

from collections.abc import Iterator
from contextlib import nullcontext
from itertools import chain, repeat

import pytest

from tests.bench import quick
from tests.bench.ratios import RATIOS, needed
from tests.bench.results import load
from tests.bench.rounds import ROUNDS, Turn, ratio
from tests.bench.works import WORKS, Cell
from tests.figures.figure import Figure, report


@pytest.fixture(autouse=True)
def machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is measured on: how many times the floor's CPU the app takes, in one measurement after another."""

    def turn(times: float, cell: Cell, _: int) -> Turn:
        return Turn(100 * (times if cell.label in {one.cell for one in RATIOS} else 1), 0, 0, 0, 0)

    monkeypatch.setattr(quick, "Sites", lambda times: nullcontext(next(times)))
    monkeypatch.setattr(quick, "turn", turn)


def quickly(times: Iterator[float]) -> list[Figure]:
    """The figures, where the app took twice what the floor takes before."""
    return [*quick.figures(times, quick.measure(repeat(2)))]  # type: ignore[arg-type]


def test_every_ratio_is_of_cells_that_are_measured():
    """No promise is about something nobody measures."""
    for one in RATIOS:
        assert {one.cell, one.against} <= {cell.label for cell in WORKS[one.work].cells}


def test_a_ratio_is_the_median_of_rounds():
    """A slow moment of the machine slows both, or is one of seven."""
    assert ratio([2, 4, 30], [1, 2, 3]) == 2


@pytest.mark.parametrize(("slower", "code"), [(1.0, 0), (1.1, 0), (1.2, 1)])
def test_a_layer_that_is_20_percent_slower_fails(slower: float, code: int):
    """1.12 times the committed ratio lies between noise and that; each work that is promised is looked at."""
    figures = quickly(repeat(2 * slower))
    assert {one.work for one in quick.COMPARED} == {*needed()}
    assert [figure.name for figure in figures] == [one.title for one in quick.COMPARED]
    assert report(figures) == code
    assert {figure.ok for figure in figures} == {code == 0}


def test_what_seems_slower_is_looked_at_once_more():
    """A machine that was busy for one measurement fails nothing; what is slower in both does."""
    assert report(quickly(chain([2.4], repeat(2)))) == 0
    assert report(quickly(chain([2.4, 2.4], repeat(2)))) == 1


def test_disturbed_turns_do_not_count():
    """What else the machine does meanwhile only adds."""
    assert quick.cheaper([9, 1, 8, 3]) == 2


def test_the_baseline_is_made_by_the_same_procedure():
    """The committed one has each of the cells that are compared, and as many rounds."""
    committed = load()["quick"]
    assert committed["rounds"] == ROUNDS
    for one in quick.COMPARED:
        cells = committed["works"][one.work]["cells"]
        assert {len(cells[label]["cpu"]) for label in (one.cell, one.against)} == {ROUNDS}
