"""Request ids."""

import httpx2
import pytest
import structlog
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from app.middleware.request_ids import HEADER, RequestIds, accepted


async def show(request: Request) -> JSONResponse:
    return JSONResponse([request.state.request_id, structlog.contextvars.get_contextvars()["request_id"]])


async def ask(**headers: str) -> httpx2.Response:
    transport = httpx2.ASGITransport(app=RequestIds(Starlette(routes=[Route("/", show)])))
    async with httpx2.AsyncClient(transport=transport, base_url="http://api") as client:
        return await client.get("/", headers=headers)


async def test_a_given_id_is_used_everywhere() -> None:
    """The id of the request is in the answer, in the state and in the log context."""
    response = await ask(**{HEADER: "abc-123"})
    assert response.headers[HEADER] == "abc-123"
    assert response.json() == ["abc-123", "abc-123"]


async def test_an_id_is_made_where_none_is_given() -> None:
    """Two requests never share one."""
    assert (await ask()).headers[HEADER] != (await ask()).headers[HEADER]


@pytest.mark.parametrize("header", ["", "a b", "x" * 129, 'a"b', "line\nbreak", "ümlaut", "a,b"])
def test_an_unsafe_id_is_replaced(header: str) -> None:
    """What could forge a log line or grow it without bound is not taken over."""
    assert accepted(header) != header


def test_a_context_does_not_outlive_its_request() -> None:
    """Nothing of a request is left in the logs of the next."""
    assert "request_id" not in structlog.contextvars.get_contextvars()
