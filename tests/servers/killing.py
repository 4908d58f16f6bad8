"""A migrator that is killed, by a real SIGKILL, the moment it has sent its statement number k.

The server has the statement, and nobody reads its answer: of a COMMIT nobody knows whether it happened. Each run is a
process of its own, forked from one that has imported everything.
"""

import asyncio
import multiprocessing
import os
import re
import signal
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import asyncpg

from app.db import revision
from app.db.packaged import PackagedServer
from app.db.revision import ROOT
from app.migrator import scripts
from app.migrator.run import migrate
from app.settings import Settings
from tests.servers.catalog import schema
from tests.servers.databases import TestDatabase, new_database

_READS = re.compile(r"\s*(SELECT|SHOW|SET)\b", re.IGNORECASE)
_ACTS = re.compile(r"pg_(try_)?advisory|set_config", re.IGNORECASE)
_processes = multiprocessing.get_context("forkserver")
_processes.set_forkserver_preload(["tests.servers.killing", "app.migrator.environment"])


@dataclass(frozen=True)
class Kills:
    """What came of a migration that was killed once at each of its statements."""

    statements: int
    """Those of a run that nobody killed."""
    points: int
    """Runs killed, at statement 1, 2, 3 and so on, until one ended by itself."""
    lost: list[str]
    """Why a run after a kill did not succeed, or in what its schema differs; empty where all converged."""


class _Counting:
    """An asyncpg protocol, and the death of its process at a number of statements."""

    def __init__(self, protocol: Any, counter: "_Counter") -> None:
        self._protocol = protocol
        self._counter = counter

    def __getattr__(self, name: str) -> Any:
        return getattr(self._protocol, name)

    async def query(self, query: str, *arguments: Any) -> Any:
        return await self._counter.send(query, self._protocol.query(query, *arguments))

    async def bind_execute(self, state: Any, *arguments: Any, **named: Any) -> Any:
        return await self._counter.send(state.query, self._protocol.bind_execute(state, *arguments, **named))


class _Counter:
    def __init__(self, last: int | None, *, reads: bool) -> None:
        self._last = last
        self._reads = reads
        self.sent = 0

    async def send(self, query: str, work: Any) -> Any:
        sent = asyncio.ensure_future(work)
        if self._reads or not _READS.match(query) or _ACTS.search(query):
            self.sent += 1
        if self.sent == self._last:
            await asyncio.sleep(0)  # written to the socket
            os.kill(os.getpid(), signal.SIGKILL)
        return await sent


def killed_at(statement: int | None, settings: Settings, gated: str | None, root: Path, *, reads: bool = False) -> int:
    """Run the migrations of ``root`` until that statement; 0 where the run was killed, else its number of statements.

    Statements that only read, or set something for their session, are not counted without ``reads``: to be killed after
    one is to be killed before it.
    """
    told, tell = _processes.Pipe(duplex=False)
    process = _processes.Process(target=_run, args=(statement, settings, gated, root, reads, tell))
    process.start()
    tell.close()
    process.join(60)
    assert process.exitcode in {0, -signal.SIGKILL}, process.exitcode
    return int(told.recv()) if process.exitcode == 0 else 0


def kill_everywhere(
    server: PackagedServer,
    template: str,
    *before: str,
    gated: str | None = None,
    root: Path = ROOT,
    reads: bool = False,
) -> Kills:
    """Kill at statement 1, 2, 3 and so on until a run ends by itself; each time run again, and compare the schema."""
    with new_database(server, template) as database:
        _apply(database, before)
        statements = killed_at(None, database.owner_settings, gated, root, reads=reads)
        wanted = asyncio.run(schema(database.superuser_uri))
    assert not [line for line in wanted if line.endswith("INVALID")]
    points, lost = 0, list[str]()
    while True:
        with new_database(server, template) as database:
            _apply(database, before)
            if killed_at(points + 1, database.owner_settings, gated, root, reads=reads):
                return Kills(statements, points, lost)
            points += 1
            outcome = asyncio.run(migrate(database.owner_settings, gated))
            found = asyncio.run(schema(database.superuser_uri))
            if outcome.exit_code != 0 or found != wanted:
                lost.append(f"killed at statement {points}: {sorted({*found} ^ {*wanted})} {outcome}")


def use(root: Path) -> None:
    """Let this process run the migrations of another folder."""
    for module in (scripts, revision):
        setattr(module, "ROOT", root)  # noqa: B010 - a constant to everybody else


def _apply(database: TestDatabase, statements: tuple[str, ...]) -> None:
    for statement in statements:
        asyncio.run(database.fetch(statement))


def _run(
    statement: int | None, settings: Settings, gated: str | None, root: Path, reads: bool, tell: Connection
) -> None:
    use(root)
    counter = _Counter(statement, reads=reads)
    connect = asyncpg.connect

    async def counted(**options: Any) -> asyncpg.Connection:
        connection = await connect(**options)
        connection._protocol = _Counting(connection._protocol, counter)
        return connection

    asyncpg.connect = counted
    outcome = asyncio.run(migrate(settings, gated))
    assert outcome.exit_code == 0, outcome
    tell.send(counter.sent)
