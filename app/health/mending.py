"""The pool heals itself: a trial, a new pool where the trial fails, and only then a word to the kubelet."""

import time
from collections.abc import Callable
from typing import Protocol

import structlog

from app.health.pool import PoolStanding, is_suspect, is_wedged

log = structlog.stdlib.get_logger("plinth.pool")


class Mendable(Protocol):
    """A database whose pool can be tried and replaced; all within a deadline, and without an exception."""

    async def answers(self) -> bool: ...
    async def is_reachable(self) -> bool: ...
    async def replace_pool(self) -> bool: ...


class Mender:
    """Told of each request's luck with the pool, and asked after each look whether something is to be done."""

    def __init__(
        self,
        *,
        patience: float,
        replaced: Callable[[], None],
        unreachable: Callable[[], None] = lambda: None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """``unreachable``: told where the server is at fault, though the checker sees none."""
        self.database: Mendable | None = None
        self._pool = PoolStanding()
        self._patience = patience
        self._replaced = replaced
        self._unreachable = unreachable
        self._clock = clock

    def note(self, worked: bool) -> None:
        self._pool = self._pool.after(worked=worked, at=self._clock())

    @property
    def is_wedged(self) -> bool:
        return is_wedged(self._pool, self._patience)

    async def tend(self, reachable_since: float | None) -> None:
        database = self.database
        if database is None or not is_suspect(self._pool, reachable_since, self._clock(), self._patience):
            self._pool = self._pool.excused()
        elif await database.answers():  # there were just no requests since
            self.note(worked=True)
        elif not await database.is_reachable():  # else a new pool would have the same trouble
            self._excuse()
        elif await database.replace_pool():
            log.warning("the pool gave no working connection and was replaced")
            self._replaced()
            self.note(worked=True)
        elif await database.is_reachable():  # and was it all the while: it may have had one connection left, or gone
            log.error("a new pool gives no working connection either, while one made without it works")
            self._pool = self._pool.broken(self._clock())
        else:
            self._excuse()

    def _excuse(self) -> None:
        self._pool = self._pool.excused()
        self._unreachable()
