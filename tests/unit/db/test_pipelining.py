"""What is sent ahead of a statement."""

import asyncio
import socket
from typing import Any

import pytest

from app.db.pipelining import messages, send_ahead


class Transport:
    """What is written to it, and what it says of itself."""

    def __init__(self, **facts: Any) -> None:
        self.facts = facts
        self.written = b""

    def get_extra_info(self, name: str) -> Any:
        return self.facts.get(name)

    def write(self, data: bytes) -> None:
        self.written += data


def test_a_statement_is_parsed_bound_and_executed() -> None:
    """Each message with its length; no Sync, which is the next statement's."""
    assert messages("BEGIN") == b"P\0\0\0\x0d\0BEGIN\0\0\0" + b"B\0\0\0\x0c" + bytes(8) + b"E\0\0\0\x09" + bytes(5)


async def test_it_comes_in_one_packet_with_the_next() -> None:
    """And the socket stays the transport's."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        ours = socket.create_connection(server.getsockname())
        theirs, _ = server.accept()
    with ours, theirs:
        transport = Transport(socket=ours)
        send_ahead(transport, b"BEGIN ")  # type: ignore[arg-type]
        theirs.setblocking(False)
        with pytest.raises(BlockingIOError):
            theirs.recv(100)
        ours.send(b"SELECT")
        assert await asyncio.get_running_loop().sock_recv(theirs, 100) == b"BEGIN SELECT"
        assert transport.written == b""


@pytest.mark.parametrize("kind", ["encrypted", "closed", "gone"])
def test_what_the_socket_does_not_take_is_the_transports(kind: str) -> None:
    """It is encrypted there, or lost with what follows, which says so."""
    ours, theirs = socket.socketpair()
    theirs.close()
    if kind == "closed":
        ours.close()
    transport = Transport(socket=ours, ssl_object=object() if kind == "encrypted" else None)
    with ours:
        send_ahead(transport, b"BEGIN")  # type: ignore[arg-type]
    assert transport.written == b"BEGIN"
