"""A TCP proxy that makes the faults of a network: slow, silent, refusing, resetting, moved.

One file of the standard library, so that it also runs in a pod::

    python proxy.py LISTEN_PORT TARGET_HOST:PORT [CONTROL_PORT]

and is told what to do by HTTP: ``curl localhost:CONTROL_PORT/latency/5``, ``/blackhole``, ``/refuse``, ``/reset``,
``/retarget/HOST:PORT``, ``/pass``. Each answers with the state as JSON.
"""

import asyncio
import json
import socket
import struct
import sys
import threading
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager, suppress
from typing import Any

CHUNK = 65536


class Proxy:
    """Passes connections on to a target, until told otherwise. Lives in one event loop; see `Remote` for others."""

    def __init__(self, target: str, *, host: str = "127.0.0.1", port: int = 0) -> None:
        self.target = target
        """``host:port``, looked up for each new connection."""
        self.port = port
        self.latency = 0.0
        """Seconds that each piece from the target to the client is late: one round trip."""
        self._host = host
        self._flows = asyncio.Event()
        self._flows.set()
        self._server: asyncio.Server | None = None
        self._writers: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def state(self) -> dict[str, Any]:
        return {
            "target": self.target,
            "latency": self.latency,
            "flows": self._flows.is_set(),
            "listens": self._server is not None,
            "connections": len(self._tasks),
        }

    async def pass_on(self) -> None:
        """The network is well again; what was held back flows on, as TCP would send it again."""
        self.latency = 0.0
        self._flows.set()
        if self._server is None:
            self._server = await asyncio.start_server(self._accept, self._host, self.port)
            self.port = self._server.sockets[0].getsockname()[1]

    async def delay(self, seconds: float) -> None:
        self.latency = seconds

    async def blackhole(self) -> None:
        """Keep and accept connections, and forward nothing, not even an end."""
        self._flows.clear()

    async def refuse(self) -> None:
        """Listen no more; what is open stays open."""
        if self._server is not None:
            self._server.close()
            self._server = None

    async def reset(self) -> None:
        """Break everything that is open, with RST to both sides."""
        for writer in list(self._writers):
            _abort(writer)

    async def retarget(self, target: str) -> None:
        """New connections go elsewhere, as after a change of a Service; what is open stays where it is."""
        self.target = target

    async def close(self) -> None:
        await self.refuse()
        await self.reset()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        self._writers.add(writer)
        try:
            await self._flows.wait()
            await self._connect(reader, writer)
        except (OSError, asyncio.CancelledError):
            _abort(writer)  # not raised on: nobody waits for this task
        finally:
            self._tasks.discard(task)
            self._writers.discard(writer)

    async def _connect(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        host, _, port = self.target.rpartition(":")
        target_reader, target_writer = await asyncio.open_connection(host, int(port))
        self._writers.add(target_writer)
        try:
            await asyncio.gather(
                self._pump(reader, target_writer, late=False), self._pump(target_reader, writer, late=True)
            )
        finally:
            self._writers.discard(target_writer)
            target_writer.close()
            writer.close()

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, late: bool) -> None:
        while piece := await reader.read(CHUNK):
            if late and self.latency:
                await asyncio.sleep(self.latency)
            await self._flows.wait()
            writer.write(piece)
            await writer.drain()
        await self._flows.wait()
        with suppress(OSError):
            writer.write_eof()


def _abort(writer: asyncio.StreamWriter) -> None:
    raw: socket.socket | None = writer.get_extra_info("socket")
    if raw is not None and raw.fileno() >= 0:
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))  # so that an end is a reset
    writer.transport.abort()


class Remote:
    """A proxy in a thread of its own: told from any thread, and it works while the test's event loop is blocked."""

    def __init__(self, proxy: Proxy, loop: asyncio.AbstractEventLoop) -> None:
        self._proxy = proxy
        self._loop = loop

    @property
    def port(self) -> int:
        return self._proxy.port

    @property
    def connections(self) -> int:
        return int(self._proxy.state["connections"])

    def pass_on(self) -> None:
        self._do(self._proxy.pass_on())

    def delay(self, seconds: float) -> None:
        self._do(self._proxy.delay(seconds))

    def blackhole(self) -> None:
        self._do(self._proxy.blackhole())

    def refuse(self) -> None:
        self._do(self._proxy.refuse())

    def reset(self) -> None:
        self._do(self._proxy.reset())

    def retarget(self, target: str) -> None:
        self._do(self._proxy.retarget(target))

    def close(self) -> None:
        self._do(self._proxy.close())

    def _do(self, order: Coroutine[Any, Any, None]) -> None:
        asyncio.run_coroutine_threadsafe(order, self._loop).result(10)


@contextmanager
def proxying(target: str) -> Iterator[Remote]:
    """A proxy to ``host:port`` on a free port of loopback."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, name="proxy", daemon=True)
    thread.start()
    proxy = Remote(Proxy(target), loop)
    proxy.pass_on()
    try:
        yield proxy
    finally:
        proxy.close()
        asyncio.run_coroutine_threadsafe(_end_all(), loop).result(10)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)
        loop.close()


async def _end_all() -> None:
    """What was accepted in the moment of the end is not among the proxy's tasks yet."""
    left = asyncio.all_tasks() - {asyncio.current_task()}
    for task in left:
        task.cancel()
    await asyncio.gather(*left, return_exceptions=True)
    await asyncio.sleep(0)  # in which aborted transports close


class Control:
    """A proxy's orders as HTTP: the path says what."""

    def __init__(self, proxy: Proxy) -> None:
        self._proxy = proxy

    async def open(self, host: str, port: int) -> asyncio.Server:
        return await asyncio.start_server(self._answer, host, port)

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        path = (await reader.readline()).decode("latin-1").split(" ")[1]
        while (await reader.readline()).strip():
            """The headers say nothing of interest."""
        try:
            await self._obey(*path.strip("/").split("/"))
            status, answer = "200 OK", json.dumps(self._proxy.state)
        except (KeyError, TypeError, ValueError):
            status, answer = "404 Not Found", json.dumps({"error": f"no such order: {path}"})
        head = f"HTTP/1.1 {status}\r\nContent-Type: application/json\r\nConnection: close\r\n"
        writer.write(f"{head}Content-Length: {len(answer)}\r\n\r\n{answer}".encode())
        await writer.drain()
        writer.close()

    async def _obey(self, order: str, *arguments: str) -> None:
        orders: dict[str, Callable[..., Coroutine[Any, Any, None]]] = {
            "": _nothing,
            "pass": self._proxy.pass_on,
            "latency": lambda seconds: self._proxy.delay(float(seconds)),
            "blackhole": self._proxy.blackhole,
            "refuse": self._proxy.refuse,
            "reset": self._proxy.reset,
            "retarget": self._proxy.retarget,
        }
        await orders[order](*arguments)


async def _nothing() -> None:
    """An order that only asks for the state."""


async def main(listen_port: int, target: str, control_port: int = 0) -> None:
    proxy = Proxy(target, host="0.0.0.0", port=listen_port)  # noqa: S104 - a pod is reached from outside of itself
    await proxy.pass_on()
    if control_port:
        await Control(proxy).open("0.0.0.0", control_port)  # noqa: S104
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]), sys.argv[2], int(sys.argv[3]) if len(sys.argv) > 3 else 0))
