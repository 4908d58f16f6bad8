"""What is asked of each new connection, without a server."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from app.db.row_level_security import required


class Silent:
    """A connection that was opened and then says nothing more."""

    terminated = False

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[None]:
        await asyncio.Event().wait()
        yield

    def terminate(self) -> None:
        self.terminated = True


async def test_asking_is_part_of_opening() -> None:
    """One deadline for both: a server that falls silent in between costs a request no more than any other."""
    connection = Silent()

    async def opener() -> Silent:
        return connection

    with pytest.raises(TimeoutError):
        await asyncio.wait_for(asyncio.shield(required(opener, within=0.01)()), 5)
    assert connection.terminated
