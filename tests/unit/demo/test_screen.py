"""What the person at `make up` sees, in a terminal and in a file."""

import os
import re
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import pytest

from k8s.demo import screen


@contextmanager
def terminal(monkeypatch: pytest.MonkeyPatch, **variables: str) -> Iterator[list[str]]:
    """Standard output is a terminal; what it got is in the list at the end."""
    monkeypatch.setattr(screen, "_TICK_SECONDS", 0.01)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.delenv("NO_COLOR", raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    got: list[str] = []
    main, other = os.openpty()
    with os.fdopen(other, "w") as stream, monkeypatch.context() as patched:
        patched.setattr(sys, "stdout", stream)  # here and not in a fixture, after which pytest sets its own
        yield got
        os.set_blocking(main, False)
        got.append(b"".join(chunks(main)).decode())
    os.close(main)


def chunks(descriptor: int) -> Iterator[bytes]:
    """All that is there: a terminal gives it in pieces."""
    with suppress(BlockingIOError):
        while True:
            yield os.read(descriptor, 4096)


def left(text: str) -> list[str]:
    """The lines that stay, without colours: what was overwritten is gone."""
    plain = re.sub(r"\x1b\[\d+m", "", text)
    return [line.rpartition("\x1b[2K")[2].strip() for line in plain.split("\n")[:-1]]


def test_a_file_gets_one_line_a_step(capsys: pytest.CaptureFixture[str]):
    """At its end, with its time, and without codes."""
    with screen.step("A cluster"):
        assert capsys.readouterr().out == ""
    assert re.fullmatch(r"✓ A cluster  0\.\d s\n", capsys.readouterr().out)


def test_a_terminal_sees_the_seconds_pass(monkeypatch: pytest.MonkeyPatch):
    """On the step's own line, which its end replaces."""
    with terminal(monkeypatch) as got, screen.step("A cluster"):
        time.sleep(0.1)
    (text,) = got
    assert text.count("A cluster") > 3
    assert re.fullmatch(r"✓ A cluster  0\.\d s", *left(text))


def test_what_is_said_meanwhile_stays(monkeypatch: pytest.MonkeyPatch):
    """Above the step's line."""
    with terminal(monkeypatch) as got, screen.step("A cluster"):
        screen.say("a new id")
    assert [line[:9].strip() for line in left(got[0])] == ["a new id", "✓ A clust"]


def test_a_step_that_fails_says_so(capsys: pytest.CaptureFixture[str]):
    """With its time; the error goes on."""
    with pytest.raises(KeyboardInterrupt), screen.step("A cluster"):
        raise KeyboardInterrupt
    assert capsys.readouterr().out.startswith("✗ A cluster  0.")


@pytest.mark.parametrize(("variables", "coloured"), [({}, True), ({"NO_COLOR": "1"}, False)])
def test_who_wants_no_colours_gets_none(monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], *, coloured: bool):
    """By NO_COLOR."""
    with terminal(monkeypatch, **variables) as got:
        screen.heading("Plinth is up")
    assert ("\x1b[1m" in got[0]) is coloured


@pytest.mark.parametrize(("seconds", "read"), [(4.24, "4.2 s"), (185, "3 min 5 s")])
def test_times_are_as_one_reads_them(seconds: float, read: str):
    """In minutes from one on."""
    assert screen.time_of(seconds) == read
