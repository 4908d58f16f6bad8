"""The flip to native ids: what it takes beside 20, 200 and 1,000 tables, and what clients see of it meanwhile."""

import asyncio
import sys
from asyncio.subprocess import DEVNULL, PIPE
from collections.abc import Awaitable, Callable, Iterator
from contextlib import AsyncExitStack, ExitStack

from app.db import ids
from app.db.packaged import PackagedServer
from app.db.revision import ROOT
from tests.bench.database.measurements import Measurements
from tests.bench.database.rounds import COMPARED, connected, executed, rotated
from tests.cluster.console import step
from tests.figures.figure import Figure
from tests.figures.servers import running
from tests.figures.traffic import Tally, traffic
from tests.processes import environment
from tests.servers.databases import APP, TEMPLATE, TestDatabase, new_database, prepare

TABLES, FLIPS = (20, 200, 1000), 41
DDL, CPU = "the flip's DDL", "the flip's DDL, CPU"
WINDOWS, SECONDS = 9, 3.0
READ = 20
WORST, WITH, WITHOUT = f"worst insert in {SECONDS:g} s under a reader", "with the flip", "without"

# It has imported everything when it says so, as its processor would be another's: the migrator is a Job of its own.
# For the same reason it leaves this machine's to whoever else wants it.
_MIGRATOR = """
import asyncio, os, sys
from app.migrator import environment
from app.migrator.run import migrate
from app.settings import load_settings
os.nice(19)
print("ready", flush=True)
sys.stdin.readline()
sys.exit(asyncio.run(migrate(load_settings(), "uuidv7")).exit_code)
"""


def measure(into: Measurements) -> None:
    with running(18, **COMPARED) as server:
        prepare(server)
        with step(f"{DDL} beside {' and '.join(map(str, TABLES))} tables", "figures"):
            _beside_tables(server, into)
        with (
            new_database(server, TEMPLATE) as database,
            step(f"{WINDOWS} flips under load, and as long without", "figures"),
        ):
            _create_tables(database, READ)
            for number in range(WINDOWS):
                for window in rotated((_with, _without), number):
                    window(database, into)


def _beside_tables(server: PackagedServer, into: Measurements) -> None:
    with ExitStack() as stack:
        databases = {count: stack.enter_context(new_database(server, TEMPLATE)) for count in TABLES}
        for count, database in databases.items():
            _create_tables(database, count)
        asyncio.run(_replace(databases, into))


def _create_tables(database: TestDatabase, count: int) -> None:
    statements = (f"CREATE TABLE t{n} (id uuid PRIMARY KEY DEFAULT public.plinth_id())" for n in range(count))
    asyncio.run(_execute(database.owner_uri, "; ".join(statements)))


async def _execute(uri: str, statements: str) -> None:
    async with connected(uri) as connection:
        await connection.execute(statements)


async def _replace(databases: dict[int, TestDatabase], into: Measurements) -> None:
    """The one statement, over and over, there and back."""
    async with AsyncExitStack() as stack:
        connections = {
            count: await stack.enter_async_context(connected(database.owner_uri))
            for count, database in databases.items()
        }
        for number in range(FLIPS):
            for count in rotated(TABLES, number):
                await connections[count].execute(ids.make_random())
                cost = await executed(connections[count], ids.make_native())
                if number:  # the first reads the catalogs
                    into.add(DDL, f"{count:,} tables", "ms", cost.wall * 1e3)
                    into.add(CPU, f"{count:,} tables", "ms", cost.server * 1e3)


def _with(database: TestDatabase, into: Measurements) -> None:
    tally = asyncio.run(_flipped(database))
    assert (tally.versions, tally.errors) == ({4, 7}, 0), f"no flip among the inserts, or errors: {tally}"
    into.add(WORST, WITH, "ms", max(tally.taken) * 1e3)


def _without(database: TestDatabase, into: Measurements) -> None:
    tally = asyncio.run(_window(database, _nothing))
    assert tally.errors == 0
    into.add(WORST, WITHOUT, "ms", max(tally.taken) * 1e3)


async def _flipped(database: TestDatabase) -> Tally:
    """Back to v4, and then by the migrator as it is."""
    async with connected(database.owner_uri) as connection:
        await connection.execute(ids.make_random())
        await connection.execute("DELETE FROM alembic_version_gated")
        await connection.execute("DELETE FROM plinth_migration_log WHERE lineage = 'gated'")
    settings = environment(database_url=database.owner_uri, database_app_role=APP)
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", _MIGRATOR), env=settings, cwd=ROOT, stdin=PIPE, stdout=PIPE, stderr=DEVNULL
    )
    assert process.stdout
    assert await process.stdout.readline() == b"ready\n"

    async def flip() -> None:
        await process.communicate(b"\n")
        assert process.returncode == 0

    return await _window(database, flip)


async def _nothing() -> None:
    """Happens meanwhile."""


async def _window(database: TestDatabase, meanwhile: Callable[[], Awaitable[None]]) -> Tally:
    inserts = [f"INSERT INTO t{number} DEFAULT VALUES RETURNING id" for number in range(READ)]
    reader = "; ".join(f"SELECT count(*) FROM t{number}" for number in range(READ))
    return await traffic(database, inserts, reader, meanwhile, SECONDS)


def figures(found: Measurements) -> Iterator[Figure]:
    few, many = f"{TABLES[0]:,} tables", f"{TABLES[-1]:,} tables"
    yield Figure(f"{WORST}: {WITH}/{WITHOUT}", found.ratio(WORST, WITH, WITHOUT), "x", 2)
    yield Figure(f"{DDL}: {many}/{few}", found.ratio(DDL, many, few), "x", 1.5)
    yield Figure(f"{CPU}: {many}/{few}", found.ratio(CPU, many, few), "x", 1.5)
