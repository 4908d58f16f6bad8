"""One log line and one observation a request, by the route it matched."""

import time
from collections.abc import Callable, Iterable
from typing import Any

import structlog
from fastapi.routing import iter_route_contexts
from starlette.routing import BaseRoute
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.metrics import UNMATCHED, Metrics
from app.routing import FOUND

PROBES = frozenset({"/livez", "/readyz", "/startupz"})
"""Asked every few seconds by the kubelet: logged at debug only."""

_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
log = structlog.stdlib.get_logger("plinth.access")


def route_templates(routes: Iterable[BaseRoute]) -> dict[Any, str]:
    """The whole path template of each endpoint, prefixes included."""
    contexts = iter_route_contexts(list(routes))
    return {context.endpoint: context.path for context in contexts if context.endpoint and context.path}


class Access:
    def __init__(self, app: ASGIApp, *, metrics: Metrics) -> None:
        self.app = app
        self.metrics = metrics
        self._templates: dict[Any, str] | None = None
        self._known: dict[tuple[str, str, int], tuple[Callable[[], None], Callable[[float], None]]] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        status = 500  # what the server answers where nothing was

        async def note(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        started = time.perf_counter()
        self.metrics.in_progress += 1
        try:
            await self.app(scope, receive, note)
        finally:
            self.metrics.in_progress -= 1
            self._record(scope, status, time.perf_counter() - started)

    def _record(self, scope: Scope, status: int, seconds: float) -> None:
        route = self._route(scope)
        method = scope["method"] if scope["method"] in _METHODS else "OTHER"
        count, observe = self._series(method, route, status)
        count()
        observe(seconds)
        write = log.debug if route in PROBES else log.info
        write("request", method=method, route=route, status=status, duration_ms=round(seconds * 1000, 1))

    def _series(self, method: str, route: str, status: int) -> tuple[Callable[[], None], Callable[[float], None]]:
        """What counts and what observes such requests: to ask for them each time costs more than what they do."""
        known = self._known.get((method, route, status))
        if known is None:
            counter = self.metrics.requests.labels(method, route, status)
            histogram = self.metrics.duration.labels(method, route)
            known = self._known[method, route, status] = counter.inc, histogram.observe
        return known

    def _route(self, scope: Scope) -> str:
        if (found := scope.get(FOUND)) is not None:
            return str(found.path)
        if self._templates is None:
            self._templates = route_templates(scope["app"].routes)
        known = self._templates.get(scope.get("endpoint"))
        return known or getattr(scope.get("route"), "path", None) or UNMATCHED
