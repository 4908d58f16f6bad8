"""The short way to a slice's routes answers as FastAPI's long one does."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from typing import Annotated, Any

import httpx2
import pytest
from fastapi import APIRouter, Depends, FastAPI, Form, Query, Request, Response
from fastapi.dependencies import utils
from fastapi.routing import iter_route_contexts
from pydantic import BaseModel, SecretStr
from starlette.responses import PlainTextResponse
from starlette.types import Message

from app import problems, routing
from app.db.context import Context
from app.direct import direct, takes_a_form
from app.errors import Conflict, NotFound
from app.idempotency import IdempotentRoute
from app.main import create_app
from app.routing import FOUND
from app.schemas import Body, ShortText
from app.settings import Settings
from app.tenancy import Source, nobody

JSON = {"content-type": "application/json"}


class ThingBody(Body):
    name: ShortText
    size: int = 1


class Thing(BaseModel):
    name: str
    size: int


async def _name(request: Request, prefix: Annotated[str, Query(max_length=3)] = "") -> str:
    if prefix == "no":
        raise Conflict("no is no prefix")
    return prefix + request.headers.get("x-name", "")


async def _log(request: Request, name: Annotated[str, Depends(_name)]) -> AsyncIterator[list[str]]:
    log: list[str] = request.app.state.log
    log.append(f"begins for {name}")
    try:
        yield log
    except NotFound:
        log.append("rolled back")
        raise
    log.append("committed")


Log = Annotated[list[str], Depends(_log, scope="function")]
router = APIRouter(prefix="/things", route_class=IdempotentRoute)


@router.post("", status_code=201, response_model=Thing)
async def create(body: ThingBody, log: Log, name: Annotated[str, Depends(_name)], response: Response) -> dict[str, Any]:
    log.append("creates")
    response.headers["Location"] = f"/things/{name}"
    return {"name": name + body.name, "size": body.size, "secret": "left out"}


@router.get("/{number}", response_model=Thing)
async def read(number: int, log: Log, request: Request, response: Response) -> dict[str, Any]:
    if number == 404:
        raise NotFound("There is no such thing.")
    response.status_code = 203 if number == 203 else None  # type: ignore[assignment]
    response.headers.append("x-log", log[-1])
    response.headers["x-here"] = routing.location(request, "read", number=number)
    return {"name": "wrong" if number else "thing", "size": "no number" if number == 500 else number}


@router.delete("/{number}", status_code=204)
async def remove(number: int, log: Log) -> None:
    log.append(f"removes {number}")


@router.put("/{number}", response_model=Thing)
async def replace(number: int) -> Response:
    return Response(f"as it is: {number}", 202)


@router.get("", response_model=list[Thing])
async def every(tags: Annotated[list[str] | None, Query()] = None) -> list[Thing]:
    return [Thing(name=tag, size=0) for tag in tags or ()]


async def _counted(request: Request) -> int:
    log: list[str] = request.app.state.log
    log.append("counted")
    return len(log)


Once = Annotated[int, Depends(_counted)]
Again = Annotated[int, Depends(_counted, scope="function")]


@router.get("/counts/both")
async def counts(once: Once, same: Once, again: Again) -> list[int]:
    return [once, same, again]


@router.post("/told/status", status_code=204, response_model=None)
async def told(response: Response, status: int) -> dict[str, int]:
    response.status_code = status
    return {"told": status}


class Unforeseen(Exception):
    pass


@router.post("/unforeseen/failure")
async def unforeseen(body: dict[str, int]) -> int:
    raise Unforeseen(body)


async def _show_body(request: Request, _: Exception) -> Response:
    return PlainTextResponse(await request.body(), 400)


def app_with(*, shortcut: bool, before: str | None = None) -> FastAPI:
    """``before``: something of Starlette's goes before the slice, at this path."""
    app = FastAPI(redirect_slashes=False)
    app.state.tenant_source, app.state.log = nobody, []
    app.add_exception_handler(Unforeseen, _show_body)
    problems.install(app)
    if before is not None:
        app.mount(before, PlainTextResponse("mounted"))
    app.include_router(router, prefix="/api")
    if shortcut:
        routing.install(app, "/api")
    return app


async def answer(app: FastAPI, method: str, path: str, content: bytes, headers: dict[str, str]) -> tuple[Any, ...]:
    transport = httpx2.ASGITransport(app=app, raise_app_exceptions=False)
    async with httpx2.AsyncClient(transport=transport, base_url="http://api") as client:
        async with asyncio.timeout(5):
            response = await client.request(method, path, content=content, headers=headers)
    return response.status_code, response.headers.multi_items(), response.content, app.state.log


