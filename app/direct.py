"""A route of a slice, run without what FastAPI finds out anew at each request.

What a route needs does not change: it is looked at once, here, and then only done, in FastAPI's order. Routes that need
more than the usual are left to FastAPI, as are all while a test overrides dependencies: `direct` gives None for them.
"""

import email.message
import json
from collections.abc import Callable, Coroutine, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from inspect import isasyncgenfunction, iscoroutinefunction
from typing import Any

from fastapi import Request
from fastapi._compat import ModelField
from fastapi.datastructures import DefaultPlaceholder
from fastapi.dependencies.models import Dependant
from fastapi.dependencies.utils import request_body_to_args, request_params_to_args
from fastapi.encoders import jsonable_encoder
from fastapi.exceptions import RequestValidationError, ResponseValidationError
from fastapi.params import Form
from fastapi.routing import RouteContext
from fastapi.utils import is_body_allowed_for_status_code
from pydantic_core import PydanticUndefined
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.responses import JSONResponse, Response

from app.db.session import MANAGERS

Handler = Callable[[Request], Coroutine[Any, Any, Response]]
STACK = "plinth.stack"
"""Key of a request's scope: what is closed before its answer is sent."""

_JSON = "application/json"


class Written(Response):
    """A response that is as it is to be sent."""

    def __init__(self, body: bytes, status_code: int, raw_headers: list[tuple[bytes, bytes]]) -> None:
        self.body = body
        self.status_code = status_code
        self.raw_headers = raw_headers
        self.background = None


class Plan:
    """What a function is called with: the route's own, or one it depends on."""

    def __init__(self, dependant: Dependant, *, embedded: bool) -> None:
        """``embedded``: whether the body has its parameters by their names, even where there is one only."""
        assert dependant.call is not None  # noqa: S101 - as FastAPI makes it
        self.call = dependant.call
        self.key = dependant.call, dependant.scope
        """What is called once in a request: with another scope it is another thing."""
        self.enter: Any = None
        if isasyncgenfunction(self.call):
            self.enter = MANAGERS.get(self.call) or asynccontextmanager(self.call)
        self.needs = [(one.name, Plan(one, embedded=embedded)) for one in dependant.dependencies]
        self.path, self.query, self.body = dependant.path_params, dependant.query_params, dependant.body_params
        self.embedded = embedded
        self.whole = self.body[0] if len(self.body) == 1 and not embedded else None
        """What the body is as a whole."""
        self.requests = [name for name in (dependant.request_param_name, dependant.http_connection_param_name) if name]
        self.responses = [name for name in (dependant.response_param_name,) if name]


class Call:
    """One request on its way through a plan."""

    def __init__(self, request: Request, stack: AsyncExitStack, body: Any) -> None:
        self.request = request
        self.stack = stack
        self.body = body
        self.response = Written(b"", 0, [])
        self.results: dict[Any, Any] = {}
        self.errors: list[Any] = []

    async def values(self, plan: Plan) -> dict[str, Any]:
        values: dict[str, Any] = {}
        for name, need in plan.needs:
            result = await self._result(need)
            if name is not None:
                values[name] = result
        if plan.path:
            self._take(values, *request_params_to_args(plan.path, self.request.path_params))
        if plan.query:
            self._take(values, *request_params_to_args(plan.query, self.request.query_params))
        if plan.whole is not None and self.body is not PydanticUndefined:
            value, errors = plan.whole.validate(self.body, {}, loc=("body",))
            self._take(values, {plan.whole.name: value}, errors)
        elif plan.body:
            self._take(values, *await request_body_to_args(plan.body, self.body, plan.embedded))
        for name in plan.requests:
            values[name] = self.request
        for name in plan.responses:
            values[name] = self.response
        return values

    def _take(self, values: dict[str, Any], found: dict[str, Any], errors: Sequence[Any]) -> None:
        values.update(found)
        self.errors.extend(errors)

    async def _result(self, plan: Plan) -> Any:
        """What a function gives, called once a request; nothing where what it is called with is wrong."""
        if plan.key not in self.results:
            known = len(self.errors)
            values = await self.values(plan)
            if len(self.errors) > known:
                return None
            entered = plan.enter and self.stack.enter_async_context(plan.enter(**values))
            self.results[plan.key] = await (entered or plan.call(**values))
        return self.results[plan.key]


