"""The API's pool: SQLAlchemy's, which also tells how long it let wait, and can be retired while it is in use."""

import time
from collections.abc import Callable
from typing import Any, Self

from sqlalchemy.pool import AsyncAdaptedQueuePool, ConnectionPoolEntry, PoolProxiedConnection


class Pool(AsyncAdaptedQueuePool):
    waited: Callable[[float], None] | None = None
    """Told the seconds of each wait for a connection, an opening included and a failure too."""
    _retired = False

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._at_hand: list[PoolProxiedConnection] = []
        self._asking = 0

    def connect(self) -> PoolProxiedConnection:
        started = time.perf_counter()
        self._asking += 1
        try:
            return self._whole_at_hand() or super().connect()
        finally:
            self._asking -= 1
            if self.waited is not None:
                self.waited(time.perf_counter() - started)

    def at_hand(self) -> PoolProxiedConnection | None:
        """A connection that can be used at once, if there is one: outside of a greenlet, too."""
        connection = self._whole_at_hand()
        if connection is not None and self.waited is not None:
            self.waited(0)
        return connection

    def keep(self, connection: PoolProxiedConnection) -> None:
        """Take back a connection that nothing was left on; as it is, if nobody may be waiting for it.

        SQLAlchemy's own way, which makes sure and gives it out anew, costs more than half a round trip.
        """
        if self._retired or self._asking or self._overflow > 0:
            connection.close()
        else:
            self._at_hand.append(connection)

    def _whole_at_hand(self) -> PoolProxiedConnection | None:
        """The last that came back: those of a burst stay idle and age."""
        while self._at_hand:
            connection = self._at_hand.pop()
            record: Any = getattr(connection, "_connection_record", None)
            driver: Any = connection.driver_connection
            old = self._recycle > -1 and time.time() - record.starttime > self._recycle
            if not (old or driver.is_closed() or self._invalidate_time > record.starttime):
                return connection
            connection.close()  # and is replaced when it is given out again, in SQLAlchemy's way
        return None

    def checkedin(self) -> int:
        return super().checkedin() + len(self._at_hand)

    def checkedout(self) -> int:
        return super().checkedout() - len(self._at_hand)

    def dispose(self) -> None:
        while self._at_hand:
            self._at_hand.pop().close()
        super().dispose()

    def recreate(self) -> Self:
        another = super().recreate()
        assert isinstance(another, type(self))  # noqa: S101 - SQLAlchemy makes one of the same class
        another.waited = self.waited
        return another

    def retire(self) -> None:
        """Close what is idle now, and each connection that is in use when it comes back."""
        self._retired = True
        self.dispose()

    def _do_return_conn(self, record: ConnectionPoolEntry) -> None:
        super()._do_return_conn(record)
        if self._retired:
            self.dispose()
