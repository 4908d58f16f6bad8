"""What the server tells of a statement that takes long."""

import asyncio

import asyncpg

from app.migrator.progress import look
from tests.api import until
from tests.servers.databases import TestDatabase

SLOW = """CREATE FUNCTION slow(text) RETURNS text IMMUTABLE LANGUAGE plpgsql
AS 'BEGIN PERFORM pg_catalog.pg_sleep(0.005); RETURN $1; END'"""


async def test_the_build_of_an_index_tells_how_far_it_is(database: TestDatabase) -> None:
    """By the pages it has read of the table."""
    building, watching = [await asyncpg.connect(database.owner_uri) for _ in range(2)]
    await building.execute(SLOW)
    await building.execute("INSERT INTO projects (name) SELECT repeat('x', 200) FROM generate_series(1, 500)")
    build = asyncio.create_task(building.execute("CREATE INDEX ON projects (slow(name))"))

    async def under_way() -> bool:
        seen = await look(watching, building.get_server_pid())
        # Of the first page the server says that it is the last.
        return seen.phase == "building index: scanning table" and seen.share is not None and 0 < seen.share < 1

    await until(under_way)
    await watching.execute("SELECT pg_cancel_backend($1)", building.get_server_pid())
    await asyncio.gather(build, return_exceptions=True)
    for connection in (building, watching):
        await connection.close()
