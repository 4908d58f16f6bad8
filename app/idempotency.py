"""``Idempotency-Key``: a POST that may be sent again, and is carried out once.

After the IETF's draft "The Idempotency-Key HTTP Header Field". The key is claimed where the request's transaction
begins (`app.db.session`), and the finished answer is stored under it before the commit: FastAPI closes a dependency of
``scope="function"`` after the handler of the route has returned.
"""

import hashlib
import re
from collections.abc import Callable, Coroutine
from datetime import timedelta
from functools import partial
from typing import Any

from fastapi import Request, Response
from fastapi.routing import APIRoute
from sqlalchemy.ext.asyncio import AsyncSession

from app.db import idempotency
from app.db.idempotency import Kept
from app.db.session import ATTEMPT
from app.errors import IdempotencyAnswerNotKept, IdempotencyKeyReused, MalformedIdempotencyKey
from app.settings import Settings
from app.tenancy import get_context

HEADER = "Idempotency-Key"
REPLAYED = "Idempotent-Replayed"
PATTERN = r'[A-Za-z0-9._~+/=:@-]{1,255}|"[A-Za-z0-9._~+/=:@-]{1,255}"'
"""A UUID does well. The draft's form is in double quotes; most clients leave them away: it is the same key."""

LARGEST_ANSWER = 2 * 1024 * 1024
"""Bytes of an answer that is kept; the largest batch with the longest titles has 1.2 million."""

_KEY = re.compile(PATTERN)
Handler = Callable[[Request], Coroutine[Any, Any, Response]]


def parse(headers: list[str]) -> str | None:
    """The key, or None where there is none. Raises MalformedIdempotencyKey."""
    if not headers:
        return None
    if len(headers) > 1 or not _KEY.fullmatch(headers[0]):
        raise MalformedIdempotencyKey
    return headers[0].strip('"')


def fingerprint(method: str, target: str, user: str | None, body: bytes) -> bytes:
    """What makes two requests the same one. The user is in it, so that nobody is shown what another was answered."""
    digest = hashlib.sha256()
    for part in (method.encode(), target.encode(), (user or "").encode(), body):
        digest.update(len(part).to_bytes(8))
        digest.update(part)
    return digest.digest()


class _Replay(Exception):
    """Nothing is to be done again: the answer of the first time."""

    def __init__(self, response: Response) -> None:
        self.response = response


class Attempt:
    """One request with a key. It does nothing before the request's transaction begins."""

    def __init__(self, request: Request, key: str) -> None:
        self._request = request
        self._key = key
        self._session: AsyncSession | None = None

    async def begin(self, session: AsyncSession) -> None:
        """Claim the key, as the first thing in the transaction that does the work."""
        mark = await self._fingerprint(session)
        settings: Settings = self._request.app.state.settings
        kept = await idempotency.claim(session, self._key, mark, timedelta(hours=settings.idempotency_hours))
        if kept is None:
            self._session = session
            return
        if kept.fingerprint != mark:
            raise IdempotencyKeyReused
        # The first commit may have given up waiting for a synchronous standby. This one waits for it: the claim locked
        # the key's row, so there is something to commit.
        await session.commit()
        raise _Replay(_response(kept))

    async def finish(self, response: Response) -> None:
        """Store the answer. One that is streamed or too large is not kept; its key is."""
        if self._session is None or not isinstance(body := getattr(response, "body", None), bytes):
            return
        if len(body) <= LARGEST_ANSWER:
            headers = [[name.decode("latin-1"), value.decode("latin-1")] for name, value in response.raw_headers]
            await idempotency.keep(self._session, self._key, response.status_code, headers, body)

    async def _fingerprint(self, session: AsyncSession) -> bytes:
        url, user = self._request.url, session.info["context"].user_id
        return fingerprint(self._request.method, f"{url.path}?{url.query}", user, await self._request.body())


def _response(kept: Kept) -> Response:
    if kept.status is None or kept.headers is None or kept.body is None:
        raise IdempotencyAnswerNotKept
    response = Response(kept.body, kept.status, {REPLAYED: "true"})
    for name, value in kept.headers:
        if name != "content-length":
            response.headers.append(name, value)
    return response


class IdempotentRoute(APIRoute):
    """The route class of every slice: its POSTs take an ``Idempotency-Key``. Without one nothing is done or asked."""

    def get_route_handler(self) -> Handler:
        return partial(once, super().get_route_handler())


async def once(handle: Handler, request: Request) -> Response:
    """Handle a request, or answer it as it was answered before.

    Who asks is found out first, before FastAPI reads a body: what else is wrong is told to those who may ask.
    """
    await get_context(request)
    key = parse(request.headers.getlist(HEADER)) if request.method == "POST" else None
    if key is None:
        return await handle(request)
    attempt = request.scope[ATTEMPT] = Attempt(request, key)
    try:
        response = await handle(request)
    except _Replay as replay:
        return replay.response
    await attempt.finish(response)
    return response
