"""The wiring, on an app whose database is not there."""

import json
import socket
from collections.abc import Iterator
from inspect import isasyncgenfunction, iscoroutinefunction
from typing import Any

import httpx2
import pytest
from fastapi import Request
from fastapi.dependencies.models import Dependant
from fastapi.routing import iter_route_contexts
from pydantic import SecretStr
from structlog.testing import capture_logs

from app.db.packaged import free_port
from app.main import create_app
from app.settings import Settings
from tests.api import serving, until


def settings(**changes: Any) -> Settings:
    # Port 1 refuses at once.
    url = SecretStr("postgresql://nobody:s3cret@127.0.0.1:1/none?sslmode=disable")
    return Settings(
        **{"database_url": url, "metrics_port": 0, "readiness_interval": 0.05, "readiness_timeout": 0.05, **changes}
    )


def sample(text: str, name: str) -> float:
    return float(next(line.rsplit(" ", 1)[1] for line in text.splitlines() if line.startswith(name)))


async def _scheme(request: Request) -> str:
    return request.url.scheme


async def test_it_starts_and_answers_without_its_database() -> None:
    """Alive and started at once; not ready, and a request is a 503 problem."""
    async with serving(settings()) as client:
        assert (await client.get("/livez")).status_code == 200
        assert (await client.get("/startupz")).status_code == 200
        assert (await client.get("/readyz")).status_code == 503
        response = await client.get("/api/v1/projects")
    assert (response.status_code, response.json()["type"]) == (503, "/problems/database-unavailable")
    assert "retry-after" in response.headers


async def test_probes_tell_strangers_nothing() -> None:
    """No host, port, user or message of the driver, in any probe."""
    async with serving(settings()) as client:

        async def failed() -> bool:
            return "[-]database failed: unreachable" in (await client.get("/readyz?verbose")).text

        await until(failed)
        texts = [(await client.get(f"/{probe}?verbose")).text for probe in ("livez", "readyz", "startupz")]
    assert not any(word in text for text in texts for word in ("127.0.0.1", "nobody", "s3cret", "refused", "Errno"))


async def test_probes_answer_as_the_kubernetes_api_server_does() -> None:
    """ok alone, a line a check with ?verbose."""
    async with serving(settings(readiness_mode="process")) as client:
        assert (await client.get("/readyz")).text == "ok"
        verbose = (await client.get("/readyz?verbose")).text
    assert verbose.splitlines() == [
        "[+]ping ok",
        "[+]shutdown ok",
        "[+]checker ok",
        "[+]pool ok",
        "readyz check passed",
    ]


async def test_documentation_needs_no_internet() -> None:
    """Everything /docs loads comes from the app itself."""
    async with serving(settings()) as client:
        page = (await client.get("/docs")).text
        assert "https://" not in page
        for asset in ("swagger-ui-bundle.js", "swagger-ui.css", "favicon.png"):
            assert f"/static-offline-docs/{asset}" in page
            assert (await client.get(f"/static-offline-docs/{asset}")).status_code == 200


async def test_the_openapi_document_describes_the_problems() -> None:
    """Each operation names its problems in their media type; FastAPI's own error schema is gone."""
    async with serving(settings()) as client:
        document = (await client.get("/openapi.json")).json()
    change = document["paths"]["/api/v1/projects/{project_id}"]["patch"]["responses"]
    assert {"200", "400", "404", "412", "413", "415", "422", "428", "500", "503"} == set(change)
    assert set(change["422"]["content"]) == {"application/problem+json"}
    assert "Problem" in document["components"]["schemas"]
    assert "HTTPValidationError" not in json.dumps(document)


async def test_the_openapi_document_says_who_must_be_named() -> None:
    """Headers are fields of /docs where they are the source, the user's one optional; nothing where nobody is asked."""
    async with serving(settings(tenant_source="header")) as client:
        document = (await client.get("/openapi.json")).json()
    names = {name: scheme["name"] for name, scheme in document["components"]["securitySchemes"].items()}
    assert names == {"tenant": "X-Tenant-Id", "user": "X-User-Id"}
    assert document["security"] == [{"tenant": [], "user": []}, {"tenant": []}]
    async with serving(settings()) as client:
        assert "security" not in (await client.get("/openapi.json")).json()


