"""The background task that looks at the database, so that a probe only reads a result."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress

from app.health.verdicts import Observation, Standing

Look = Callable[[], Awaitable[Observation]]

PATIENCE_SECONDS = 10
"""How much later than due a sign of life is stale: a loop that is busy for a moment is not dead."""


async def _nobody(_: Observation | None) -> None:
    """Told of nothing."""


class Checker:
    """Looks once an interval, one look at a time, and keeps what is known. Without a look it only shows it is alive."""

    def __init__(
        self,
        look: Look | None,
        *,
        interval: float,
        deadline: float,
        told: Callable[[Observation | None], Awaitable[None]] = _nobody,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.standing = Standing()
        self.patience = PATIENCE_SECONDS + interval + deadline
        self._look = look
        self._interval = interval
        self._told = told
        self._clock = clock
        self._beat = clock()
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        self._beat = self._clock()
        self._task = asyncio.create_task(self._run(), name="readiness")

    async def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task

    @property
    def alive(self) -> bool:
        return self._task is not None and not self._task.done()

    @property
    def seconds_since_beat(self) -> float:
        return self._clock() - self._beat

    async def _run(self) -> None:
        while True:
            self._beat = self._clock()  # before the look, too: a process that was stopped lives as soon as it goes on
            observation = await self._look() if self._look else None
            self._beat = self._clock()
            if observation is not None:
                self.standing = self.standing.after(observation, self._beat)
            await self._told(observation)
            await asyncio.sleep(self._interval)
