"""What happens to an exception that nobody handled."""

import asyncpg
import httpx2
import pytest
from fastapi import FastAPI
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


async def test_a_failure_after_the_beginning_is_not_hidden() -> None:
    """Once bytes are sent only the server can still act: it cuts the connection."""
    with pytest.raises(RuntimeError):
        await failing(RuntimeError("late")).get("/late")


def test_each_app_has_a_registry_of_its_own() -> None:
    """Two apps in a process do not add up."""
    assert isinstance(Metrics().registry, CollectorRegistry)
    assert Metrics().registry is not Metrics().registry
