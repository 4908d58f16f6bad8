"""SQLAlchemy's dialect for asyncpg, with one change: nobody waits for the end of a connection.

Connections that are closed are mostly those in doubt, and their goodbye can take long: asyncpg first asks the server to
cancel what still runs there, and waits for its word. In the request it would add seconds to an answer; there, a
cancellation by anyio (as Starlette does it to a streaming response) comes again and again until it has broken off the
goodbye, and the server goes on with a statement nobody waits for. Here each goodbye is a task of its own.
"""

import asyncio
from typing import Any

import asyncpg
from sqlalchemy.dialects import registry
from sqlalchemy.dialects.postgresql.asyncpg import PGDialect_asyncpg

URL = "postgresql+plinth://"
GOODBYE_SECONDS = 1
"""How long a server gets to confirm a cancellation and an end; then the socket is dropped. A cancellation that comes
just before its statement is lost; the server finds the socket closed then, see client_connection_check_interval."""


class PlinthDialect(PGDialect_asyncpg):
    """One an engine; `ended` waits for the goodbyes of its connections."""

    supports_statement_cache = True

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)  # type: ignore[no-untyped-call]
        self._goodbyes: set[asyncio.Task[None]] = set()

    def do_terminate(self, dbapi_connection: Any) -> None:
        connection: asyncpg.Connection = dbapi_connection.driver_connection
        try:
            goodbye = asyncio.get_running_loop().create_task(_say_goodbye(connection))
        except RuntimeError:  # the loop has ended, or this is another thread's garbage collection
            connection.terminate()
            return
        self._goodbyes.add(goodbye)
        goodbye.add_done_callback(self._goodbyes.discard)

    def do_close(self, dbapi_connection: Any) -> None:
        self.do_terminate(dbapi_connection)

    async def ended(self) -> None:
        """Wait until every connection that was closed has gone."""
        while self._goodbyes:
            await asyncio.wait(self._goodbyes)


async def _say_goodbye(connection: asyncpg.Connection) -> None:
    try:
        await connection.close(timeout=GOODBYE_SECONDS)
    except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError):
        connection.terminate()


def register() -> None:
    """Make `URL` known to SQLAlchemy."""
    registry.register("postgresql.plinth", __name__, PlinthDialect.__name__)
