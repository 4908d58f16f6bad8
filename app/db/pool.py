"""The API's pool: SQLAlchemy's, which also tells how long it let wait, and can be retired while it is in use."""

import time
from collections.abc import Callable
from typing import Self

from sqlalchemy.pool import AsyncAdaptedQueuePool, ConnectionPoolEntry, PoolProxiedConnection


class Pool(AsyncAdaptedQueuePool):
    waited: Callable[[float], None] | None = None
    """Told the seconds of each wait for a connection, an opening included and a failure too."""
    _retired = False

    def connect(self) -> PoolProxiedConnection:
        started = time.perf_counter()
        try:
            return super().connect()
        finally:
            if self.waited is not None:
                self.waited(time.perf_counter() - started)

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
