"""The pool: what it does with connections that their server has closed."""

import asyncio
from contextlib import suppress
from uuid import UUID

import pytest
from sqlalchemy import insert, literal_column, select, text
from sqlalchemy.exc import DBAPIError, PendingRollbackError

from app.db.context import Context
from app.db.prepared import prepared
from app.db.session import Database
from app.slices.projects.models import Project
from app.slices.projects.queries import CREATE
from tests.servers.databases import TestDatabase, fetch

FAILING = prepared(select(literal_column("1 / (count(*) - count(*))").label("x")).select_from(Project))
SESSIONS = "SELECT count(*) FROM pg_stat_activity WHERE usename = 'plinth_app' AND datname = $1"
END_SESSIONS = (
    "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE usename = 'plinth_app' AND datname = $1"
)


async def ask(api: Database, pids: set[int]) -> None:
    async with api.transaction(Context()) as session:
        pids.add(await session.scalar(text("SELECT pg_backend_pid()")))
        await session.execute(text("SELECT pg_sleep(0.1)"))


async def test_closed_connections_are_replaced_before_a_request_meets_them(database: TestDatabase):
    """After all sessions were ended from outside, not one of the next requests fails."""
    api = Database.open(database.settings)
    before, after = set[int](), set[int]()
    await asyncio.gather(*(ask(api, before) for _ in range(5)))
    await fetch(database.superuser_uri, END_SESSIONS, database.name)
    await asyncio.sleep(0)  # the loop sees the sockets end
    await asyncio.gather(*(ask(api, after) for _ in range(5)))
    await api.close()
    assert len(before) == len(after) == 5
    assert before.isdisjoint(after)


ALL = prepared(select(Project.id, literal_column("pg_backend_pid()").label("pid")))


async def test_a_connection_kept_at_hand_is_used_again_while_it_is_whole(database: TestDatabase):
    """One request after the other has the same; not one that its server has closed, nor one of a replaced pool."""
    await database.fetch("INSERT INTO projects (name) VALUES ('one')")
    api = Database.open(database.settings)

    async def pid() -> int:
        async with api.reading(Context()) as session:
            return (await session.execute(ALL)).one().pid

    first = await pid()
    assert await pid() == first
    assert (api.engine.pool.checkedin(), api.engine.pool.checkedout()) == (1, 0)
    await fetch(database.superuser_uri, END_SESSIONS, database.name)
    await asyncio.sleep(0)
    second = await pid()
    assert second != first
    assert await api.replace_pool()
    assert await pid() != second
    await api.close()
    assert await fetch(database.superuser_uri, SESSIONS, database.name) == [(0,)]


async def test_a_failed_statement_leaves_no_half_of_a_transaction(database: TestDatabase):
    """What came before it is rolled back, and what would come after it is refused, also if nobody minds the failure."""
    api = Database.open(database.settings)
    async with api.transaction(Context()) as session:
        await session.execute(CREATE, {"name": "before"})
        with pytest.raises(DBAPIError):
            await session.execute(FAILING)
        with pytest.raises(PendingRollbackError):
            await session.execute(CREATE, {"name": "after"})
        with pytest.raises(PendingRollbackError):
            await session.scalar(text("SELECT 1"))
    async with api.reading(Context()) as session:
        assert (await session.execute(ALL)).all() == []
    await api.close()


async def test_prepared_and_other_statements_share_a_transaction(database: TestDatabase):
    """In either order: each sees what the other did, and all of it is committed, or nothing."""
    api = Database.open(database.settings)
    for first in (True, False):
        for failure in (None, KeyError("no more")):
            with suppress(KeyError):
                async with api.transaction(Context(UUID(int=7), "it's")) as session:
                    if first:
                        await session.execute(CREATE, {"name": "prepared"})
                    await session.execute(insert(Project).values(name="plain"))
                    if not first:
                        await session.execute(CREATE, {"name": "prepared"})
                    assert len((await session.execute(ALL)).all()) % 2 == 0
                    if failure:
                        raise failure
    rows = await database.fetch("SELECT DISTINCT count(*) OVER (), tenant_id, created_by FROM projects")
    await api.close()
    assert [tuple(row) for row in rows] == [(4, UUID(int=7), "it's")]


async def test_values_stay_out_of_errors(database: TestDatabase):
    """What SQLAlchemy says of a failed statement holds no value of a user."""
    api = Database.open(database.settings)
    with pytest.raises(Exception, match="invalid input syntax") as caught:
        async with api.transaction(Context()) as session:
            await session.execute(text("SELECT CAST(:value AS text)::integer"), {"value": "canary"})
    await api.close()
    assert "[parameters" not in str(caught.value)
