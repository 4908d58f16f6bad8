"""Processes that migrate, from their start to their end: what they cost beside one `alembic upgrade head`.

Two of those: the project's own, which takes the lock and keeps the log; and a bare one, as `alembic init -t async`
makes it, with a revision that does nothing. CPU is that of the process alone.
"""

import asyncio
import compileall
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from app.db import ids
from app.db.packaged import PackagedServer
from app.db.revision import ROOT
from tests.bench.database.measurements import Measurements
from tests.bench.database.rounds import COMPARED, connected, rotated
from tests.cluster.console import step
from tests.figures.figure import Figure
from tests.figures.servers import running
from tests.integration.migrator.conftest import HEAD, REVISIONS, Revisions
from tests.processes import PLINTH, environment
from tests.servers.databases import APP, TEMPLATE, TestDatabase, new_database, prepare

ROUNDS = 9
COUNTS, COUNT_ROUNDS = (1, 3, 10, 100, 500), 3
FLIP, NOTHING = "plinth migrate --gated uuidv7", "plinth migrate, nothing to do"
ALEMBIC, BARE = "alembic upgrade head, nothing to do", "a bare project's alembic upgrade head, nothing to do"
CPU, WALL = "a process that migrates, CPU", "a process that migrates"
_ALEMBIC = (sys.executable, "-m", "alembic")
_PLINTH_ON = """
import pathlib, sys
from app.db import revision
revision.ROOT = pathlib.Path(sys.argv.pop(1))
from app.cli import main
main()
"""


@dataclass(frozen=True)
class Command:
    arguments: Sequence[str | Path]
    env: dict[str, str]
    cwd: Path = ROOT

    def run(self) -> tuple[float, float]:
        """Seconds of its CPU, and of time. Raises where it fails."""
        began = time.perf_counter()
        process = subprocess.Popen(
            self.arguments, env=self.env, cwd=self.cwd, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        assert process.stdout
        output = process.stdout.read()
        _, status, usage = os.wait4(process.pid, 0)
        wall = time.perf_counter() - began
        process.returncode = os.waitstatus_to_exitcode(status)
        assert process.returncode == 0, output
        return usage.ru_utime + usage.ru_stime, wall


def measure(into: Measurements) -> None:
    with running(18, **COMPARED) as server, tempfile.TemporaryDirectory() as folder:
        prepare(server)
        with (
            new_database(server, TEMPLATE) as database,
            new_database(server) as bare,
            step("processes that migrate", "figures"),
        ):
            _compare(_commands(database, bare, Path(folder)), database, into)
        for count in COUNTS:
            with step(f"{count} revisions", "figures"):
                _with_revisions(server, count, into)


def _settings(database: TestDatabase) -> dict[str, str]:
    return environment(database_url=database.owner_uri, database_app_role=APP)


def _commands(database: TestDatabase, bare: TestDatabase, folder: Path) -> dict[str, Command]:
    env = _settings(database)
    commands = {
        FLIP: Command((*PLINTH, "migrate", "--gated", "uuidv7"), env),
        NOTHING: Command((*PLINTH, "migrate"), env),
        ALEMBIC: Command((*_ALEMBIC, "upgrade", "head"), env),
        BARE: Command((*_ALEMBIC, "upgrade", "head"), environment(), folder),
    }
    _init(folder, bare.owner_uri)
    return commands


def _init(folder: Path, uri: str) -> None:
    """Alembic's own template for asyncpg, with one revision."""
    for arguments in (("init", "-t", "async", "migrations"), ("revision", "-m", "first")):
        subprocess.run([*_ALEMBIC, *arguments], cwd=folder, env=environment(), check=True, capture_output=True)
        ini = folder / "alembic.ini"
        url = uri.replace("postgresql://", "postgresql+asyncpg://").replace("?sslmode=disable", "?ssl=disable")
        ini.write_text(ini.read_text().replace("driver://user:pass@localhost/dbname", url))


def _compare(commands: dict[str, Command], database: TestDatabase, into: Measurements) -> None:
    for command in commands.values():
        command.run()  # compiled, and cached by the kernel
    for number in range(ROUNDS):
        for name in rotated([*commands], number):
            if name == FLIP:
                asyncio.run(_back(database))
            cpu, wall = commands[name].run()
            if name == FLIP:
                assert asyncio.run(database.fetchval("SELECT plinth_id()")).version == 7
            into.add(CPU, name, "s", cpu)
            into.add(WALL, name, "s", wall)


async def _back(database: TestDatabase) -> None:
    """As a database is whose server has become an 18 this moment."""
    async with connected(database.owner_uri) as connection:
        await connection.execute(ids.make_random())
        await connection.execute("DELETE FROM alembic_version_gated")
        await connection.execute("DELETE FROM plinth_migration_log WHERE lineage = 'gated'")


def _with_revisions(server: PackagedServer, count: int, into: Measurements) -> None:
    """All of them on an empty database, and then nothing."""
    with tempfile.TemporaryDirectory() as name, new_database(server) as one, new_database(server) as other:
        folder = Path(name)
        _revisions(folder, count)
        ini = folder / "alembic.ini"
        commands = {
            "plinth migrate": Command((sys.executable, "-c", _PLINTH_ON, folder, "migrate"), _settings(one)),
            "alembic upgrade head": Command((*_ALEMBIC, "-c", ini, "upgrade", "head"), _settings(other)),
        }
        for what in (f"{count} revisions, CPU of all", *[f"{count} revisions, CPU of none"] * COUNT_ROUNDS):
            for variant, command in commands.items():
                into.add(what, variant, "s", command.run()[0])


def _revisions(folder: Path, count: int) -> None:
    """The project's, less some or with more that do nothing."""
    made = Revisions(folder)
    versions = folder / "migrations" / "versions"
    for file in sorted(versions.glob("*.py"))[count:]:
        file.unlink()
    after = HEAD
    for number in range(count - len(REVISIONS)):
        after = made.statements("SELECT 1", name=f"{9000 + number}", after=after)
    compileall.compile_dir(versions, quiet=1)


def figures(found: Measurements) -> Iterator[Figure]:
    yield Figure("server says 18 to first v7 row, a process, CPU", found.ratio(CPU, FLIP, ALEMBIC), "x", 1.1)
    yield Figure("server says 18 to first v7 row, a process", found.ratio(WALL, FLIP, ALEMBIC), "x", 1.1)
