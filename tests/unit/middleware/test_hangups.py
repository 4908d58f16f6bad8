"""What becomes of a request whose client hangs up."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Message, Receive, Scope, Send

from app.middleware.hangups import Hangups

SCOPE: Scope = {"type": "http", "method": "POST", "path": "/", "headers": []}
Handler = Callable[[Scope, Receive, Send], Awaitable[None]]


class Client:
    """One that sends pieces of a body and hangs up when told."""

    def __init__(self, *pieces: bytes) -> None:
        self.answered: list[Message] = []
        self.gone = asyncio.Event()
        self._pieces = list(pieces)

    async def receive(self) -> Message:
        if self._pieces:
            return {"type": "http.request", "body": self._pieces.pop(0), "more_body": bool(self._pieces)}
        await self.gone.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: Message) -> None:
        self.answered.append(message)

    async def ask(self, handler: Handler) -> None:
        await Hangups(handler, patience=0.01)(SCOPE, self.receive, self.send)

    @property
    def status(self) -> int | None:
        return self.answered[0]["status"] if self.answered else None


async def wait_for_ever(*_: Any) -> None:
    await asyncio.Event().wait()


@pytest.mark.parametrize("pieces", [(), (b"",), (b"a", b"b")], ids=["none", "empty", "two"])
async def test_a_handler_is_cancelled_whether_it_read_the_body_or_not(pieces: tuple[bytes, ...]) -> None:
    """It ends with 499 for the log, and without an exception for the server."""
    client = Client(*pieces)
    asyncio.get_running_loop().call_later(0.03, client.gone.set)
    await asyncio.wait_for(client.ask(wait_for_ever), 5)
    assert client.status == 499


async def test_a_client_that_goes_in_the_midst_of_its_body_is_no_bad_request() -> None:
    """It ends with 499, too, although frameworks take a body that breaks off for one that is malformed."""

    async def read(scope: Scope, receive: Receive, send: Send) -> None:
        status = 200
        try:
            await Request(scope, receive).body()
        except Exception:
            status = 400
        await Response(status_code=status)(scope, receive, send)

    class Broken(Client):
        async def receive(self) -> Message:
            return {**await super().receive(), "more_body": True}

    client = Broken(b"{")
    client.gone.set()
    await client.ask(read)
    assert client.status == 499


async def test_a_handler_that_reads_late_reads_everything() -> None:
    """What the middleware heard meanwhile is passed on, in order."""
    heard = []

    async def read_late(_: Scope, receive: Receive, send: Send) -> None:
        await asyncio.sleep(0.05)
        more = True
        while more:
            message = await receive()
            heard.append(message["body"])
            more = message["more_body"]
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    pieces = [bytes([number]) for number in range(10)]
    client = Client(*pieces)
    await client.ask(read_late)
    assert heard == pieces
    assert client.status == 200


async def test_what_comes_after_the_answer_is_not_cancelled() -> None:
    """A client that has its answer may go; background work is not for it."""
    done = False

    async def answer_and_work(_: Scope, receive: Receive, send: Send) -> None:
        nonlocal done
        await asyncio.sleep(0.02)
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b""})
        client.gone.set()
        await asyncio.sleep(0.02)
        done = True

    client = Client(b"")
    await client.ask(answer_and_work)
    assert done


async def test_a_cancellation_by_others_is_passed_on() -> None:
    """Such as the server's, when it stops: then the answer is another's to give."""
    client = Client(b"")
    asking = asyncio.create_task(client.ask(wait_for_ever))
    await asyncio.sleep(0.03)
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    assert client.answered == []


async def test_a_server_that_stops_is_heeded_though_the_client_left() -> None:
    """Both at once: the cancellation of the server's is not taken for the client's."""
    client = Client(b"")

    async def work(*_: Any) -> None:
        try:
            await asyncio.Event().wait()
        finally:
            asking.cancel()

    asking = asyncio.create_task(client.ask(work))
    client.gone.set()
    with pytest.raises(asyncio.CancelledError):
        await asking
    assert client.answered == []


async def test_a_failure_to_receive_is_the_handlers() -> None:
    """As of a body that is too large."""

    class TooLarge(Client):
        async def receive(self) -> Message:
            raise ValueError("too large")

    async def read_late(_: Scope, receive: Receive, __: Send) -> None:
        await asyncio.sleep(0.03)
        await receive()

    with pytest.raises(ValueError, match="too large"):
        await TooLarge().ask(read_late)
