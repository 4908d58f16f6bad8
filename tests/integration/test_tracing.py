"""Traces of `plinth serve`, as a collector receives them."""

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from uuid import UUID

import httpx2
import pytest

from tests.collector import Collector, collecting
from tests.integration.test_serve import NOWHERE
from tests.processes import Process, environment, started
from tests.servers.databases import TestDatabase

pytestmark = pytest.mark.servers(18)  # a span knows no server's version
TRACE = "0af7651916cd43dd8448eb211c80319c"
PARENT = "b7ad6b7169203331"
URL = "/api/v1/projects"


@pytest.fixture
def collector(monkeypatch: pytest.MonkeyPatch) -> Iterator[Collector]:
    with collecting() as made:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", made.url)
        yield made


def ask(process: Process, method: str, path: str, **options: object) -> httpx2.Response:
    headers = {"traceparent": f"00-{TRACE}-{PARENT}-01"}
    return httpx2.request(method, process.url + path, headers=headers, **options)  # type: ignore[arg-type]


def test_a_request_is_a_span_with_its_statements(tmp_path: Path, database: TestDatabase, collector: Collector) -> None:
    """One span a request, under the caller's, and under it one a statement; none for probes, and no value in any."""
    with started(tmp_path, database.uri, tracing=True, tenant_source="none") as process:
        process.wait_for("/readyz", 200)
        ask(process, "POST", URL, json={"name": "canary-name"})
        ask(process, "GET", URL)
        assert ask(process, "POST", f"{URL}/{UUID(int=9)}/tasks", json={"title": "t"}).status_code == 404
        assert process.end() == 0  # what is left is sent at the end
    names = [span.name for span in collector.requests()]
    assert names == [f"POST {URL}", f"GET {URL}", f"POST {URL}/{{project_id}}/tasks"]
    assert {(span.trace_id, span.parent_id, span.service) for span in collector.requests()} == {
        (TRACE, PARENT, "plinth")
    }
    below = {
        span.span_id: [one for one in collector.spans if one.parent_id == span.span_id] for span in collector.requests()
    }
    created, listed, refused = below.values()
    assert [one.name for one in created] == ["INSERT"]
    assert [one.name for one in listed] == ["SELECT"]
    assert "FROM projects" in listed[0].attributes["db.query.text"]
    assert [(one.failed, one.attributes["error.type"]) for one in refused] == [(True, "foreign-key")]
    assert not any("canary" in span.text or "DETAIL" in span.text for span in collector.spans)
    lines = [json.loads(line) for line in process.logged.splitlines() if '"message": "request"' in line]
    assert [line["trace_id"] for line in lines if line["route"] == URL] == [TRACE, TRACE]
    assert {line["span_id"] for line in lines if "span_id" in line} == set(below)


def test_the_standard_variables_count(
    tmp_path: Path, database: TestDatabase, collector: Collector, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A service's name and a sampler are given as everywhere else."""
    monkeypatch.setenv("OTEL_SERVICE_NAME", "ours")
    monkeypatch.setenv("OTEL_TRACES_SAMPLER", "parentbased_always_off")
    with started(tmp_path, database.uri, tracing=True) as process:
        process.wait_for("/readyz", 200)
        httpx2.get(process.url + URL)
        ask(process, "GET", URL)  # sampled by who calls
        assert process.end() == 0
    assert [(span.service, span.trace_id) for span in collector.requests()] == [("ours", TRACE)]


def test_a_collector_that_is_away_costs_nothing(
    tmp_path: Path, database: TestDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Requests are answered, and the process ends in time with 0."""
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:1")
    with started(tmp_path, database.uri, tracing=True, drain_seconds=0) as process:
        process.wait_for("/readyz", 200)
        assert [ask(process, "GET", URL).status_code for _ in range(20)] == [200] * 20
        began = time.monotonic()
        assert process.end(within=15) == 0
        assert time.monotonic() - began < 10


def test_nothing_is_sent_unless_asked(tmp_path: Path, collector: Collector, monkeypatch: pytest.MonkeyPatch) -> None:
    """A collector's address alone, and FastAPI's own switch, turn nothing on."""
    monkeypatch.setenv("FASTAPI_OTEL_AUTO_CONFIGURE", "true")
    with started(tmp_path, NOWHERE) as process:
        process.wait_for("/livez", 200)
        ask(process, "GET", URL)
        assert process.end() == 0
        assert "trace_id" not in process.logged
    assert collector.spans == []


def test_without_the_extra_it_ends_with_a_sentence() -> None:
    """Exit code 2, and what to install."""
    script = (
        "import sys; sys.modules['opentelemetry.sdk'] = None; sys.argv = ['plinth', 'serve']\n"
        "from app.cli import main; main()"
    )
    done = subprocess.run(
        [sys.executable, "-c", script],
        env=environment(database_url=NOWHERE, tracing=True),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 2
    assert done.stderr.startswith(
        "Error: PLINTH_TRACING is on, but OpenTelemetry's SDK is not installed: install plinth"
    )
    assert done.stderr.count("\n") == 1
