"""The API through a real PgBouncer in transaction mode."""

import asyncio
from collections import Counter
from uuid import UUID, uuid4

import httpx2
import pytest
from sqlalchemy import text

from app.db.context import Context
from app.db.faults import Fault, classify
from app.db.session import Database
from app.settings import Settings
from tests.api import serving, until
from tests.processes import plinth
from tests.servers.databases import OWNER, TestDatabase, app_settings, fetch
from tests.servers.fixtures import StartPooler
from tests.servers.pgbouncer import PgBouncer

PROJECTS = "/api/v1/projects"


def pooled(pooler: PgBouncer, database: TestDatabase, **changes: object) -> Settings:
    return app_settings(pooler.uri(database.name), database_pooler="transaction", **changes)


async def test_the_whole_api_works(database: TestDatabase, pgbouncer: PgBouncer):
    """Create, list, read, change and delete, and a process that is ready."""
    async with serving(pooled(pgbouncer, database)) as client:
        made = await client.post(PROJECTS, json={"name": "one"})
        where, match = made.headers["Location"], {"If-Match": made.headers["ETag"]}
        tasks = await client.post(f"{where}/tasks:batch", json={"tasks": [{"title": "a"}, {"title": "b"}]})
        assert [made.status_code, tasks.status_code] == [201, 201]
        assert len((await client.get(f"{where}/tasks")).json()["items"]) == 2
        changed = await client.patch(where, json={"name": "two"}, headers=match)
        assert (await client.get(where)).json()["name"] == changed.json()["name"] == "two"
        empty = await client.post(PROJECTS, json={"name": "three"})
        gone = await client.delete(empty.headers["Location"], headers={"If-Match": empty.headers["ETag"]})
        assert gone.status_code == 204
        await until(lambda: ready(client))


async def ready(client: httpx2.AsyncClient) -> bool:
    return (await client.get("/readyz")).status_code == 200


async def test_more_clients_than_sessions(database: TestDatabase, start_pgbouncer: StartPooler):
    """Twenty connections of two processes share two sessions of the server, and no request fails."""
    with start_pgbouncer(default_pool_size="2") as pooler:
        settings = pooled(pooler, database, database_pool_timeout=30)
        async with serving(settings) as one, serving(settings) as two:
            answers = await asyncio.gather(
                *(client.post(PROJECTS, json={"name": "x"}) for client in (one, two) for _ in range(20)),
                *(client.get(PROJECTS) for client in (one, two) for _ in range(20)),
            )
    assert Counter(answer.status_code for answer in answers) == {201: 40, 200: 40}


async def test_a_changed_column_is_no_fault(database: TestDatabase, pgbouncer: PgBouncer):
    """No statement is kept in sessions that others share: with names, each new client would fail until they end."""
    api = Database.open(pooled(pgbouncer, database))
    read = text("SELECT * FROM projects")
    for number in range(4):
        async with api.transaction(Context()) as session:
            await session.execute(read)
        await fetch(database.owner_uri, f"ALTER TABLE projects ADD COLUMN more_{number} integer")
    await api.close()


async def test_a_tenant_never_meets_another(database: TestDatabase, pgbouncer: PgBouncer):
    """The context ends with its transaction: whoever gets the session next sees nothing of it."""
    tenants = {str(uuid4()): 0 for _ in range(4)}
    async with serving(pooled(pgbouncer, database, tenant_source="header")) as client:

        async def work(tenant: str) -> None:
            for _ in range(15):
                await client.post(PROJECTS, json={"name": tenant}, headers={"X-Tenant-Id": tenant})
                listed = await client.get(PROJECTS, headers={"X-Tenant-Id": tenant})
                assert {item["name"] for item in listed.json()["items"]} == {tenant}

        await asyncio.gather(*map(work, tenants))
    rows = await database.fetch("SELECT DISTINCT tenant_id, name FROM projects")
    assert {(row["tenant_id"], row["name"]) for row in rows} == {(UUID(tenant), tenant) for tenant in tenants}


@pytest.mark.parametrize("context", [Context(), Context(uuid4())], ids=["without-tenant", "with-tenant"])
async def test_the_server_ends_slow_statements(database: TestDatabase, pgbouncer: PgBouncer, context: Context):
    """Reads and writes have their limit in their transaction, and leave none in the session they borrowed."""
    api = Database.open(pooled(pgbouncer, database, database_statement_timeout=0.2))
    for begin in (api.transaction, api.reading):
        with pytest.raises(Exception, match="statement timeout") as caught:
            async with begin(context) as session:
                await session.execute(text("SELECT pg_sleep(30)"))
        assert classify(caught.value) is Fault.STATEMENT_TIMEOUT
        async with begin(context) as session:
            assert await session.scalar(text("SHOW statement_timeout")) == "200ms"
    await api.close()
    bare = Database.open(pooled(pgbouncer, database, database_statement_timeout=0))
    async with bare.reading(Context()) as session:
        assert await session.scalar(text("SHOW statement_timeout")) == "0"
        assert not await session.scalar(text("SELECT current_setting('plinth.tenant_id', true)"))
    await bare.close()


async def test_a_pooler_nobody_named(database: TestDatabase, pgbouncer: PgBouncer):
    """Without the setting PgBouncer refuses the limits; connections are opened all the same, and requests answered."""
    async with serving(app_settings(pgbouncer.uri(database.name))) as client:
        assert (await client.post(PROJECTS, json={"name": "x"})).status_code == 201
        await until(lambda: ready(client))


@pytest.mark.parametrize("named", ["transaction", "none"])
def test_migrations_are_refused(empty_database: TestDatabase, pgbouncer: PgBouncer, named: str):
    """Whether the setting names the pooler or not: exit code 8, and a sentence that asks for a direct connection."""
    uri = pgbouncer.uri(empty_database.name, OWNER)
    done = plinth("migrate", database_url=uri, database_pooler=named, termination_log="/nonexistent")
    assert done.returncode == 8, done.stdout + done.stderr
    assert "direct connection" in done.stdout
