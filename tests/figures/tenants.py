"""Two tenants at once on a small pool, by count."""

import asyncio
from collections.abc import Iterator

from app import logs
from tests.cluster.console import step
from tests.figures.figure import Figure
from tests.figures.servers import running
from tests.integration.test_tenants import interleave, misplaced
from tests.servers.databases import TEMPLATE, TestDatabase, app_settings, new_database, prepare

REQUESTS = 10_000


def figures() -> Iterator[Figure]:
    for major in (17, 18):
        title = f"{REQUESTS} requests of two tenants on {major}, with cancellations"
        with running(major) as server, new_database(prepare(server), TEMPLATE) as database, step(title, "figures"):
            yield Figure(f"foreign rows in {REQUESTS} requests on {major}", asyncio.run(_foreign(database)), "", 0)


async def _foreign(database: TestDatabase) -> int:
    """Rows that were shown to the other tenant, and rows that were written as the other one's."""
    logs.configure(app_settings(database.uri, log_level="error"))  # a line a request, in this very process
    tenants = await interleave(database, REQUESTS)
    return len(tenants.foreign) + await misplaced(database)
