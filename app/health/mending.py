"""The pool heals itself: a trial, a new pool where the trial fails, and only then a word to the kubelet."""

import time
from collections.abc import Awaitable, Callable
from typing import Protocol

import structlog

from app.health.pool import PoolStanding, is_suspect, is_wedged

log = structlog.stdlib.get_logger("plinth.pool")


class Mendable(Protocol):
    """A database whose pool can be tried and replaced; both within a deadline, and without an exception."""

    async def answers(self) -> bool: ...
    async def replace_pool(self) -> bool: ...


class Mender:
    """Told of each request's luck with the pool, and asked after each look whether something is to be done."""

    def __init__(
        self,
        *,
        patience: float,
        is_reachable_anew: Callable[[], Awaitable[bool]],
        replaced: Callable[[], None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.database: Mendable | None = None
        self._pool = PoolStanding()
        self._patience = patience
        self._is_reachable_anew = is_reachable_anew
        self._replaced = replaced
        self._clock = clock

    def note(self, worked: bool) -> None:
        self._pool = self._pool.after(worked=worked, at=self._clock())

    def is_wedged(self, reachable_since: float | None) -> bool:
        return is_wedged(self._pool, reachable_since, self._clock(), self._patience)

    async def tend(self, reachable_since: float | None) -> None:
        if self.database is None or not is_suspect(self._pool, reachable_since, self._clock(), self._patience):
            return
        if await self.database.answers():  # there were just no requests since
            self.note(worked=True)
        elif await self._is_reachable_anew():  # else it is the server's trouble, and a new pool would have it too
            await self._replace(self.database)

    async def _replace(self, database: Mendable) -> None:
        if await database.replace_pool():
            log.warning("the pool gave no working connection and was replaced")
            self._replaced()
            self.note(worked=True)
        else:
            log.error("a new pool gives no working connection either, while one made without it works")
            self._pool = self._pool.broken(self._clock())