def direct(route: RouteContext) -> Handler | None:
    """The handler of a route, or None for one that FastAPI is to run."""
    if not (_usual(route) and _simple(route.dependant)):
        return None
    plan, takes_body = Plan(route.dependant, embedded=route._embed_body_fields), route.body_field is not None
    answer = _answer(route.response_field, route.status_code or 200)

    async def handle(request: Request) -> Response:
        body = await _body(request) if takes_body else PydanticUndefined
        call = Call(request, request.scope[STACK], body)
        values = await call.values(plan)
        if call.errors:
            raise RequestValidationError(call.errors, body=None if call.body is PydanticUndefined else call.body)
        return answer(await plan.call(**values), call.response)

    return handle


def takes_a_form(route: RouteContext) -> bool:
    return route.body_field is not None and isinstance(route.body_field.field_info, Form)


def _usual(route: RouteContext) -> bool:
    """Whether a route answers with its model as it is, and takes no form."""
    changed = (
        route.response_model_include,
        route.response_model_exclude,
        route.response_model_exclude_unset,
        route.response_model_exclude_defaults,
        route.response_model_exclude_none,
        route.max_body_size,
        route.stream_item_field,
    )
    untyped = route.response_field is None and is_body_allowed_for_status_code(route.status_code)
    return (
        not (takes_a_form(route) or untyped or any(changed))
        and route.response_model_by_alias
        and iscoroutinefunction(route.dependant.call)
        and isinstance(route.response_class, DefaultPlaceholder)
        and bool(route.strict_content_type)
    )


def _simple(dependant: Dependant) -> bool:
    call = dependant.call
    rare = (
        dependant.header_params,
        dependant.cookie_params,
        dependant.websocket_param_name,
        dependant.background_tasks_param_name,
        dependant.security_scopes_param_name,
        dependant.own_oauth_scopes,
        dependant.concurrency,
        not dependant.use_cache,
    )
    called = iscoroutinefunction(call) or (isasyncgenfunction(call) and dependant.scope == "function")
    return called and not any(rare) and all(map(_simple, dependant.dependencies))


async def _body(request: Request) -> Any:
    try:
        content = await _content(request)
        if not content:
            return PydanticUndefined
        return json.loads(content) if _is_json(request.headers.get("content-type")) else content
    except json.JSONDecodeError as error:
        wrong = {"type": "json_invalid", "loc": ("body", error.pos), "msg": "JSON decode error", "input": {}}
        raise RequestValidationError([{**wrong, "ctx": {"error": error.msg}}], body=error.doc) from error
    except HTTPException:
        raise
    except Exception as error:
        raise HTTPException(400, "There was an error parsing the body") from error


async def _content(request: Request) -> bytes:
    """As `Request.body`, and for it, but without a generator: of each of those the event loop keeps account."""
    if hasattr(request, "_body") or request._stream_consumed:  # by what finds out who asks: nothing more will come
        return await request.body()
    pieces, more = [], True
    while more:
        message = await request.receive()
        if message["type"] == "http.disconnect":
            raise ClientDisconnect
        pieces.append(message.get("body", b""))
        more = message.get("more_body", False)
    request._body = b"".join(pieces)
    return request._body


def _is_json(content_type: str | None) -> bool:
    if content_type == _JSON or not content_type:
        return bool(content_type)
    message = email.message.Message()
    message["content-type"] = content_type
    subtype = message.get_content_subtype()
    return message.get_content_maintype() == "application" and (subtype == "json" or subtype.endswith("+json"))


def _answer(field: ModelField | None, status: int) -> Callable[[Any, Response], Response]:
    """What makes a response of what a route returns: validated once, and written at once."""

    def answer(returned: Any, told: Response) -> Response:
        if isinstance(returned, Response):
            return returned
        code, content = told.status_code or status, b""
        if field is not None:
            value, errors = field.validate(returned, {}, loc=("response",))
            if errors:
                raise ResponseValidationError(errors=errors, body=returned)
            content = field.serialize_json(value)
        elif is_body_allowed_for_status_code(code):  # which the route has told, in place of its own
            content = bytes(JSONResponse(jsonable_encoder(returned)).body)
        if not is_body_allowed_for_status_code(code):
            content = b""
        headers = [(b"content-type", b"application/json"), *told.raw_headers]
        if code >= 200 and code not in (204, 304):
            headers.insert(0, (b"content-length", b"%d" % len(content)))
        return Written(content, code, headers)

    return answer