@pytest.mark.parametrize(
    ("method", "path", "content", "headers"),
    [
        ("POST", "", b'{"name": "one", "size": "3"}', JSON | {"x-name": "n"}),
        ("POST", "?prefix=a", b'{"name": "one"}', {"content-type": "application/vnd.api+json; charset=utf-8"}),
        ("POST", "", b'{"name": "one"}', {"content-type": "application/json; charset=utf-8"}),
        ("POST", "", b'{"name": "one"}', {"content-type": "text/plain"}),
        ("POST", "", b'{"name": "one"}', {}),
        ("POST", "", b'{"name": "one"}', JSON | {"idempotency-key": "a b"}),
        ("POST", "", b'{"name": ', JSON),
        ("POST", "", b'{"name": "\xff"}', JSON),
        ("POST", "", b"[1]", JSON),
        ("POST", "", b"", JSON),
        ("POST", "", b"null", JSON),
        ("POST", "", b'{"name": "", "colour": 1}', JSON),
        ("POST", "?prefix=long", b'{"name": ""}', JSON),
        ("POST", "?prefix=no", b'{"name": ""}', JSON),
        ("GET", "/0?prefix=ab", b"", {}),
        ("GET", "/0?prefix=a&prefix=b", b"", {}),
        ("GET", "/203", b"", {}),
        ("GET", "/404", b"", {}),
        ("GET", "/500", b"", {}),
        ("GET", "/one", b"", {}),
        ("GET", "/one?prefix=long", b"", {}),
        ("GET", "/%C3%A9", b"", {}),
        ("GET", "?tags=a&tags=b", b"", {}),
        ("GET", "/", b"", {}),
        ("GET", "/0/more", b"", {}),
        ("HEAD", "/0", b"", {}),
        ("PATCH", "/0", b"", {}),
        ("BREW", "/0", b"", {}),
        ("DELETE", "/0", b"", {}),
        ("PUT", "/0", b"", {}),
        ("GET", "/counts/both", b"", {}),
        ("POST", "/told/status?status=200", b"", {}),
        ("POST", "/told/status?status=304", b"", {}),
        ("POST", "/unforeseen/failure", b'{"a": 1}', JSON),
    ],
)
async def test_both_ways_answer_alike(method: str, path: str, content: bytes, headers: dict[str, str]) -> None:
    """To the byte, and with the same things done in the same order."""
    short, long = [
        await answer(app_with(shortcut=shortcut), method, f"/api/things{path}", content, headers)
        for shortcut in (True, False)
    ]
    assert short == long


@pytest.mark.parametrize("pieces", [[b'{"name"', b': "one"}'], [b""], [b'{"name": "one"}', b""], [b'{"na', None]])
async def test_a_body_in_pieces_is_one_body(pieces: list[bytes | None]) -> None:
    """None: the client hangs up in the midst of it."""
    answers = []
    for shortcut in (True, False):
        app, sent, left = app_with(shortcut=shortcut), list[Any](), iter([*pieces, None])

        async def receive(left: Iterator[bytes | None] = left) -> Message:
            piece = next(left)
            if piece is None:
                return {"type": "http.disconnect"}
            return {"type": "http.request", "body": piece, "more_body": piece != pieces[-1]}

        async def send(message: Message, sent: list[Any] = sent) -> None:
            sent.append(message)

        headers = [(b"content-type", b"application/json")]
        scope = {"type": "http", "method": "POST", "path": "/api/things", "headers": headers, "query_string": b""}
        await app(scope, receive, send)
        answers.append((sent, app.state.log))
    assert answers[0] == answers[1]


async def _whole(request: Request) -> Context:
    await request.body()
    return Context()


async def _piecewise(request: Request) -> Context:
    async for _ in request.stream():
        pass
    return Context()


@pytest.mark.parametrize("source", [_whole, _piecewise])
async def test_who_asks_may_be_found_out_by_the_body(source: Source) -> None:
    """As by its signature. It comes once: who waits for it again waits for the client to go."""
    answers = []
    for shortcut in (True, False):
        app = app_with(shortcut=shortcut)
        app.state.tenant_source = source
        answers.append(await answer(app, "POST", "/api/things", b'{"name": "one"}', JSON))
    assert answers[0] == answers[1]


@pytest.mark.parametrize("before", ["", "/api", "/api/things", "/api/thing", "/elsewhere"])
async def test_what_comes_before_a_slice_goes_before_it(before: str) -> None:
    """As with Starlette, which asks one after the other."""
    apps = [app_with(shortcut=shortcut, before=before) for shortcut in (True, False)]
    short, long = [await answer(app, "GET", "/api/things/0", b"", {}) for app in apps]
    assert short == long


def test_these_routes_and_those_of_the_slices_are_run_directly() -> None:
    """Else both ways would be one."""
    url = SecretStr("postgresql://nobody@127.0.0.1:1/none?sslmode=disable")
    whole = create_app(Settings(database_url=url, metrics_port=0))
    apis = [route for app in (app_with(shortcut=True), whole) for route in iter_route_contexts(app.routes)]
    assert [route.path for route in apis if "/api/" in (route.path or "") and direct(route) is None] == []


def test_a_form_is_left_to_fastapi(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its limits are those of its router. Declared here without the package that would read it."""
    monkeypatch.setattr(utils, "ensure_multipart_is_installed", lambda: None)
    forms = APIRouter(route_class=IdempotentRoute)

    @forms.post("/forms")
    async def sign(name: Annotated[str, Form()]) -> str:
        return name

    @forms.post("/bodies")
    async def state(body: ThingBody) -> str:
        return body.name

    routes = {route.path: route for route in iter_route_contexts(forms.routes)}
    assert [takes_a_form(routes[path]) for path in ("/forms", "/bodies")] == [True, False]
    assert direct(routes["/forms"]) is None


async def test_an_overridden_dependency_is_honoured() -> None:
    """As tests of a team's own use them."""
    app = app_with(shortcut=True)
    app.dependency_overrides[_name] = lambda: "overridden"
    status, headers, _, log = await answer(app, "GET", "/api/things/0", b"", {})
    assert (status, dict(headers)["x-log"]) == (200, "begins for overridden")
    assert log == ["begins for overridden", "committed"]


async def test_slices_are_found_the_short_way() -> None:
    """Each route of this router is, and one whose first part is a parameter turns the short way off."""
    found: list[Any] = []
    app = app_with(shortcut=True)

    async def seen(scope: Any, receive: Any, send: Any) -> None:
        await app(scope, receive, send)
        found.append(scope.get(FOUND))

    for _ in range(2):
        async with httpx2.AsyncClient(transport=httpx2.ASGITransport(app=seen), base_url="http://api") as client:
            await client.get("/api/things/0")
        app = app_with(shortcut=True)
        app.add_api_route("/api/{anything}/else", _name)
    assert [one and one.path for one in found] == ["/api/things/{number}", None]
