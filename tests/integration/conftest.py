"""The API in this process, on a database of the test's own."""

from collections.abc import AsyncIterator

import httpx2
import pytest
import pytest_asyncio

from tests.api import serving
from tests.servers.databases import TestDatabase

LONGEST = {
    "test_killed",
    "test_openapi",
    "test_failover",
    "test_retrying",
    "test_tracing",
    "test_releases",
    "test_upgrade",
}
"""These run first: begun last, one of them keeps a process busy for a minute while the others have nothing left."""


@pytest.hookimpl(trylast=True)  # after pytest's own order, by what tests share: it stays within each half
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: item.path.stem not in LONGEST)


@pytest_asyncio.fixture
async def client(database: TestDatabase) -> AsyncIterator[httpx2.AsyncClient]:
    async with serving(database.settings) as made:
        yield made
