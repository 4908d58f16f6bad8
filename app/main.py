"""The API: `create_app` wires it, its lifespan owns what lives as long as the process."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from typing import TYPE_CHECKING

from fastapi import Depends, FastAPI
from fastapi.middleware.cors import CORSMiddleware
from fastapi.telemetry import TelemetryConfig
from fastapi_offline import FastAPIOffline
from starlette.middleware import Middleware
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

from app import __version__, logs, openapi, problems, routing, slices
from app.db.address import address
from app.db.dialect import GOODBYE_SECONDS
from app.db.session import Database
from app.health import routes as health
from app.health.probes import Probes
from app.idempotency import IdempotentRoute
from app.metrics import Metrics, MetricsServer
from app.middleware.access import Access
from app.middleware.bodies import BodyLimit
from app.middleware.draining import Draining
from app.middleware.failures import Failures
from app.middleware.hangups import Hangups
from app.middleware.request_ids import RequestIds
from app.settings import Settings, load_settings
from app.tenancy import Source, from_headers, from_token, get_context, nobody

if TYPE_CHECKING:
    from app.tokens import Verifier
    from app.tracing import Tracing

PREFIX = "/api/v1"
CLOSING_SECONDS = GOODBYE_SECONDS + 1
SILENT: TelemetryConfig = {"tracing": False, "metrics": False, "logs": False, "auto_configure": False}
"""FastAPI sends traces by itself where it finds a provider or a variable of its own; ours is one setting."""


def create_app(settings: Settings | None = None) -> FastAPI:
    """The application. Without settings it reads them and sets up logging, as ``uvicorn --factory`` needs."""
    if settings is None:
        settings = load_settings()
        logs.configure(settings)
    address(settings)  # one that cannot work is said now, not at the first request
    metrics = Metrics()
    tracing = _tracing(settings)
    metrics.limit_pool(settings.database_pool_size + settings.database_pool_overflow)
    probes = Probes(settings, metrics)
    app = FastAPIOffline(
        title=settings.title,
        version=__version__,
        docs_url="/docs",
        redoc_url=None,
        redirect_slashes=False,
        generate_unique_id_function=lambda route: route.name,
        lifespan=_lifespan,
        telemetry=tracing.of_requests if tracing else SILENT,
        middleware=_middleware(settings, metrics, probes),
    )
    app.state.settings, app.state.metrics, app.state.probes = settings, metrics, probes
    app.state.tracing = tracing
    app.state.tenant_source, app.state.verifier = _tenant_source(settings, metrics)
    health.install(app, probes)
    problems.install(app)
    responses = openapi.everywhere(settings.tenant_source)
    for router in slices.routers(examples=settings.examples):
        asked = all(isinstance(route, IdempotentRoute) for route in router.routes)
        # Also where a route has no session: IdempotentRoute asks by itself, before anything else.
        who = [] if asked else [Depends(get_context)]
        app.include_router(router, prefix=PREFIX, responses=responses, dependencies=who)
    if tracing is None:  # which gives a span the name of the route that FastAPI finds
        routing.install(app, PREFIX)
    openapi.install(app, settings.tenant_source)
    return app


def _tracing(settings: Settings) -> "Tracing | None":
    if settings.tracing:
        from app.tracing import Tracing  # noqa: PLC0415 - of an extra that may not be installed

        return Tracing()
    return None


def _tenant_source(settings: Settings, metrics: Metrics) -> tuple[Source, "Verifier | None"]:
    if settings.tenant_source == "jwt":
        from app.tokens import Verifier  # noqa: PLC0415 - 9 MB that others do not need

        verifier = Verifier.of(settings, metrics.note_keys)
        return from_token(verifier), verifier
    return (from_headers if settings.tenant_source == "header" else nobody), None


def _middleware(settings: Settings, metrics: Metrics, probes: Probes) -> list[Middleware]:
    """From the outside in."""
    stack = [
        Middleware(RequestIds),
        Middleware(Access, metrics=metrics),
        Middleware(Draining, is_draining=lambda: probes.draining),
        Middleware(BodyLimit, limit=settings.body_limit_bytes),
        Middleware(Failures, metrics=metrics),
        Middleware(Hangups),
    ]
    if settings.cors_origins:
        cors = Middleware(
            CORSMiddleware,
            allow_origins=settings.cors_origins,
            allow_methods=["*"],
            allow_headers=["*"],
            expose_headers=[
                "ETag",
                "Idempotent-Replayed",
                "Location",
                "Retry-After",
                "WWW-Authenticate",
                "X-Request-Id",
            ],
        )
        stack.insert(3, cors)
    if settings.trusted_proxies:
        proxies = [str(network) for network in settings.trusted_proxies]
        stack.insert(0, Middleware(ProxyHeadersMiddleware, trusted_hosts=proxies))
    return stack


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    """Waits for nothing: the process listens at once, also without its database."""
    settings: Settings = app.state.settings
    async with AsyncExitStack() as stack:
        if settings.metrics_port:
            server = MetricsServer.start(app.state.metrics, host=settings.http_host, port=settings.metrics_port)
            stack.push_async_callback(server.stop)
        if app.state.tracing is not None:
            stack.push_async_callback(app.state.tracing.close)
        app.state.database = Database.open(settings)
        stack.push_async_callback(_close, app.state.database)
        app.state.metrics.watch_pool(app.state.database.engine)
        app.state.probes.watch(app.state.database)
        if app.state.tracing is not None:
            app.state.tracing.watch(app.state.database.engine.sync_engine)
        if app.state.verifier is not None:
            app.state.verifier.keys.start()
            stack.push_async_callback(app.state.verifier.keys.stop)
        app.state.probes.start()
        stack.push_async_callback(app.state.probes.stop)
        yield


async def _close(database: Database) -> None:
    """Say goodbye to the server, but not for longer than the grace period allows: it may not listen."""
    with suppress(TimeoutError):
        async with asyncio.timeout(CLOSING_SECONDS):
            await database.close()
