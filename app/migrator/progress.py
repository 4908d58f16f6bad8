"""What a migration is doing while it runs: which revision, for how long, what it waits for, and who is in its way.

Asked of the server on the lock's connection, and told as log lines every few seconds; in a terminal, as one live line.
"""

import logging
import os
import re
import sys
import time
from dataclasses import dataclass, field
from datetime import datetime
from typing import TextIO

import asyncpg

SAY_SECONDS = 5.0
_CLOSE_SECONDS, _CLOSE_PACE, _PACE = 1.0, 0.05, 1.0
_BAR, _WIDTH = 20, 200
_BACKFILL = re.compile(r"(backfill of .*: .*), about (\d+) %")
"""What `app.migrator.safe.backfill` lets the server say."""

_ACTIVITY = """
SELECT a.wait_event_type || ': ' || a.wait_event AS waits_for,
       p.phase AS index_phase,
       coalesce(p.tuples_done::float8 / nullif(p.tuples_total, 0), p.blocks_done::float8 / nullif(p.blocks_total, 0))
         AS index_share,
       array(SELECT unnest(pg_catalog.pg_blocking_pids(a.pid))) AS blocking
  FROM pg_catalog.pg_stat_activity a LEFT JOIN pg_catalog.pg_stat_progress_create_index p USING (pid) WHERE a.pid = $1
"""
_BLOCKERS = """
SELECT pid, application_name AS application, usename AS role, xact_start AS since, query_start
  FROM pg_catalog.pg_stat_activity WHERE pid = ANY ($1::int[]) ORDER BY xact_start NULLS LAST, pid
"""

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Blocker:
    """A session that holds what the migration waits for. The times are None where this role may not see them."""

    pid: int
    application: str | None = None
    role: str | None = None
    since: datetime | None = None
    """When its transaction began."""
    query_start: datetime | None = None

    def __str__(self) -> str:
        if self.pid == 0:
            return "a prepared transaction (see pg_prepared_xacts)"
        who = ", ".join(name for name in (self.application, f"role {self.role}" if self.role else None) if name)
        times = [
            f"{what} {at:%H:%M:%S}"
            for what, at in (("in a transaction since", self.since), ("last statement at", self.query_start))
            if at is not None
        ]
        return f"process {self.pid}" + (f" ({'; '.join(filter(None, (who, *times)))})" if who or times else "")


@dataclass(frozen=True)
class Activity:
    """One look at the session that migrates."""

    waits_for: str | None = None
    """PostgreSQL's wait event, as `Lock: relation`."""
    phase: str | None = None
    """Of the index it builds, or of a backfill, if any."""
    share: float | None = None
    """How much of the phase is done, 0 to 1, where the server tells."""
    blockers: tuple[Blocker, ...] = ()

    def __str__(self) -> str:
        if self.blockers:
            return "blocked by " + ", ".join(str(blocker) for blocker in self.blockers)
        if self.phase:
            return self.phase + ("" if self.share is None else f", {self.share:.0%}")
        return f"waiting for {self.waits_for}" if self.waits_for else "working"


async def look(connection: asyncpg.Connection, pid: int) -> Activity:
    """Ask what a session is doing."""
    row = await connection.fetchrow(_ACTIVITY, pid)
    if row is None:
        return Activity()
    blockers = await connection.fetch(_BLOCKERS, row["blocking"]) if row["blocking"] else []
    prepared = (Blocker(0),) if 0 in row["blocking"] else ()
    waits_for = row["waits_for"] if (row["waits_for"] or "").startswith(("Lock", "LWLock", "IO")) else None
    found = (*(Blocker(**blocker) for blocker in blockers), *prepared)
    return Activity(waits_for, row["index_phase"], row["index_share"], found)


@dataclass
class Progress:
    """Tells of one run. `begin` each revision; `watch` is called at every beat of the lock."""

    total: int
    terminal: TextIO | None = field(default_factory=lambda: _terminal(sys.stderr))
    pid: int | None = None
    """Of the session that migrates, once it is open."""
    activity: Activity = field(default_factory=Activity)
    """What the last look found; of a revision that failed, the last with somebody in its way."""
    _revision: str = ""
    _number: int = 0
    _began: float = 0.0
    _attempted: float = 0.0
    _said: float = 0.0
    _named: frozenset[int] = frozenset()
    _told: Activity | None = None
    """What the server said by itself."""

    def begin(self, revision: str) -> None:
        self._revision, self._number = revision, self._number + 1
        self._began = self._said = time.monotonic()
        self.activity, self._named, self._told = Activity(), frozenset(), None

    def listen(self, said: str) -> None:
        """Of a backfill only the server knows how far it is, and says so every few seconds."""
        told = _BACKFILL.fullmatch(said)
        self._told = Activity(phase=told[1], share=int(told[2]) / 100) if told else None

    def pace(self) -> float:
        """Seconds until the next look. Close at the beginning, where locks are taken: a wait for one is short."""
        return _CLOSE_PACE if time.monotonic() - self._attempted < _CLOSE_SECONDS else _PACE

    def attempt(self, pid: int) -> None:
        """A session begins to work."""
        self.pid, self._attempted = pid, time.monotonic()

    async def watch(self, connection: asyncpg.Connection) -> None:
        if self.pid is None or not self._revision:
            return
        seen = await look(connection, self.pid)
        if self._told is not None and not seen.blockers:
            seen = self._told
        if seen.blockers or not self.activity.blockers:
            self.activity = seen
        self._tell(seen, time.monotonic())

    def end(self) -> None:
        """Leave the terminal as it was."""
        self._revision = ""
        self._draw("")

    def __str__(self) -> str:
        """What it is at, by the last look."""
        return self._line(self.activity, time.monotonic()) if self._revision else "preparations"

    def _line(self, seen: Activity, now: float) -> str:
        return f"{self._revision} ({self._number} of {self.total}), {now - self._began:.0f} s: {seen}"

    def _tell(self, seen: Activity, now: float) -> None:
        line = self._line(seen, now)
        self._draw(line if seen.share is None or seen.blockers else f"{_bar(seen.share)} {line}")
        blocking = frozenset(blocker.pid for blocker in seen.blockers)
        if now - self._said >= SAY_SECONDS or blocking - self._named:
            self._said = now
            self._named |= blocking
            if self.terminal is None:
                _log.info("%s", line)

    def _draw(self, line: str) -> None:
        """Overwrite the live line, and stay at its beginning: what is logged next takes its place."""
        if self.terminal is not None:
            self.terminal.write(f"\x1b[2K{line[: _width(self.terminal)]}\r")
            self.terminal.flush()


def _terminal(stream: TextIO) -> TextIO | None:
    """The stream, where a line of it can be overwritten."""
    return stream if stream.isatty() and os.environ.get("TERM") != "dumb" else None


def _width(terminal: TextIO) -> int:
    """Of one line: what is longer would wrap, and the rest of it would stay."""
    try:
        return (os.get_terminal_size(terminal.fileno()).columns or _WIDTH) - 1
    except OSError:
        return _WIDTH


def _bar(share: float) -> str:
    done = round(min(max(share, 0), 1) * _BAR)
    return "█" * done + "░" * (_BAR - done)
