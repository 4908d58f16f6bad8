"""Ways to a slice's routes that are shorter than FastAPI's, which tries all routes one after the other, and twice.

They change no answer: what is not found here, FastAPI finds or refuses.
"""

from collections import defaultdict
from collections.abc import Callable, Mapping
from contextlib import AsyncExitStack
from typing import Any, NamedTuple

from fastapi import FastAPI, Request
from fastapi.routing import APIRoute, APIWebSocketRoute, RouteContext, iter_route_contexts
from starlette._exception_handler import wrap_app_handling_exceptions
from starlette._utils import get_route_path
from starlette.routing import BaseRoute, Host, Match, Mount
from starlette.types import ASGIApp, Receive, Scope, Send

from app.direct import STACK, direct, takes_a_form
from app.idempotency import IdempotentRoute, once

FOUND = "plinth.route"
"""Key of a request's scope: the route, where it was found here."""


class Known(NamedTuple):
    """A route with all prefixes."""

    path: str
    matches: Callable[[Scope], tuple[Match, Scope]]
    app: ASGIApp | None
    """None where FastAPI is to run it."""
    original: BaseRoute


class Shortcut(BaseRoute):
    """Goes before all other routes, and knows those below a prefix by their method and the first part of their path."""

    def __init__(self, app: FastAPI, prefix: str) -> None:
        self._app = app
        self._prefix = f"{prefix}/"
        self._known: Mapping[tuple[str, str], list[Known]] | None = None

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        path = get_route_path(scope) if scope["type"] == "http" else ""
        if path.startswith(self._prefix):
            if self._known is None:
                self._known = self._look()
            for known in self._known.get((scope["method"], self._part(path)), ()):
                match, found = known.matches(scope)
                if match is Match.FULL:
                    if known.app is None:
                        break
                    return match, {**found, "route": known.original, FOUND: known}
        return Match.NONE, {}

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        await scope[FOUND].app(scope, receive, send)

    def _look(self) -> Mapping[tuple[str, str], list[Known]]:
        """At the first request, as FastAPI does: to put routes together takes longer than to start."""
        known = defaultdict(list)
        for route in iter_route_contexts(self._app.routes):
            path = route.path or ""
            if self._is_open(route, path):
                break  # it goes before all that follow, which are FastAPI's
            if not path.startswith(self._prefix) or not isinstance(route.original_route, APIRoute):
                continue
            if "{" in self._part(path):  # it may stand for any of the others, and come before them
                return {}
            app = None if takes_a_form(route) else _app(route)  # a form's limits are those of its router
            for method in route.methods or ():
                known[method, self._part(path)].append(Known(path, route.matches, app, route.original_route))
        return known

    def _is_open(self, route: RouteContext, path: str) -> bool:
        """Whether it is no route of a slice, and may answer what is asked below the prefix."""
        original, (start, parameter, _) = route.original_route, path.partition("{")
        if start.startswith(self._prefix):
            return not isinstance(original, APIRoute | APIWebSocketRoute)
        return self._prefix.startswith(start) and (bool(parameter) or isinstance(original, Mount | Host))

    def _part(self, path: str) -> str:
        return path[len(self._prefix) :].partition("/")[0]


def _app(route: RouteContext) -> ASGIApp:
    handle = direct(route) if isinstance(route.original_route, IdempotentRoute) else None
    left: ASGIApp = route.app
    if handle is None:
        return left

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["app"].dependency_overrides:
            await left(scope, receive, send)
            return
        request = Request(scope, receive, send)
        try:
            async with AsyncExitStack() as scope[STACK]:
                response = await once(handle, request)
        except Exception as failure:
            await _failed(failure, request)(scope, receive, send)
            return
        await response(scope, receive, send)

    return app


def _failed(failure: Exception, request: Request) -> ASGIApp:
    """What answers a failure, as with FastAPI: the handlers get the request whose body was read, and may read it."""

    async def fail(_scope: Scope, _receive: Receive, _send: Send) -> None:
        raise failure

    return wrap_app_handling_exceptions(fail, request)


def install(app: FastAPI, prefix: str) -> None:
    app.router.routes.insert(0, Shortcut(app, prefix))


def location(request: Request, name: str, **parameters: Any) -> str:
    """The path of a route, by its name: as ``request.url_for``, which asks all routes in turn for an exception."""
    paths: dict[str, str] | None = getattr(request.app.state, "paths", None)
    if paths is None:
        known = [route for route in iter_route_contexts(request.app.routes) if route.name and route.path_format]
        paths = request.app.state.paths = {str(route.name): str(route.path_format) for route in known}
    return f"{request.scope.get('root_path', '')}{paths[name].format_map(parameters)}"
