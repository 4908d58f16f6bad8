"""The pool: what it does with connections that their server has closed."""

import asyncio

import pytest
from sqlalchemy import text

from app.db.context import Context
from app.db.session import Database
from tests.servers.databases import TestDatabase, fetch

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


async def test_values_stay_out_of_errors(database: TestDatabase):
    """What SQLAlchemy says of a failed statement holds no value of a user."""
    api = Database.open(database.settings)
    with pytest.raises(Exception, match="invalid input syntax") as caught:
        async with api.transaction(Context()) as session:
            await session.execute(text("SELECT CAST(:value AS text)::integer"), {"value": "canary"})
    await api.close()
    assert "[parameters" not in str(caught.value)
