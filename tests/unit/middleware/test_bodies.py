"""The body limit."""

from collections.abc import AsyncIterator

import httpx2
import pytest
from fastapi import FastAPI, Request

from app import problems
from app.middleware.bodies import BodyLimit
from app.schemas import Body


class Text(Body):
    text: str


def limited_app() -> FastAPI:
    app = FastAPI()
    problems.install(app)
    app.add_middleware(BodyLimit, limit=100)

    @app.post("/parsed")
    async def parsed(body: Text) -> int:
        return len(body.text)

    @app.post("/raw")
    async def raw(request: Request) -> int:
        return len(await request.body())

    @app.post("/unread")
    async def unread() -> None:
        pass

    return app


async def post(path: str, content: bytes | AsyncIterator[bytes]) -> httpx2.Response:
    transport = httpx2.ASGITransport(app=limited_app())
    async with httpx2.AsyncClient(transport=transport, base_url="http://api") as client:
        return await client.post(path, content=content, headers={"content-type": "application/json"})


async def chunks(size: int) -> AsyncIterator[bytes]:
    for _ in range(size // 10):
        yield b"x" * 10


@pytest.mark.parametrize("path", ["/parsed", "/raw", "/unread"])
async def test_a_declared_length_beyond_the_limit_is_refused(path: str) -> None:
    """413 as a problem, whether or not anybody would read the body."""
    response = await post(path, b"x" * 101)
    assert (response.status_code, response.json()["type"]) == (413, "/problems/payload-too-large")


@pytest.mark.parametrize("path", ["/parsed", "/raw"])
async def test_a_streamed_body_is_counted(path: str) -> None:
    """Without a length the limit holds while the body arrives."""
    response = await post(path, chunks(200))
    assert (response.status_code, response.json()["type"]) == (413, "/problems/payload-too-large")


async def test_a_body_of_the_limit_passes() -> None:
    """The limit itself is allowed."""
    assert (await post("/raw", b"x" * 100)).json() == 100
    assert (await post("/raw", chunks(100))).json() == 100
