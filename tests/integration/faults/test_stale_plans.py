"""A table changes under prepared statements: nobody outside notices."""

import asyncpg
import pytest
from structlog.testing import capture_logs

from app.db.faults import Fault
from tests.integration.faults.asking import asking, gather
from tests.servers.databases import TestDatabase

CHANGES = ["ALTER TABLE things ADD COLUMN more text", "ALTER TABLE things ALTER COLUMN number TYPE bigint"]


@pytest.mark.parametrize("change", CHANGES, ids=["column", "type"])
async def test_a_changed_table_costs_no_request(database: TestDatabase, change: str) -> None:
    """One failure in the process, not one a connection; the request behind it, a POST with a body, is run again."""
    await database.fetch("CREATE TABLE things (number int)")
    insert = "INSERT INTO things VALUES (1)"
    async with asking(database.settings) as api:
        await gather(20, insert, "SELECT * FROM things", api=api)
        await database.fetch(change)
        with capture_logs() as logged:
            answers = [await api.sql(insert, "SELECT * FROM things LIMIT 1") for _ in range(1)]
            answers += [await api.sql(insert, "SELECT * FROM things") for _ in range(10)]
        assert {answer.status_code for answer in answers} == {200}
        assert api.faults(Fault.STALE_PLAN) == 1
        assert [line["kind"] for line in logged if line["event"] == "database fault"] == ["stale-plan"]
    assert await database.fetchval("SELECT count(*) FROM things") == 20 + 11  # what was run twice is there once


async def test_changes_under_load_cost_no_request(database: TestDatabase) -> None:
    """Many connections, many changes, and not one request that fails."""
    await database.fetch("CREATE TABLE things (number int)")
    owner = await asyncpg.connect(database.owner_uri)
    async with asking(database.settings) as api:
        for number in range(10):
            await gather(20, "SELECT * FROM things", api=api)
            await owner.execute(f"ALTER TABLE things ADD COLUMN more_{number} text")
            answers = await gather(20, "SELECT * FROM things", api=api)
            assert {answer.status_code for answer in answers} == {200}
        assert api.faults(Fault.STALE_PLAN) >= 10
    await owner.close()
