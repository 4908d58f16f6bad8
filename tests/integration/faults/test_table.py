"""The table of docs/faults.md on real servers, row by row: what client, kubelet, log and metric are told."""

from collections.abc import AsyncIterator
from typing import Any

import httpx2
import pytest
import pytest_asyncio
from structlog.testing import capture_logs

from app.db.faults import Fault
from app.db.treatments import TREATMENTS
from tests.api import until
from tests.faults_table import LOOKS
from tests.integration.faults.asking import Api, asking
from tests.integration.faults.scenes import SCENES, Scene
from tests.servers.databases import TestDatabase
from tests.servers.proxy import Remote

ELSEWHERE = {
    Fault.STALE_PLAN: "run again: test_stale_plans",
    Fault.STARTING_OR_STOPPING: "needs a server of its own: test_outages",
    Fault.CONFIGURATION: "an address the driver does not take is refused before it gets there: unit/db/test_address",
}
UNREADY_ELSEWHERE = {
    Fault.READ_ONLY: "needs a standby: test_failover",
    Fault.SCHEMA_BEHIND: "needs a schema that is behind: test_health",
}


@pytest.fixture(params=SCENES, ids=lambda scene: scene.id)
def scene(request: pytest.FixtureRequest) -> Scene:
    made: Scene = request.param
    return made


@pytest_asyncio.fixture
async def api(scene: Scene, database: TestDatabase, proxy: Remote) -> AsyncIterator[Api]:
    async with asking(scene.settings(database, proxy)) as made:
        await until(lambda: _is(made, ready=not scene.address))
        yield made


async def _is(api: Api, *, ready: bool) -> bool:
    return (await api.client.get("/readyz")).status_code == (200 if ready else 503)


async def _probes_after_looks(api: Api) -> tuple[int, int]:
    """What liveness and readiness say when two whole looks have ended, and one that may have begun before."""
    results = ("answered", "failed")

    def looks() -> float:
        return sum(api.sample("plinth_readiness_checks_total", result=result) for result in results)

    async def enough() -> bool:
        return looks() >= before + 3

    before = looks()
    await until(enough)
    live, ready = [await api.client.get(path) for path in ("/livez", "/readyz")]
    return live.status_code, ready.status_code


async def test_a_fault_is_told_as_the_table_says(scene: Scene, database: TestDatabase, proxy: Remote, api: Api) -> None:
    """Status, problem type, time to wait, probes, metric, log line; and only a connection in doubt is dropped."""
    before = await api.pid() if scene.kept is not None else None
    with capture_logs() as logged:
        async with scene.around(database, api, proxy):
            response = await api.sql(*scene.statements)
            probes = await _probes_after_looks(api)
    assert probes == (200, 200 if scene.ready else 503)
    assert told(response) == expected(scene.fault)
    assert api.faults(scene.fault) == 1
    lines = [(line["kind"], line["log_level"]) for line in logged if line["event"] == "database fault"]
    level = TREATMENTS[scene.fault].level
    assert lines == ([] if level == "debug" else [(scene.fault.value, level)])
    assert "canary" not in response.text + str(logged)
    if before is not None:
        assert (await api.pid() == before) is scene.kept


def told(response: httpx2.Response) -> dict[str, Any]:
    wait = response.headers.get("retry-after")
    return {"status": response.status_code, "type": response.json()["type"], "waits": wait and int(wait) in range(1, 6)}


def expected(fault: Fault) -> dict[str, Any]:
    error = TREATMENTS[fault].error
    return {"status": error.status, "type": f"/problems/{error.slug}", "waits": True if error.retry_after else None}


def test_every_fault_has_a_scene() -> None:
    """None is only claimed."""
    assert {scene.fault for scene in SCENES} | set(ELSEWHERE) == set(Fault)
    unready = {scene.fault for scene in SCENES if not scene.ready}
    assert unready | set(UNREADY_ELSEWHERE) == set(LOOKS) - set(ELSEWHERE)
