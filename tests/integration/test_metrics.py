"""The metrics of a serving app, each seen at work: none is a number that never moves."""

import asyncio
import re
from collections.abc import Awaitable, Callable
from typing import Any

from tests.api import until
from tests.integration.faults.asking import Api, asking
from tests.integration.faults.test_pool import leaked, locked, quick
from tests.issuer import issuing
from tests.metrics_table import DOC
from tests.servers.databases import TestDatabase
from tests.servers.proxy import Remote
from tests.tenants import ONE

IN_USE = {
    "plinth_ready",
    "plinth_http_requests_in_progress",
    "plinth_database_pool_connections",
    "plinth_database_pool_checked_out_connections",
    "plinth_database_pool_limit_connections",
}
COUNTED: list[tuple[str, dict[str, str]]] = [
    ("plinth_http_requests_total", {"method": "GET", "route": "/api/v1/projects", "status": "200"}),
    ("plinth_http_request_duration_seconds_count", {"method": "GET", "route": "/api/v1/projects"}),
    ("plinth_database_faults_total", {"kind": "pool-exhausted"}),
    ("plinth_database_pool_wait_seconds_count", {}),
    ("plinth_database_pool_replacements_total", {}),
    *(("plinth_jwks_fetches_total", {"result": result}) for result in ("answered", "failed")),
    *(("plinth_readiness_checks_total", {"result": result}) for result in ("answered", "failed")),
]


def test_no_metric_is_left_out() -> None:
    """What the page documents of the app is what is seen here."""
    documented = re.findall(r"^\| `(plinth_\w+)` ", DOC.read_text().split("## The operator")[0], re.MULTILINE)
    assert {name.removesuffix("_count") for name, _ in COUNTED} | IN_USE == set(documented)


async def test_each_metric_is_seen_at_work(database: TestDatabase, proxy: Remote) -> None:
    """Keys that come late, a pool of one that is in use and then wedged, a server that goes away."""
    pool = {"database_pool_size": 1, "database_pool_overflow": 0, "database_pool_timeout": 0.1}
    with issuing() as issuer:
        issuer.status = 500
        async with asking(quick(database.through(proxy), **issuer.settings, **pool)) as api:
            listed = answers(api, issuer.bearer(str(ONE.tenant_id)))
            assert not await listed()
            issuer.status = 200
            await until(listed)
            async with locked(database):
                waiting = asyncio.create_task(listed())
                await until(lambda: values(api, dict.fromkeys(IN_USE, 1)))
            assert await waiting
            async with leaked(api, 1):
                await until(listed)
            proxy.refuse()
            proxy.reset()
            await until(lambda: values(api, {"plinth_ready": 0, "plinth_http_requests_in_progress": 0}))
            assert [name for name, labels in COUNTED if not api.sample(name, **labels)] == []


def answers(api: Api, headers: dict[str, str]) -> Callable[[], Awaitable[bool]]:
    """Whether a request is answered well now."""

    async def ask() -> bool:
        return (await api.client.get("/api/v1/projects", headers=headers)).status_code == 200

    return ask


async def values(api: Api, wanted: dict[str, Any]) -> bool:
    return {name: api.sample(name) for name in wanted} == wanted
