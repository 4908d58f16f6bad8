"""A client that hangs up needs no answer: its request is cancelled, and with it what the database does for it.

Nothing in ASGI says so by itself; somebody has to wait for the message. For the many requests that end soon that
would cost more than it saves, so it begins after a quarter of a second. Longer would let a crowd that has left, as
in an overload, keep the database busy for that long each.
"""

import asyncio
from typing import Any

from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

PATIENCE_SECONDS = 0.25
CLIENT_CLOSED_REQUEST = 499
"""nginx's status, for log and metrics: nobody is there to see it."""
_UNASKED_PIECES = 2
"""How much of a body is held for an app that does not read it; the client has to wait then, as without us."""


class Hangups:
    def __init__(self, app: ASGIApp, *, patience: float = PATIENCE_SECONDS) -> None:
        self.app = app
        self.patience = patience

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        task = asyncio.current_task()
        if scope["type"] != "http" or task is None:
            await self.app(scope, receive, send)
            return
        line = Line(receive, send, task, self.patience)
        try:
            await self.app(scope, line.receive, line.send)
        except asyncio.CancelledError:
            if not line.hung_up or task.uncancel() > 0:  # somebody else cancels: the server, which stops
                raise
            if not line.started:
                await Response(status_code=CLIENT_CLOSED_REQUEST)(scope, receive, send)
        finally:
            line.release()


class Line:
    """One request's line to its client. After a while it listens on it, and passes on what it hears."""

    def __init__(self, receive: Receive, send: Send, task: asyncio.Task[Any], patience: float) -> None:
        self.hung_up = False
        self.started = False
        self._receive = receive
        self._send = send
        self._task = task
        self._patience = patience
        self._app_listens = False
        self._heard: asyncio.Queue[Message | Exception] | None = None
        self._listener: asyncio.Task[None] | None = None
        self._timer = asyncio.get_running_loop().call_later(patience, self._begin)

    async def receive(self) -> Message:
        if self._heard is not None:
            return _taken(await self._heard.get())
        self._app_listens = True
        try:
            message = await self._receive()
        finally:
            self._app_listens = False
        if message["type"] == "http.disconnect" and not self.started:  # in the midst of its body: 499 as later
            self.hung_up = True
            self._task.cancel()
            await asyncio.sleep(0)
        return message

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.started = True
        elif not message.get("more_body", False):
            self.release()  # all is said: whoever hangs up now has what he came for
        await self._send(message)

    def release(self) -> None:
        self._timer.cancel()
        if self._listener is not None:
            self._listener.cancel()

    def _begin(self) -> None:
        if self._app_listens:  # the app hears it by itself; two at once would miss what the other heard
            self._timer = asyncio.get_running_loop().call_later(self._patience, self._begin)
            return
        self._heard = asyncio.Queue(_UNASKED_PIECES)
        self._listener = asyncio.get_running_loop().create_task(self._listen(self._heard))

    async def _listen(self, heard: "asyncio.Queue[Message | Exception]") -> None:
        """Hear what is left of the body, as far as the app takes it, then the end of the connection."""
        while True:
            try:
                message = await self._receive()
            except Exception as failure:  # such as a body that is too large: the app's to answer
                await heard.put(failure)
                return
            if message["type"] == "http.disconnect":
                self.hung_up = True
                self._task.cancel()
                return
            await heard.put(message)


def _taken(heard: Message | Exception) -> Message:
    if isinstance(heard, Exception):
        raise heard
    return heard
