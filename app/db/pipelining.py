"""Statements that are sent ahead of another, in one round trip with it. asyncpg has no way to say so.

What asyncpg sends next ends with the Sync that is left out here, and it passes over the answers to the messages before.
"""

import socket
from asyncio import WriteTransport

_BIND_AND_EXECUTE = b"B" + (12).to_bytes(4) + bytes(8) + b"E" + (9).to_bytes(4) + bytes(5)
_HOLD = getattr(socket, "MSG_MORE", 0)
"""Linux: what is sent next comes soon, and can go in the same packet."""


def messages(statement: str) -> bytes:
    """What PostgreSQL is sent to run a statement: Parse, Bind and Execute, without names and values.

    It must give no rows: they would be taken for those of the next.
    """
    parse = b"\0" + statement.encode() + b"\0" + bytes(2)
    return b"P" + (4 + len(parse)).to_bytes(4) + parse + _BIND_AND_EXECUTE


def send_ahead(transport: WriteTransport, data: bytes) -> None:
    """Write to a connection on which nothing is under way, just before asyncpg does.

    A packet of its own would cost as much as a round trip: it wakes the server for nothing.
    """
    sent = 0
    if transport.get_extra_info("ssl_object") is None:
        sent = _hold(transport.get_extra_info("socket"), data)
    if sent < len(data):
        transport.write(data[sent:])


def _hold(of: socket.socket, data: bytes) -> int:
    """Bytes that the kernel took. None where it does not: the transport knows what to do about it."""
    try:
        borrowed = socket.SocketType(of.family, of.type, of.proto, of.fileno())  # C's, made at a tenth of the cost
    except (OSError, ValueError):  # it is closed
        return 0
    try:
        return borrowed.send(data, _HOLD)
    except OSError:
        return 0
    finally:
        borrowed.detach()
