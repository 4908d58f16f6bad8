"""What the policy costs: the planner runs its subquery once and reads the tenant's rows by their index."""

import json
import os
import time
from collections.abc import AsyncIterator, Iterator
from typing import Any

import asyncpg
import pytest
import pytest_asyncio

from tests.servers.databases import TestDatabase, fetch
from tests.tenants import ONE, protect

ROWS = 1_000_000 if os.environ.get("LONG") == "1" else 100_000
TENANTS = 500
ROUNDS = 100
PAGE = "SELECT id, name FROM projects {where} ORDER BY id LIMIT 51"
COUNT = "SELECT count(*) FROM projects {where}"
FILL = f"""
INSERT INTO projects (tenant_id, name)
SELECT lpad(to_hex(1 + n % {TENANTS}), 32, '0')::uuid, 'p' || n FROM generate_series(1, {ROWS}) AS n
"""


@pytest_asyncio.fixture
async def filled(database: TestDatabase) -> TestDatabase:
    """Many tenants' projects, protected, with statistics."""
    await fetch(database.superuser_uri, FILL)
    await fetch(database.superuser_uri, "VACUUM ANALYZE projects")
    await protect(database)
    return database


@pytest_asyncio.fixture
async def held(filled: TestDatabase) -> AsyncIterator[asyncpg.Connection]:
    """A connection of the app's role in a transaction for one tenant."""
    connection = await asyncpg.connect(filled.uri)
    async with connection.transaction():
        await connection.execute("SELECT set_config('plinth.tenant_id', $1, true)", str(ONE.tenant_id))
        yield connection
    await connection.close()


def nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for child in plan.get("Plans", []):
        yield from nodes(child)


@pytest.mark.parametrize("query", [PAGE, COUNT])
async def test_the_policy_is_an_init_plan_and_an_index(
    filled: TestDatabase, held: asyncpg.Connection, query: str
) -> None:
    """No scan of the table, the tenant looked up once, and at most twice the time of the query with its own filter."""
    asked = query.format(where="")
    plan = json.loads(await held.fetchval(f"EXPLAIN (FORMAT JSON) {asked}"))[0]["Plan"]
    found = list(nodes(plan))
    assert [node["Subplan Name"] for node in found if node.get("Parent Relationship") == "InitPlan"], plan
    assert {node["Index Name"] for node in found if "Index Name" in node} <= {
        "uq_projects_tenant_id_id",
        "pk_projects",
    }
    scans = [node for node in found if node.get("Relation Name") == "projects" or "Index Name" in node]
    assert scans
    assert not [node for node in found if node["Node Type"] == "Seq Scan"], plan
    assert any("tenant_id = (InitPlan" in node.get("Index Cond", "").replace("$0", "(InitPlan") for node in scans), plan
    with_policy, without = await fastest(filled, held, query)
    assert with_policy <= 2 * without, (with_policy, without)


async def fastest(filled: TestDatabase, held: asyncpg.Connection, query: str) -> tuple[float, float]:
    """The shortest time, in seconds, under the policy and with the same filter written out by one it does not hold."""
    superuser = await asyncpg.connect(filled.superuser_uri)
    own = query.format(where=f"WHERE tenant_id = '{ONE.tenant_id}'")
    times: tuple[list[float], list[float]] = ([], [])
    for _ in range(ROUNDS):
        for connection, asked, into in ((held, query.format(where=""), times[0]), (superuser, own, times[1])):
            began = time.perf_counter()
            await connection.fetch(asked)
            into.append(time.perf_counter() - began)
    await superuser.close()
    return min(times[0]), min(times[1])
