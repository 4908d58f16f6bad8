"""What Prometheus sees of one app: its requests, its pool, its database faults, its readiness."""

import asyncio
from collections.abc import Callable
from threading import Thread
from wsgiref.simple_server import WSGIServer

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    GCCollector,
    Histogram,
    PlatformCollector,
    ProcessCollector,
    disable_created_metrics,
    start_http_server,
)
from sqlalchemy.ext.asyncio import AsyncEngine

from app.db.faults import Fault
from app.db.pool import Pool

UNMATCHED = "unmatched"
"""The route of every request that no route matches; a label a path would be a label a scanner's guess."""

_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)


class Metrics:
    """The metrics of one app, on a registry of its own, so that a process can hold several apps."""

    def __init__(self) -> None:
        disable_created_metrics()  # type: ignore[no-untyped-call]  # a second series for each, for nothing
        self.registry = CollectorRegistry(auto_describe=True)
        ProcessCollector(registry=self.registry)
        PlatformCollector(registry=self.registry)
        GCCollector(registry=self.registry)
        self.requests = Counter(
            "plinth_http_requests",
            "Requests answered, by method, route and status",
            ["method", "route", "status"],
            registry=self.registry,
        )
        self.duration = Histogram(
            "plinth_http_request_duration_seconds",
            "Time from a request's first byte to its answer's last, by method and route",
            ["method", "route"],
            buckets=_SECONDS,
            registry=self.registry,
        )
        self.in_progress = 0
        """Of the event loop alone: a number needs no lock."""
        self._gauge("plinth_http_requests_in_progress", "Requests being answered", lambda: self.in_progress)
        self.faults = Counter(
            "plinth_database_faults",
            "Requests that failed at the database, by kind (app/db/faults.py)",
            ["kind"],
            registry=self.registry,
        )
        self.checks = Counter(
            "plinth_readiness_checks",
            "Looks at the database for readiness, by result: answered or failed",
            ["result"],
            registry=self.registry,
        )
        self.key_fetches = Counter(
            "plinth_jwks_fetches",
            "Fetches of the token issuer's keys, by result: answered or failed",
            ["result"],
            registry=self.registry,
        )
        self.pool_wait = Histogram(
            "plinth_database_pool_wait_seconds",
            "Time until the pool gave a connection or gave up; opening one is part of it",
            buckets=_SECONDS,
            registry=self.registry,
        )
        self.pool_replacements = Counter(
            "plinth_database_pool_replacements",
            "Pools replaced as they gave no working connection",
            registry=self.registry,
        )
        for kind in Fault:
            self.faults.labels(kind)

    def note_keys(self, result: str) -> None:
        self.key_fetches.labels(result).inc()

    def watch_pool(self, engine: AsyncEngine) -> None:
        """Follow the engine's pool, also where it is replaced."""

        def pool() -> Pool:
            assert isinstance(engine.pool, Pool)  # noqa: S101 - the API's engine has no other
            return engine.pool

        pool().waited = self.pool_wait.observe
        self._gauge(
            "plinth_database_pool_connections", "Connections open", lambda: pool().checkedin() + pool().checkedout()
        )
        self._gauge("plinth_database_pool_checked_out_connections", "Connections in use", lambda: pool().checkedout())

    def limit_pool(self, connections: int) -> None:
        """Say how many connections there can be: a pool is exhausted where as many are in use."""
        self._gauge("plinth_database_pool_limit_connections", "Connections there can be", lambda: connections)

    def watch_readiness(self, is_ready: Callable[[], bool]) -> None:
        self._gauge("plinth_ready", "1 while /readyz answers 200", is_ready)

    def _gauge(self, name: str, text: str, value: Callable[[], float]) -> None:
        Gauge(name, text, registry=self.registry).set_function(value)


class MetricsServer:
    """``/metrics`` on a port of its own, in a thread, so that it answers while the event loop is busy."""

    def __init__(self, server: WSGIServer, thread: Thread) -> None:
        self._server = server
        self._thread = thread

    @classmethod
    def start(cls, metrics: Metrics, *, host: str, port: int) -> "MetricsServer":
        return cls(*start_http_server(port, addr=host, registry=metrics.registry))

    async def stop(self) -> None:
        await asyncio.to_thread(self._server.shutdown)  # up to half a second
        self._server.server_close()
        self._thread.join()
