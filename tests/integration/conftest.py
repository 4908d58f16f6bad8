"""The API in this process, on a database of the test's own."""

from collections.abc import AsyncIterator

import httpx2
import pytest_asyncio

from tests.api import serving
from tests.servers.databases import TestDatabase


@pytest_asyncio.fixture
async def client(database: TestDatabase) -> AsyncIterator[httpx2.AsyncClient]:
    async with serving(database.settings) as made:
        yield made
