"""That migrations do not hurt: `make figures-migrations`. Real servers and real processes, on this machine."""

import asyncio
import json
import statistics
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from itertools import chain
from pathlib import Path

from app.db import ids
from app.db.packaged import PackagedServer
from app.db.revision import ROOT
from tests.cluster.console import step
from tests.figures import ids as figures_of_ids
from tests.figures.figure import Figure, report
from tests.figures.servers import running
from tests.figures.traffic import traffic
from tests.integration.migrator.conftest import REVISIONS, Revisions
from tests.integration.migrator.test_killed import RANDOM, ROWS, SAFE_FORMS
from tests.processes import PLINTH, environment, plinth
from tests.servers.databases import APP, TEMPLATE, TestDatabase, new_database, prepare
from tests.servers.fixtures import FAST
from tests.servers.killing import kill_everywhere, use

TABLES = 20
ROUNDS = 5
Run = tuple[tuple[str, ...], str | None, Path]
"""Template and what is done before, the gated revision, and the folder of the migrations."""
HOLDERS = {"reader": "SELECT count(*) FROM projects", "writer": "INSERT INTO projects (name) VALUES ('long')"}
FLIP_SECONDS, WAIT_SECONDS = 10, 60


def figures() -> Iterator[Figure]:
    """Measure, one after the other."""
    with _servers() as (old, new):
        with new_database(new) as database:
            yield from _five_at_once(database)
        with new_database(new, TEMPLATE) as database:
            yield Figure("plinth migrate with nothing to do", _median_of_nothing(database), "s", 2)
        with new_database(new, TEMPLATE) as database:
            yield from _flip(database)
        for name, statement in HOLDERS.items():
            with new_database(new, TEMPLATE) as database:
                yield Figure(f"p99 while a table waits for a long {name}", _behind(database, statement), "ms", 50)
        yield from _killed((old, new))


@contextmanager
def _servers() -> Iterator[tuple[PackagedServer, PackagedServer]]:
    with running(17, **FAST) as old, running(18, **FAST) as new:
        yield prepare(old), prepare(new)


def _five_at_once(database: TestDatabase) -> Iterator[Figure]:
    with ThreadPoolExecutor() as pool:
        migrate = partial(plinth, "migrate", database_url=database.owner_uri, database_app_role=APP)
        ended = [one.result() for one in [pool.submit(migrate) for _ in range(5)]]
    yield Figure("five migrators at once, exits other than 0", sum(one.returncode != 0 for one in ended), "", 0)
    yield Figure("revisions not applied exactly once", not_once([one.stdout for one in ended]), "", 0)


def not_once(outputs: Sequence[str]) -> int:
    """How many of the core revisions were not applied by exactly one run, as the last lines of all say."""
    applied = Counter(chain.from_iterable(json.loads(output.splitlines()[-1])["revisions"] for output in outputs))
    return sum(applied[revision] != 1 for revision in REVISIONS)


def _median_of_nothing(database: TestDatabase) -> float:
    taken = []
    for _ in range(ROUNDS):
        began = time.monotonic()
        plinth("migrate", database_url=database.owner_uri, database_app_role=APP).check_returncode()
        taken.append(time.monotonic() - began)
    return statistics.median(taken)


def _flip(database: TestDatabase) -> Iterator[Figure]:
    """20 tables, each with the id function as its default, all read by one long transaction."""
    asyncio.run(database.fetch(ids.make_random()))
    for number in range(TABLES):
        asyncio.run(database.fetch(f"CREATE TABLE t{number} (id uuid PRIMARY KEY DEFAULT public.plinth_id())"))
    inserts = [f"INSERT INTO t{number} DEFAULT VALUES RETURNING id" for number in range(TABLES)]
    reader = "; ".join(f"SELECT count(*) FROM t{number}" for number in range(TABLES))
    flip = _migrator(database, *PLINTH, "migrate", "--gated", "uuidv7")
    tally = asyncio.run(traffic(database, inserts, reader, flip, FLIP_SECONDS))
    assert tally.versions == {4, 7}, f"no flip in the {FLIP_SECONDS} s that were measured: versions {tally.versions}"
    yield Figure("worst stall of a client during the flip", max(tally.taken) * 1000, "ms", 50)
    yield Figure("errors of clients during the flip", tally.errors, "", 0)


def _behind(database: TestDatabase, holder: str) -> float:
    """A revision that wants a table which a transaction holds for a minute, with the settings' defaults."""
    with tempfile.TemporaryDirectory() as folder:
        revisions = Revisions(Path(folder))
        revisions.statements("ALTER TABLE projects ADD COLUMN more text")
        migrator = _migrator(database, sys.executable, "-c", _MIGRATE, folder)
        inserts = ["INSERT INTO projects (name) VALUES ('short') RETURNING id"]
        tally = asyncio.run(traffic(database, inserts, holder, migrator, WAIT_SECONDS))
        assert tally.errors == 0
        return statistics.quantiles(tally.taken, n=100)[98] * 1000


_MIGRATE = """
import asyncio, pathlib, sys
from app.migrator.run import migrate
from app.settings import load_settings
from tests.servers.killing import use
use(pathlib.Path(sys.argv[1]))
sys.exit(asyncio.run(migrate(load_settings())).exit_code)
"""


def _migrator(database: TestDatabase, *command: str) -> Callable[[], Awaitable[None]]:
    """A process that migrates, from its start to its end."""
    settings = environment(database_url=database.owner_uri, database_app_role=APP)

    async def run() -> None:
        process = await asyncio.create_subprocess_exec(
            *command, env=settings, cwd=ROOT, stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL
        )
        assert await process.wait() == 0

    return run


def _killed(servers: Sequence[PackagedServer]) -> Iterator[Figure]:
    """At every statement, those that only read too: both lineages, and the safe forms."""
    kills = []
    with tempfile.TemporaryDirectory() as folder:
        revisions = Revisions(Path(folder))
        revisions.core(*SAFE_FORMS)
        for server in servers:
            runs: dict[str, Run] = {
                "the core lineage": (("template1",), None, ROOT),
                "the safe forms": ((TEMPLATE, ROWS), None, revisions.root),
            }
            if server.major >= 18:
                runs["the gated lineage"] = ((TEMPLATE, RANDOM), "uuidv7", ROOT)
            for name, (where, gated, root) in runs.items():
                use(root)
                with step(f"killed at every statement: {name} on {server.major}", "figures"):
                    kills.append(kill_everywhere(server, *where, gated=gated, root=root, reads=True))
    lost = list(chain.from_iterable(one.lost for one in kills))
    sys.stderr.writelines(f"{line}\n" for line in lost)
    points = sum(one.points for one in kills)
    yield Figure("statements at which no run was killed", max(0, sum(one.statements for one in kills) - points), "", 0)
    yield Figure(f"runs that did not converge of {points} killed", len(lost), "", 0)


if __name__ == "__main__":
    sys.exit(report(chain(figures(), figures_of_ids.figures())))
