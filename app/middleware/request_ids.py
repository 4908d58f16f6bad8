"""One id for a request: in each of its log lines, in its answer, in its problems."""

import os
import re

from starlette.types import ASGIApp, Message, Receive, Scope, Send
from structlog.contextvars import bind_contextvars, reset_contextvars

HEADER = "X-Request-Id"
_NAME = HEADER.lower().encode()
_SANE = re.compile(r"[A-Za-z0-9._~+/=:@-]{1,128}")


def accepted(header: str | None) -> str:
    """The id a client or proxy sent where it can be logged as it is, else one of our own."""
    return header if header and _SANE.fullmatch(header) else os.urandom(16).hex()


class RequestIds:
    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        request_id = accepted(next((value for name, value in scope["headers"] if name == _NAME), b"").decode("latin-1"))
        scope.setdefault("state", {})["request_id"] = request_id
        header = (_NAME, request_id.encode())

        async def tag(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [other for other in message.get("headers", ()) if other[0] != _NAME]
                message["headers"].append(header)
            await send(message)

        tokens = bind_contextvars(request_id=request_id)
        try:
            await self.app(scope, receive, tag)
        finally:
            reset_contextvars(**tokens)