async def test_the_two_slices_are_found() -> None:
    """Nothing but their packages being there mounts them."""
    async with serving(settings()) as client:
        paths = (await client.get("/openapi.json")).json()["paths"]
    assert {"/api/v1/projects", "/api/v1/projects/{project_id}/tasks:batch", "/api/v1/tasks/{task_id}"} <= set(paths)


async def test_the_examples_need_not_be_served() -> None:
    """Without them neither their paths nor their bodies are in the document, which has one's own name."""
    async with serving(settings(examples=False, title="Invoices")) as client:
        document = (await client.get("/openapi.json")).json()
        answer = await client.get("/api/v1/projects")
    assert (answer.status_code, document["info"]["title"]) == (404, "Invoices")
    assert not [path for path in document["paths"] if "projects" in path or "tasks" in path]
    assert not {"ProjectOut", "TaskOut"} & set(document["components"]["schemas"])


@pytest.mark.parametrize(("origins", "allowed"), [([], None), (["https://ui.example"], "https://ui.example")])
async def test_cors_is_off_until_an_origin_is_named(origins: list[str], allowed: str | None) -> None:
    """A browser is let in from the named origins alone, with the headers it needs readable, on errors too."""
    async with serving(settings(cors_origins=origins)) as client:
        response = await client.get("/api/v1/projects", headers={"Origin": "https://ui.example"})
        stranger = await client.get("/livez", headers={"Origin": "https://evil.example"})
    assert response.status_code == 503
    assert response.headers.get("access-control-allow-origin") == allowed
    assert "access-control-allow-origin" not in stranger.headers


@pytest.mark.parametrize(("proxies", "scheme"), [([], "http"), (["127.0.0.0/8"], "https")])
async def test_forwarded_headers_are_believed_from_named_proxies(proxies: list[str], scheme: str) -> None:
    """X-Forwarded-Proto counts only where the connection comes from a trusted network."""
    app = create_app(settings(trusted_proxies=proxies))
    app.add_api_route("/scheme", _scheme)
    transport = httpx2.ASGITransport(app=app)
    async with httpx2.AsyncClient(transport=transport, base_url="http://api") as client:
        assert (await client.get("/scheme", headers={"X-Forwarded-Proto": "https"})).json() == scheme


async def test_each_request_is_one_log_line_without_its_ids() -> None:
    """Method, route template, status and duration; probes are left to debug."""
    with capture_logs() as logged:
        async with serving(settings()) as client:
            await client.get("/api/v1/tasks/018f0000-0000-7000-8000-000000000000")
            await client.get("/livez")
    lines = {line["route"]: line for line in logged if line["event"] == "request"}
    task = lines["/api/v1/tasks/{task_id}"]
    assert (task["method"], task["status"], task["log_level"]) == ("GET", 503, "info")
    assert task["duration_ms"] > 0
    assert lines["/livez"]["log_level"] == "debug"


async def test_metrics_are_served_on_their_own_port() -> None:
    """By route template; paths nobody knows share one label; the port is free again afterwards."""
    port = free_port()
    async with serving(settings(metrics_port=port, http_host="127.0.0.1")) as client:
        for path in ("/api/v1/projects", "/wp-admin", "/.env"):
            await client.get(path)
        async with httpx2.AsyncClient() as scraper:
            text = (await scraper.get(f"http://127.0.0.1:{port}/metrics")).text
        assert (await client.get("/metrics")).status_code == 404
    labels = 'method="GET",route="unmatched",status="404"'
    assert sample(text, f"plinth_http_requests_total{{{labels}}}") == 2
    assert sample(text, 'plinth_database_faults_total{kind="unreachable"}') == 1
    assert sample(text, "plinth_ready") == 0
    assert "plinth_database_pool_checked_out_connections 0.0" in text
    with socket.socket() as again:
        assert again.connect_ex(("127.0.0.1", port)) != 0


def test_no_dependency_needs_a_thread() -> None:
    """A dependency that is a plain function would cost each request a trip through the thread pool."""
    contexts = [context for context in iter_route_contexts(create_app(settings()).routes) if context.path]
    dependants = [context.dependant for context in contexts if context.path.startswith("/api/")]
    calls = [flat.call for dependant in dependants for flat in _flat(dependant)]
    assert calls
    assert [call for call in calls if not (iscoroutinefunction(call) or isasyncgenfunction(call))] == []


def _flat(dependant: Dependant) -> Iterator[Dependant]:
    yield dependant
    for child in dependant.dependencies:
        yield from _flat(child)
