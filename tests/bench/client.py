"""Load: a fixed number of requests over a few kept connections, each of which sends the next when it has its answer."""

import asyncio
import math
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import cast

import httptools
import uvloop

CONNECTIONS = 8
WITHIN_SECONDS = 300


@dataclass
class Tally:
    """What was answered."""

    statuses: Counter[int] = field(default_factory=Counter)
    seconds: list[float] = field(default_factory=list)

    def percentile(self, share: float) -> float:
        """Seconds within which this share of the requests was answered."""
        return sorted(self.seconds)[math.ceil(share * len(self.seconds)) - 1]


def request(method: str, path: str, body: bytes | None = None, headers: Mapping[str, str] | None = None) -> bytes:
    """A request as it is sent."""
    lines = [
        f"{method} {path} HTTP/1.1",
        "Host: bench",
        *(f"{name}: {value}" for name, value in (headers or {}).items()),
    ]
    if body is not None:
        lines += ["Content-Type: application/json", f"Content-Length: {len(body)}"]
    return ("\r\n".join(lines) + "\r\n\r\n").encode() + (body or b"")


def load(port: int, requests: Sequence[bytes], connections: int = CONNECTIONS) -> Tally:
    """Send all of them, and wait for the answers."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(_load(port, requests, connections))


async def _load(port: int, requests: Sequence[bytes], connections: int) -> Tally:
    tally, waiting, loop = Tally(), iter(requests), asyncio.get_running_loop()
    lines = [_Line(waiting, tally, loop.create_future()) for _ in range(min(connections, len(requests)))]
    for line in lines:
        await loop.create_connection(partial(_itself, line), "127.0.0.1", port)
    async with asyncio.timeout(WITHIN_SECONDS):
        await asyncio.gather(*(line.ended for line in lines))
    return tally


def _itself(line: "_Line") -> "_Line":
    return line


class _Line(asyncio.Protocol):
    """One connection."""

    def __init__(self, waiting: Iterator[bytes], tally: Tally, ended: asyncio.Future[None]) -> None:
        self.ended = ended
        self._waiting = waiting
        self._tally = tally
        self._parser = httptools.HttpResponseParser(self)
        self._began: float | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop's is none by its class
        self._next()

    def data_received(self, data: bytes) -> None:
        self._parser.feed_data(data)

    def on_message_complete(self) -> None:
        """Called by the parser."""
        assert self._began is not None
        self._tally.seconds.append(time.perf_counter() - self._began)
        self._tally.statuses[self._parser.get_status_code()] += 1
        self._next()

    def connection_lost(self, error: Exception | None) -> None:
        if self._began is None:
            self.ended.set_result(None)
        else:
            self.ended.set_exception(error or ConnectionError("the server closed a connection before it answered"))

    def _next(self) -> None:
        following = next(self._waiting, None)
        if following is None:
            self._began = None
            self._transport.close()
            return
        self._began = time.perf_counter()
        self._transport.write(following)
