import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from tests.bench.client import Tally, load, request


@asynccontextmanager
async def serving(answers: list[bytes]) -> AsyncIterator[int]:
    """A server that answers each request with the next of these, and closes after the last."""
    left = iter(answers)

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while await reader.readline():
            while await reader.readline() != b"\r\n":
                """The head's other lines."""
            if (text := next(left, None)) is None:
                break
            writer.write(text)
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1]


def _answer(status: int) -> bytes:
    return b"HTTP/1.1 %d x\r\nContent-Length: 2\r\n\r\nok" % status


async def test_each_request_is_sent_once_and_its_answer_counted():
    """As many answers as requests, by status, whatever the number of connections."""
    async with serving([_answer(200)] * 7 + [_answer(503)]) as port:
        tally = await asyncio.to_thread(load, port, [request("GET", "/")] * 8, 3)
    assert tally.statuses == {200: 7, 503: 1}
    assert len(tally.seconds) == 8


async def test_a_connection_closed_before_its_answer_is_an_error():
    """A request that got no answer is not left out of the result."""
    async with serving([_answer(200)]) as port:
        with pytest.raises(ConnectionError):
            await asyncio.to_thread(load, port, [request("GET", "/")] * 2, 1)


def test_a_percentile_is_a_time_that_was_measured():
    """The p99 of a hundred is the last but one of them."""
    tally = Tally(seconds=[float(number) for number in range(100, 0, -1)])
    assert (tally.percentile(0.5), tally.percentile(0.99)) == (50, 99)


def test_a_body_is_announced_with_its_length():
    """What is sent is whole HTTP."""
    assert request("POST", "/x", b"{}", {"A": "b"}) == (
        b"POST /x HTTP/1.1\r\nHost: bench\r\nA: b\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}"
    )
