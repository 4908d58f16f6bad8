"""A table changes under prepared statements: nobody outside notices."""

import asyncio

import pytest
from structlog.testing import capture_logs

from app.db.faults import Fault
from tests.api import until
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
    """Many connections that are never idle, many changes, and not one request that fails."""
    await database.fetch("CREATE TABLE things (number int)")
    statuses = list[int]()
    async with asking(database.settings) as api:

        async def ask() -> None:
            while True:
                statuses.append((await api.sql("SELECT * FROM things")).status_code)

        workers = [asyncio.create_task(ask()) for _ in range(10)]
        for number in range(10):
            await until(lambda asked=len(statuses): _are_more(statuses, asked + 20))
            await database.fetch(f"ALTER TABLE things ADD COLUMN more_{number} text")
        await until(lambda asked=len(statuses): _are_more(statuses, asked + 20))
        for worker in workers:
            worker.cancel()
        await asyncio.gather(*workers, return_exceptions=True)
        assert set(statuses) == {200}
        assert api.faults(Fault.STALE_PLAN) >= 10


async def _are_more(statuses: list[int], than: int) -> bool:
    return len(statuses) > than
