"""What commands show where there is a terminal, and where there is none."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TextIO

import click
import pytest

from app.cli.migrate import told
from app.cli.terminal import Painted, aligned, show
from app.outcome import Outcome
from tests.processes import PLINTH, environment

ROWS = [(Painted("state", dim=True), Painted("current", fg="green")), ("ids", "v7"), ("none", Painted(""))]
PLAIN = ["state  current", "ids    v7", "none"]


@contextmanager
def terminal() -> Iterator[tuple[TextIO, int]]:
    """A terminal to write to, and a descriptor to read what it got."""
    main, other = os.openpty()
    with os.fdopen(other, "w") as stream:
        yield stream, main
    os.close(main)


def shown(monkeypatch: pytest.MonkeyPatch, **variables: str) -> str:
    for name in ("NO_COLOR", "TERM"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    with terminal() as (stream, main):
        show(list(aligned(ROWS)), stream)
        return os.read(main, 10_000).decode().replace("\r\n", "\n")


def test_columns_are_aligned_whatever_their_colours():
    """A colour has no width, and no line ends in blanks."""
    lines = list(aligned(ROWS))
    assert [click.unstyle(line) for line in lines] == PLAIN
    assert lines[2] == "none"


def test_a_terminal_gets_colours(monkeypatch: pytest.MonkeyPatch):
    """Around the text, and not around the blanks after it."""
    assert shown(monkeypatch).startswith("\x1b[2mstate\x1b[0m  \x1b[32mcurrent\x1b[0m\n")


@pytest.mark.parametrize("variables", [{"NO_COLOR": "1"}, {"TERM": "dumb"}])
def test_who_wants_none_gets_no_colours(monkeypatch: pytest.MonkeyPatch, variables: dict[str, str]):
    """By the usual variables."""
    assert shown(monkeypatch, **variables) == "\n".join([*PLAIN, ""])


def test_a_file_gets_no_colours(capsys: pytest.CaptureFixture[str]):
    """Nor does a pipe."""
    import sys  # noqa: PLC0415 - while it is captured

    show(list(aligned(ROWS)), sys.stdout)
    assert capsys.readouterr().out == "\n".join([*PLAIN, ""])


def test_how_a_migration_ended_is_told():
    """In a sentence, and with from where to where, the server left out that was never seen."""
    applied = Outcome("applied", "core", "Applied 0002.", frozenset({"0001"}), frozenset({"0002"}), seconds=0.42)
    assert [click.unstyle(line) for line in told(applied)] == ["Applied 0002.", "  core  0001 -> 0002", "  time  0.4 s"]
    failed = Outcome("failed", "core", "No.", attempts=3, exit_code=5)
    assert [click.unstyle(line).split() for line in told(failed)][2:] == [
        ["attempts", "3"],
        ["time", "0.0", "s"],
        ["exit", "code", "5"],
    ]


@pytest.mark.parametrize(
    ("options", "last"),
    [([], "  exit code  2"), (["--json"], '{"outcome": "failed"'), (["--nothing"], "  exit code  2")],
)
def test_migrate_ends_in_words_for_a_person_who_asks_for_no_json(options: list[str], last: str):
    """In a terminal; here where nothing is configured, or something is asked for that is not there."""
    with terminal() as (stream, main):
        command = [*PLINTH, "migrate", *options]
        variables = {**environment(), "NO_COLOR": "1", "TERM": "xterm"}
        done = subprocess.run(command, env=variables, stdout=stream, stderr=subprocess.DEVNULL, check=False)
        lines = os.read(main, 10_000).decode().splitlines()
    assert done.returncode == 2
    assert lines[-1].startswith(last)
