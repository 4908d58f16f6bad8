"""What a run keeps of the runs before it, and what of them counts for figures."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.bench import __main__ as bench, page, parts
from tests.bench.parts import PARTS, Bench, Part
from tests.bench.results import load
from tests.figures import performance
from tests.figures.figure import Figure, report

Made = list[str]


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Made:
    """Four parts, three of them promised and one in a section, which note in turn that they were measured."""
    made: Made = []

    def measure(name: str) -> Callable[[Bench], Any]:
        return lambda _: made.append(name) or {"value": len(made)}

    def figures(data: Any) -> Iterator[Figure]:
        yield Figure("value", data["value"], "", 9)

    file = tmp_path / "kept.json"
    known = (
        Part("read", file, measure("read"), figures, "works"),
        Part("create", file, measure("create"), figures, "works"),
        Part("starts", file, measure("starts"), figures),
        Part("rows", file, measure("rows")),
    )
    for module in (bench, parts, performance):
        monkeypatch.setattr(module, "PARTS", {part.name: part for part in known})
    monkeypatch.setattr(page, "main", lambda: True)
    monkeypatch.setattr(parts, "tree", lambda: "this")
    monkeypatch.setattr(performance, "tree", lambda: "this")
    return made


def broken(_: Bench) -> Any:
    raise OSError("no space left on device")


def test_a_part_is_kept_beside_what_was_measured_before(made: Made, tmp_path: Path):
    """Measured in any order they are in that of the page; another part is not touched."""
    for name in ("create", "starts", "read"):
        assert bench.measure([name]) == 0
    data = load(tmp_path / "kept.json")
    assert list(data["works"].items()) == [("read", {"value": 3}), ("create", {"value": 1})]
    assert (data["starts"], list(data["made"])) == ({"value": 2}, ["read", "create", "starts"])
    assert data["versions"]["postgresql"].startswith("18.")


def test_a_part_that_fails_is_told_and_the_others_go_on(
    made: Made, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    """What was kept of it before stays; the command exits 1."""
    bench.measure(["starts"])
    monkeypatch.setitem(bench.PARTS, "starts", Part("starts", PARTS["starts"].file, broken))  # type: ignore[arg-type]
    assert bench.measure(["starts", "rows"]) == 1
    assert made == ["starts", "rows"]
    told = capsys.readouterr().err
    assert "starts could not be measured" in told
    assert "no space left on device" in told


def test_figures_are_of_what_was_measured_with_this_tree(made: Made, monkeypatch: pytest.MonkeyPatch):
    """What is missing, or was measured with another tree, is measured; what is promised nothing of is not."""
    monkeypatch.setattr(parts, "tree", lambda: "another")
    bench.measure(["read"])
    monkeypatch.setattr(parts, "tree", lambda: "this")
    bench.measure(["create"])
    assert [figure.value for figure in performance.figures()] == [3, 2, 4, 0]
    assert made == ["read", "create", "read", "starts"]
    assert [figure.value for figure in performance.figures()] == [3, 2, 4, 0]
    assert [figure.value for figure in performance.figures(anew=True)] == [5, 6, 7, 0]


def test_figures_of_a_part_that_fails_are_short(made: Made, monkeypatch: pytest.MonkeyPatch):
    """The others are told, and the exit code is 1."""
    known = performance.PARTS
    monkeypatch.setitem(known, "create", Part("create", known["create"].file, broken, known["create"].figures))  # type: ignore[index]
    figures = [*performance.figures()]
    assert [figure.value for figure in figures] == [1, 2, 1]
    assert report(figures) == 1
