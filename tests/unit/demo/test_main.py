"""How a step of the demonstration ends."""

import sys

import pytest

from k8s.demo import __main__ as demo
from tests.cluster.console import ClusterError


def ended(monkeypatch: pytest.MonkeyPatch, *arguments: str, by: BaseException | None = None) -> int:
    def run() -> None:
        if by is not None:
            raise by

    monkeypatch.setattr(sys, "argv", ["demo", *arguments])
    monkeypatch.setitem(demo._STEPS, "up", run)
    return demo.main()


def test_what_went_well_says_nothing_more(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
    """The step said it."""
    assert ended(monkeypatch, "up") == 0
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize(
    ("error", "code", "said"), [(ClusterError("No."), 1, "No."), (KeyboardInterrupt(), 130, "Interrupted.")]
)
def test_a_failure_says_what_to_type_next(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], error: BaseException, code: int, said: str
):
    """The same again, a look, or a new beginning."""
    assert ended(monkeypatch, "up", by=error) == code
    first, _, *commands = capsys.readouterr().err.strip().splitlines()
    assert first == said
    assert [line.split("  ")[1] for line in commands[1:]] == ["make up", "tests/cluster/cluster status", "make down"]


def test_an_unknown_step_is_refused(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
    """With those there are."""
    assert ended(monkeypatch, "sideways") == 2
    assert capsys.readouterr().err == "usage: python -m k8s.demo up|upgrade|down\n"
