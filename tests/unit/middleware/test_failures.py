"""What happens to an exception that nobody handled."""

import asyncpg
import httpx2
import pytest
from fastapi import FastAPI, Request
from prometheus_client import CollectorRegistry
from starlette.responses import StreamingResponse
from structlog.testing import capture_logs

from app.metrics import Metrics
from app.middleware.failures import Failures
from app.middleware.request_ids import RequestIds


def failing(failure: Exception, metrics: Metrics | None = None) -> httpx2.AsyncClient:
    app = FastAPI()
    app.add_middleware(Failures, metrics=metrics or Metrics())
    app.add_middleware(RequestIds)

    @app.get("/")
    async def fail() -> None:
        raise failure

    @app.get("/late")
    async def late() -> StreamingResponse:
        async def body():
            yield b"begun"
            raise failure

        return StreamingResponse(body())

    return httpx2.AsyncClient(transport=httpx2.ASGITransport(app=app), base_url="http://api")


async def test_an_unexpected_failure_is_a_500_that_tells_nothing() -> None:
    """The client gets the request id, the log the traceback with the same id."""
    with capture_logs() as logged:
        response = await failing(RuntimeError("password=s3cret")).get("/", headers={"X-Request-Id": "r7"})
    assert (response.status_code, response.json()["type"]) == (500, "/problems/internal")
    assert "s3cret" not in response.text
    assert response.json()["request_id"] == "r7"
    assert response.headers["x-request-id"] == "r7"
    assert [line["event"] for line in logged] == ["unexpected failure"]


@pytest.mark.parametrize(
    ("failure", "status", "kind"),
    [
        (ConnectionRefusedError("[Errno 111] 10.0.0.7:5432"), 503, "unreachable"),
        (TimeoutError(), 503, "timeout"),
        (asyncpg.TooManyConnectionsError("sorry"), 503, "too-many-connections"),
        (asyncpg.ReadOnlySQLTransactionError("cannot execute INSERT"), 503, "read-only"),
        (asyncpg.UniqueViolationError("Key (name)=(x)"), 409, "unique"),
    ],
)
async def test_a_database_fault_becomes_its_problem_and_is_counted(failure: Exception, status: int, kind: str) -> None:
    """503 with a time to wait, or 409; never a bare 500, and nothing of the driver's message."""
    metrics = Metrics()
    response = await failing(failure, metrics).get("/")
    assert response.status_code == status
    assert ("retry-after" in response.headers) == (status == 503)
    assert str(failure) == "" or str(failure) not in response.text
    assert metrics.registry.get_sample_value("plinth_database_faults_total", {"kind": kind}) == 1


def stale_once(metrics: Metrics, times: int = 1) -> httpx2.AsyncClient:
    """An app whose handler meets a stale plan so many times, after it has read the body."""
    app = FastAPI()
    app.add_middleware(Failures, metrics=metrics)
    met = 0

    @app.post("/things/{number}")
    async def create(number: int, body: dict[str, str], request: Request) -> dict[str, str]:
        nonlocal met
        met += 1
        assert request.scope.setdefault("of this run", met) == met
        if met <= times:
            raise asyncpg.InvalidCachedStatementError("cached statement plan is invalid")
        return {**body, "number": str(number), "met": str(met)}

    return httpx2.AsyncClient(transport=httpx2.ASGITransport(app=app), base_url="http://api")


async def test_a_request_that_met_a_stale_plan_is_run_again() -> None:
    """With its path and its whole body; the client sees nothing of it, the metric does."""
    metrics = Metrics()

    async def pieces():
        yield b'{"name":'
        yield b' "x"}'

    headers = {"Content-Type": "application/json"}
    response = await stale_once(metrics).post("/things/7", content=pieces(), headers=headers)
    assert response.json() == {"name": "x", "number": "7", "met": "2"}
    assert metrics.registry.get_sample_value("plinth_database_faults_total", {"kind": "stale-plan"}) == 1


async def test_it_is_run_again_only_once() -> None:
    """What comes twice is told, with a time to come again."""
    response = await stale_once(Metrics(), times=2).post("/things/7", json={})
    assert (response.status_code, response.json()["type"]) == (503, "/problems/database-busy")
    assert "retry-after" in response.headers


@pytest.mark.parametrize(
    ("failure", "status"), [(asyncpg.PostgresSyntaxError("SELEC"), 500), (asyncpg.DataError("canary"), 422)]
)
async def test_a_bug_is_a_500_with_a_traceback_and_a_value_is_never_logged(failure: Exception, status: int) -> None:
    """The one is ours to find; the other is the client's, and the driver's message quotes it."""
    with capture_logs() as logged:
        response = await failing(failure).get("/")
    assert response.status_code == status
    assert [line["exc_info"] for line in logged if line["event"] == "database fault"] == [failure] * (status == 500)
    assert "canary" not in str(logged) + response.text


async def test_a_failure_after_the_beginning_is_not_hidden() -> None:
    """Once bytes are sent only the server can still act: it cuts the connection."""
    with pytest.raises(RuntimeError):
        await failing(RuntimeError("late")).get("/late")


def test_each_app_has_a_registry_of_its_own() -> None:
    """Two apps in a process do not add up."""
    assert isinstance(Metrics().registry, CollectorRegistry)
    assert Metrics().registry is not Metrics().registry
