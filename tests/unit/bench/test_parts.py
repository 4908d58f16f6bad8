"""What a run keeps of the runs before it."""

from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.bench import __main__ as bench, results
from tests.bench.rounds import Measured, Turn
from tests.bench.works import WORKS


@contextmanager
def nothing(*_: Any) -> Any:
    yield None


def test_a_part_is_kept_beside_what_was_measured_before(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    """Measured in any order, works are in the order of the page; another part is not touched."""
    file = tmp_path / "http.json"
    monkeypatch.setattr(bench, "FILE", file)
    monkeypatch.setattr(bench, "load", lambda: results.load(file))
    monkeypatch.setattr(bench, "save", lambda data: results.save(data, file))
    monkeypatch.setattr(bench, "Sites", nothing)
    monkeypatch.setattr(bench, "_version", lambda _: "18.6")
    monkeypatch.setattr(bench, "PARTS", {"frozen": lambda *_: {"p99": 1}})
    turns = {"plinth": [Turn(1, 2, 3, 4, 5)]}
    monkeypatch.setattr(bench, "measure", lambda _, work: Measured(work.title, 1, turns))
    for part in ("create", "frozen", "read"):
        bench._keep(part, None, 0)  # type: ignore[arg-type]
    data = results.load(file)
    assert list(data["works"]) == [name for name in WORKS if name in {"read", "create"}]
    assert (data["frozen"], data["versions"]["postgresql"]) == ({"p99": 1}, "18.6")
