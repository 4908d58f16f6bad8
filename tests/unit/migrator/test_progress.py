"""What is told while a migration runs."""

import io
import logging
from datetime import UTC, datetime

import pytest

from app.migrator.progress import Activity, Blocker, Progress

AT = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


@pytest.mark.parametrize(
    ("activity", "words"),
    [
        (Activity(), "working"),
        (Activity(phase="building index: scanning table"), "building index: scanning table"),
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


def test_lines_come_every_few_seconds_and_at_once_for_who_blocks(caplog: pytest.LogCaptureFixture):
    """A new blocker is named when it is seen, and not again with each look."""
    caplog.set_level(logging.INFO)
    progress = Progress(1, None)
    progress.begin("0001")
    blocked = Activity(blockers=(Blocker(7),))
    for seconds, seen in ((1, Activity()), (2, blocked), (3, blocked), (8, Activity())):
        progress._tell(seen, progress._began + seconds)
    assert caplog.messages == ["0001 (1 of 1), 2 s: blocked by process 7", "0001 (1 of 1), 8 s: working"]
