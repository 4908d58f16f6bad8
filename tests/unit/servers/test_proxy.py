"""The proxy that makes the network's faults."""

import asyncio
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from contextlib import suppress

import httpx2
import pytest
import pytest_asyncio

from app.db.packaged import free_port
from tests.api import until
from tests.servers import proxy as proxies
from tests.servers.proxy import Remote, proxying


async def _echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(OSError, asyncio.CancelledError):
        while piece := await reader.read(100):
            writer.write(piece)
    writer.close()


@pytest_asyncio.fixture
async def proxy() -> AsyncIterator[Remote]:
    """A proxy before a server that says everything again."""
    server = await asyncio.start_server(_echo, "127.0.0.1", 0)
    with proxying(f"127.0.0.1:{server.sockets[0].getsockname()[1]}") as made:
        yield made
    server.close()


async def ask(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, within: float = 5) -> bytes:
    writer.write(b"hello")
    return await asyncio.wait_for(reader.read(5), within)


async def test_it_passes_on(proxy: Remote) -> None:
    """Both ways, and the end of a connection too."""
    reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
    assert await ask(reader, writer) == b"hello"
    writer.write_eof()
    assert await reader.read() == b""
    writer.close()


async def test_latency_is_a_round_trip(proxy: Remote) -> None:
    """An answer comes that much later, and no more once it is over."""
    connection = await asyncio.open_connection("127.0.0.1", proxy.port)
    proxy.delay(0.2)
    started = time.monotonic()
    assert await ask(*connection) == b"hello"
    assert time.monotonic() - started >= 0.2
    proxy.pass_on()
    assert proxy.connections == 1
    connection[1].close()


async def test_a_blackhole_holds_back_what_comes_later(proxy: Remote) -> None:
    """Connections open and stay open, nothing comes through, and it comes when the hole is gone."""
    old = await asyncio.open_connection("127.0.0.1", proxy.port)
    assert await ask(*old) == b"hello"
    proxy.blackhole()
    new = await asyncio.open_connection("127.0.0.1", proxy.port)
    for connection in (old, new):
        with pytest.raises(TimeoutError):
            await ask(*connection, within=0.1)
    proxy.pass_on()
    for reader, writer in (old, new):
        assert await asyncio.wait_for(reader.read(5), 5) == b"hello"
        writer.close()


async def test_refusing_and_resetting(proxy: Remote) -> None:
    """A new connection is refused, an open one goes on until it is reset; then all is well on the same port."""
    connection = await asyncio.open_connection("127.0.0.1", proxy.port)
    assert await ask(*connection) == b"hello"
    proxy.refuse()
    with pytest.raises(ConnectionRefusedError):
        await asyncio.open_connection("127.0.0.1", proxy.port)
    assert await ask(*connection) == b"hello"
    proxy.reset()
    with pytest.raises(ConnectionResetError):
        await ask(*connection)
    proxy.pass_on()
    again = await asyncio.open_connection("127.0.0.1", proxy.port)
    assert await ask(*again) == b"hello"
    again[1].close()


async def test_another_target_is_for_new_connections(proxy: Remote) -> None:
    """As after a change of a Service: old sockets stay where they are."""
    old = await asyncio.open_connection("127.0.0.1", proxy.port)
    assert await ask(*old) == b"hello"
    proxy.retarget(f"127.0.0.1:{free_port()}")
    with pytest.raises(ConnectionResetError):
        await ask(*await asyncio.open_connection("127.0.0.1", proxy.port))
    assert await ask(*old) == b"hello"
    old[1].close()


async def test_as_a_script_it_is_told_by_http() -> None:
    """One file, one process, two ports."""
    with socket.create_server(("127.0.0.1", 0)) as target:
        ports = [free_port(), free_port()]
        arguments = [str(ports[0]), f"127.0.0.1:{target.getsockname()[1]}", str(ports[1])]
        process = subprocess.Popen([sys.executable, proxies.__file__, *arguments])  # noqa: ASYNC220
        async with httpx2.AsyncClient(base_url=f"http://127.0.0.1:{ports[1]}") as control:

            async def told() -> bool:
                try:
                    return (await control.get("/latency/5")).json()["latency"] == 5
                except httpx2.ConnectError:
                    return False

            await until(told)
            assert (await control.get("/refuse")).json()["listens"] is False
            assert (await control.get("/nonsense")).status_code == 404
            state = (await control.get("/pass")).json()
        process.kill()
        process.wait()
    assert (state["listens"], state["flows"], state["latency"]) == (True, True, 0)
