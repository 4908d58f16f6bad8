"""Requests without a pause, and what became of each."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import httpx2

READ = "/api/v1/projects"
WRITE = f"POST {READ}"


@dataclass(frozen=True)
class Answer:
    path: str
    """With its method before it, where that is not GET."""
    status: int
    began: float
    seconds: float

    @property
    def at(self) -> float:
        return self.began + self.seconds


@dataclass
class Load:
    answers: list[Answer] = field(default_factory=list)

    @property
    def reads(self) -> list[Answer]:
        return [answer for answer in self.answers if answer.path == READ]

    def failed(self) -> list[Answer]:
        return [answer for answer in self.reads if answer.status != 200]

    def slowest(self, path: str) -> float:
        return max(answer.seconds for answer in self.answers if answer.path == path)

    def recovered(self, since: float) -> float:
        """Seconds from then until the last request that failed; those begun earlier do not count."""
        return max((answer.at - since for answer in self.failed() if answer.began > since), default=0.0)

    def statuses(self, path: str) -> set[int]:
        return {answer.status for answer in self.answers if answer.path == path}


async def _ask(client: httpx2.AsyncClient, path: str, load: Load, pause: float) -> None:
    while True:
        began = time.monotonic()
        method, _, address = path.rpartition(" ")
        body = {"name": "written under load"} if method else None
        response = await client.request(method or "GET", address, json=body)
        load.answers.append(Answer(path, response.status_code, began, time.monotonic() - began))
        await asyncio.sleep(pause)


@asynccontextmanager
async def under_load(client: httpx2.AsyncClient, workers: int = 8, writers: int = 0) -> AsyncIterator[Load]:
    """Several clients that read projects or make some, and one each that asks as the kubelet does, all the time."""
    load = Load()
    paths = [READ] * workers + [WRITE] * writers + ["/livez", "/readyz"]
    tasks = [asyncio.create_task(_ask(client, path, load, 0.01)) for path in paths]
    try:
        yield load
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
