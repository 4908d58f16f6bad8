"""A figure and its limit, and what the command makes of all of them."""

import pytest

from tests.figures.figure import Figure, report

OK = Figure("rows lost", 0, "", 0)
SHORT = Figure("seconds to be ready", 10.5, "s", 10)


@pytest.mark.parametrize(
    ("figures", "code"),
    [([OK], 0), ([SHORT], 1), ([OK, SHORT], 1), ([SHORT, OK], 1)],
    ids=["ok", "short", "last", "first"],
)
def test_one_short_figure_is_exit_code_1(figures: list[Figure], code: int, capsys: pytest.CaptureFixture[str]) -> None:
    """Each is printed in its turn with its verdict, those after a short one too."""
    assert report(figures) == code
    lines = capsys.readouterr().out.splitlines()
    assert lines == [str(figure) for figure in figures]
    assert [line.split()[-1] for line in lines] == ["ok" if figure is OK else "short" for figure in figures]


def test_a_limit_may_be_reached() -> None:
    """What is exactly at its limit is within it."""
    assert (Figure("at it", 10, "s", 10).ok, SHORT.ok) == (True, False)
