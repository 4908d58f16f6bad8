"""What is told while a migration runs."""

import io
import logging
import os
import sys
import termios
from datetime import UTC, datetime
from typing import Any, cast

import asyncpg
import pytest

from app.migrator.progress import Activity, Blocker, Progress

AT = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


@pytest.mark.parametrize(
    ("activity", "words"),
    [
        (Activity(), "working"),
        (Activity(phase="building index: scanning table"), "building index: scanning table"),
        (Activity(phase="building index: scanning table", share=0.456), "building index: scanning table, 46%"),
        (Activity(waits_for="IO: DataFileRead"), "waiting for IO: DataFileRead"),
        (
            Activity(blockers=(Blocker(7, "psql", "ann", AT, AT),)),
            "blocked by process 7 (psql, role ann; in a transaction since 03:04:05; last statement at 03:04:05)",
        ),
        (Activity(blockers=(Blocker(7, "psql", "ann"),)), "blocked by process 7 (psql, role ann)"),
        (Activity(blockers=(Blocker(7),)), "blocked by process 7"),
        (Activity(blockers=(Blocker(0),)), "blocked by a prepared transaction (see pg_prepared_xacts)"),
    ],
)
def test_what_it_waits_for_is_said(activity: Activity, words: str):
    """Who blocks comes first; what this role may not see is left out."""
    assert str(activity) == words


def test_a_terminal_gets_one_live_line():
    """It is overwritten in place, nothing is logged beside it, and at the end it is gone."""
    terminal = io.StringIO()
    progress = Progress(2, terminal)
    progress.begin("0001")
    progress.begin("0002")
    progress._tell(Activity(), progress._began + 3)
    progress.end()
    assert terminal.getvalue() == "\x1b[2K0002 (2 of 2), 3 s: working\r\x1b[2K\r"


def test_what_tells_how_far_it_is_gets_a_bar():
    """In the terminal, with the phase it is of."""
    terminal = io.StringIO()
    progress = Progress(1, terminal)
    progress.begin("0001")
    progress._tell(Activity(phase="building index: scanning table", share=0.25), progress._began + 3)
    assert (
        terminal.getvalue() == "\x1b[2K█████░░░░░░░░░░░░░░░ 0001 (1 of 1), 3 s: building index: scanning table, 25%\r"
    )


def test_a_line_is_no_longer_than_the_terminal_is_wide():
    """What wraps would not be overwritten."""
    main, terminal = os.openpty()
    termios.tcsetwinsize(terminal, (24, 20))
    with os.fdopen(terminal, "w") as stream:
        progress = Progress(1, stream)
        progress.begin("0001")
        progress._tell(Activity(phase="building index: scanning table"), progress._began + 3)
        assert os.read(main, 1000).decode() == "\x1b[2K0001 (1 of 1), 3 s:\r"
    os.close(main)


@pytest.mark.parametrize(("term", "live"), [("xterm", True), ("dumb", False)])
def test_a_terminal_that_cannot_overwrite_gets_lines(monkeypatch: pytest.MonkeyPatch, term: str, live: bool):
    """As a file does."""
    main, terminal = os.openpty()
    monkeypatch.setenv("TERM", term)
    with os.fdopen(terminal, "w") as stream:
        monkeypatch.setattr(sys, "stderr", stream)
        assert (Progress(1).terminal is stream) is live
    os.close(main)


async def test_a_backfill_says_by_itself_how_far_it_is(monkeypatch: pytest.MonkeyPatch):
    """What the server says last stands for what its session is seen to do, unless somebody is in the way."""
    seen = Activity(waits_for="IO: DataFileRead")

    async def look(*_: Any) -> Activity:
        return seen

    monkeypatch.setattr("app.migrator.progress.look", look)
    terminal = io.StringIO()
    progress = Progress(1, terminal, pid=7)
    progress.begin("0001")
    for said in (
        "backfill of tasks: 500 rows changed, at key 9, about 50 %",
        "backfill of tasks: 900 rows changed, done",
    ):
        progress.listen(said)
        await progress.watch(cast("asyncpg.Connection", None))
    drawn = terminal.getvalue().split("\r")
    assert drawn[0].endswith(
        "██████████░░░░░░░░░░ 0001 (1 of 1), 0 s: backfill of tasks: 500 rows changed, at key 9, 50%"
    )
    assert drawn[1].endswith("waiting for IO: DataFileRead")


def test_lines_come_every_few_seconds_and_at_once_for_who_blocks(caplog: pytest.LogCaptureFixture):
    """A new blocker is named when it is seen, and not again with each look."""
    caplog.set_level(logging.INFO)
    progress = Progress(1, None)
    progress.begin("0001")
    blocked = Activity(blockers=(Blocker(7),))
    for seconds, seen in ((1, Activity()), (2, blocked), (3, blocked), (8, Activity())):
        progress._tell(seen, progress._began + seconds)
    assert caplog.messages == ["0001 (1 of 1), 2 s: blocked by process 7", "0001 (1 of 1), 8 s: working"]
