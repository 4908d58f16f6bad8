"""The batch route's database part: its cost against asyncpg with ``unnest``, and whether each row has its own id."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from uuid import UUID

from app.db import ids
from app.db.context import Context
from app.db.packaged import Major
from app.slices.tasks import queries
from tests.bench.database.measurements import Measurements
from tests.bench.database.rounds import COMPARED, app_database, connected, rotated, spent
from tests.cluster.console import step
from tests.figures.figure import Figure
from tests.figures.servers import running
from tests.servers.databases import TEMPLATE, TestDatabase, new_database, prepare

SIZE, ROUNDS, IDS_ROUNDS = 1000, 60, 20
TITLES = [f"task {number}" for number in range(SIZE)]
OURS, UNNEST = "insert_in_order", "asyncpg, unnest"
STRANGERS = "objects with another row's id"
_FIELDS = ", ".join(field.key for field in queries.FIELDS)
_RAW = f"INSERT INTO tasks (project_id, title) SELECT $1, unnest($2::text[]) RETURNING {_FIELDS}"
_PROJECT = "INSERT INTO projects (name) VALUES ('house') RETURNING id"
_BODIES: dict[Major, dict[str, str]] = {
    17: {"v4": ids.mend("v4", uuidv7_recorded=False), "below18: v7": ids.mend("v7", uuidv7_recorded=False)},
    18: {"v4": ids.make_random(), "native": ids.make_native()},
}
Batch = Callable[[], Awaitable[object]]


def cpu(major: Major) -> str:
    return f"a batch of {SIZE:,} on {major}, CPU"


def wall(major: Major) -> str:
    return f"a batch of {SIZE:,} on {major}"


def measure(into: Measurements) -> None:
    for major in _BODIES:
        with running(major, **COMPARED) as server:
            with new_database(prepare(server), TEMPLATE) as database, step(wall(major), "figures"):
                asyncio.run(_cost(database, major, into))
            with new_database(server, TEMPLATE) as database, step(f"{STRANGERS} on {major}", "figures"):
                asyncio.run(_strangers(database, major, into))


async def _cost(database: TestDatabase, major: Major, into: Measurements) -> None:
    """A transaction each. CPU: of this process and of the server's."""
    async with app_database(database.uri) as (ours, backend), connected(database.uri) as raw:
        project: UUID = await raw.fetchval(_PROJECT)

        async def unnest() -> None:
            async with raw.transaction():
                await raw.fetch(_RAW, project, TITLES)

        async def in_order() -> None:
            async with ours.transaction(Context()) as session:
                await queries.create_many(session, project, TITLES)

        works: dict[str, tuple[int, Batch]] = {OURS: (backend, in_order), UNNEST: (raw.get_server_pid(), unnest)}
        for number in range(ROUNDS):
            for name in rotated([*works], number):
                cost = await spent(*works[name])
                into.add(wall(major), name, "ms", cost.wall * 1e3)
                into.add(cpu(major), name, "ms", (cost.server + cost.client) * 1e3)


async def _strangers(database: TestDatabase, major: Major, into: Measurements) -> None:
    """Each title is asked for once; under the id its object came back with must be a row of that title."""
    async with app_database(database.uri) as (ours, _), connected(database.owner_uri) as owner:
        project: UUID = await owner.fetchval(_PROJECT)
        for body, statement in _BODIES[major].items():
            await owner.execute(statement)
            given: dict[UUID, str] = {}
            for number in range(IDS_ROUNDS):
                titles = [f"{body} {number} {title}" for title in TITLES]
                async with ours.transaction(Context()) as session:
                    rows = await queries.create_many(session, project, titles)
                given |= {row.id: title for row, title in zip(rows, titles, strict=True)}
            stored = {row["id"]: row["title"] for row in await owner.fetch("SELECT id, title FROM tasks")}
            wrong = sum(stored.get(one) != title for one, title in given.items())
            lost = IDS_ROUNDS * SIZE - len(given)
            into.add(f"{STRANGERS} of {IDS_ROUNDS * SIZE:,}", f"{body} on {major}", "rows", wrong + lost)


def figures(found: Measurements) -> Iterator[Figure]:
    for major in _BODIES:
        for name in (wall(major), cpu(major)):
            yield Figure(f"{name}, against asyncpg", found.ratio(name, OURS, UNNEST), "x", 1.6)
    kinds = [f"{body} on {major}" for major, bodies in _BODIES.items() for body in bodies]
    wrong = sum(found.median(f"{STRANGERS} of {IDS_ROUNDS * SIZE:,}", kind) for kind in kinds)
    yield Figure(f"{STRANGERS} of {len(kinds) * IDS_ROUNDS * SIZE:,}", wrong, "", 0)
