"""The last line of a run."""

import json

import pytest

from app.errors import RevisionFailed
from app.outcome import LONGEST_LINE, Outcome, failed, last_line


def test_a_long_message_is_cut_and_the_line_stays_a_document():
    """A server's complaint may have any length, in any script; a termination message has at most 4096 bytes."""
    line = str(failed(RevisionFailed("ü" * 5000), "core"))
    assert len(line.encode()) <= LONGEST_LINE
    assert json.loads(line)["message"].endswith("ü…")


def test_very_many_revisions_are_shortened():
    """A first migration of a large project names its last revisions."""
    numbers = tuple(f"{number:032}" for number in range(1000))
    line = str(Outcome("applied", "core", "Applied.", revisions=numbers))
    assert len(line) <= LONGEST_LINE
    assert json.loads(line)["revisions"][-1] == numbers[-1]


def test_a_short_line_is_whole():
    """Nothing is cut that fits."""
    assert json.loads(str(failed(RevisionFailed("No."), "gated")))["message"] == "No."


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('starting\n{"outcome": "failed", "message": "no lock"}\n', "no lock"),
        ("Traceback\nKeyError: 'x'\n", "KeyError: 'x'"),
        ("[1, 2]", "[1, 2]"),
        ("", ""),
    ],
)
def test_the_last_line_is_the_migrators_word(text: str, message: str) -> None:
    """JSON where it came so far, else what stands there."""
    assert last_line(text)["message"] == message


def test_the_operator_reads_what_the_migrator_wrote():
    """Whatever else the run said before it."""
    written = str(failed(RevisionFailed("No."), "gated"))
    assert last_line(f"upgrading\n{written}\n") == json.loads(written)
