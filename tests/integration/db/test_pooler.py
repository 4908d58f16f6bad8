"""Whether a transaction pooler stands in between, asked of real ones."""

import asyncio
from functools import partial

import asyncpg
import pytest

from app.db.pooler import is_pooled
from tests.servers.databases import TestDatabase
from tests.servers.fixtures import StartPooler
from tests.servers.pgbouncer import PgBouncer


async def asked(uri: str) -> bool:
    """On a connection of its own."""
    connect = partial(asyncpg.connect, uri)
    connection = await connect()
    try:
        return await is_pooled(connection, connect)
    finally:
        await connection.close()


async def test_a_direct_connection_is_not_pooled(database: TestDatabase):
    """The process id the server gave is the one that answers: no second connection is needed to know."""

    async def another() -> asyncpg.Connection:
        raise AssertionError

    connection = await asyncpg.connect(database.uri)
    assert not await is_pooled(connection, another)
    await connection.close()


@pytest.mark.parametrize("options", [{}, {"server_round_robin": "1", "min_pool_size": "3"}, {"default_pool_size": "1"}])
async def test_transaction_mode_is_found_out(
    database: TestDatabase, start_pgbouncer: StartPooler, options: dict[str, str]
):
    """However the pooler chooses among its sessions, and when it has only one."""
    with start_pgbouncer(**options) as pooler:
        assert await asked(pooler.uri(database.name))


async def test_transaction_mode_is_found_out_beside_others(database: TestDatabase, pgbouncer: PgBouncer):
    """Also while other clients take sessions from the same pool."""
    uri = pgbouncer.uri(database.name)
    others = [await asyncpg.connect(uri) for _ in range(3)]
    stop = asyncio.Event()

    async def busy(connection: asyncpg.Connection) -> None:
        while not stop.is_set():
            await connection.execute("SELECT 1")
        await connection.close()

    tasks = [asyncio.create_task(busy(other)) for other in others]
    found = [await asked(uri) for _ in range(10)]
    stop.set()
    await asyncio.gather(*tasks)
    assert found == [True] * 10


async def test_session_mode_is_no_obstacle(database: TestDatabase, start_pgbouncer: StartPooler):
    """A pooler that keeps a session for as long as its client stays is as good as none."""
    with start_pgbouncer(pool_mode="session") as pooler:
        assert not await asked(pooler.uri(database.name))
