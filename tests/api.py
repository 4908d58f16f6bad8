"""The API as the tests run it: in this process, without a socket, with its lifespan."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import httpx2
from fastapi import FastAPI

from app.main import create_app
from app.settings import Settings


@asynccontextmanager
async def running(app: FastAPI) -> AsyncIterator[httpx2.AsyncClient]:
    """A client of an app whose lifespan has begun."""
    transport = httpx2.ASGITransport(app=app)
    async with (
        app.router.lifespan_context(app),
        httpx2.AsyncClient(transport=transport, base_url="http://api") as client,
    ):
        yield client


@asynccontextmanager
async def serving(settings: Settings) -> AsyncIterator[httpx2.AsyncClient]:
    async with running(create_app(settings)) as client:
        yield client


async def until(condition: Callable[[], Awaitable[Any]], *, within: float = 10) -> Any:
    """Ask until the answer is true, and give it; fails when the time is over."""
    deadline = time.monotonic() + within
    while not (answer := await condition()):
        assert time.monotonic() < deadline, f"not so within {within} s"
        await asyncio.sleep(0.02)
    return answer
