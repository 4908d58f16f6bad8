"""The rounds: each database is observed when it is due, and each of its resources brought one step further."""

import asyncio
import logging
import random
import time
from collections.abc import Coroutine, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

from lightkube import AsyncClient

from app.operator import metrics
from app.operator.act import Actor
from app.operator.decide import SOON, Snapshot, decide
from app.operator.observe import Observer
from app.operator.resource import GatedMigration, Object, Resource, parse

ROUNDS_AT_ONCE = 8
RELIST_SECONDS = 60
"""How often the resources are listed. The watch only wakes, so one that died in silence costs a minute at most."""
LONGEST_ROUND_SECONDS = 120
STUCK_SECONDS = 180
"""After this long without a turn, or in one round, the rounds count as stopped."""

_log = logging.getLogger(__name__)
_Key = tuple[str, str]
_LIST = ""


class Rounds:
    def __init__(self, client: AsyncClient, observer: Observer, namespaces: Sequence[str]) -> None:
        self._client, self._observer, self._actor, self._namespaces = client, observer, Actor(client), namespaces
        self._resources: dict[_Key, Resource] = {}
        self._due: dict[_Key, float] = {}
        self._relist_due, self._turned = 0.0, time.monotonic()
        self._busy: dict[str, asyncio.Task[None]] = {}
        self._began: dict[str, float] = {}
        self._wake, self._free = asyncio.Event(), asyncio.Semaphore(ROUNDS_AT_ONCE)

    def put(self, body: Object) -> None:
        """Take a resource as it is now; what a person changed is dealt with at once."""
        try:
            new = parse(body)
        except (LookupError, TypeError, ValueError, AttributeError) as error:  # the schema is the only judge of it
            _log.warning("%s cannot be read: %r", body.get("metadata", {}).get("name"), error)
            return
        old = self._resources.get(new.key)
        if old and old.uid == new.uid and int(old.resource_version) >= int(new.resource_version):
            return
        self._resources[new.key] = new
        if old is None or old.wish != new.wish:
            self._due[new.key] = 0
            self._wake.set()

    def drop(self, key: _Key, uid: str) -> None:
        """Forget a resource that is gone; one made again under its name is another."""
        if key in self._resources and self._resources[key].uid == uid:
            del self._resources[key], self._due[key]
            metrics.tell(*key, {})

    def stuck(self) -> bool:
        """Whether the rounds have stopped, or one of them does not end."""
        return time.monotonic() - min([self._turned, *self._began.values()]) > STUCK_SECONDS

    async def run(self) -> None:
        """Go round until cancelled."""
        async with asyncio.TaskGroup() as self._tasks:  # which is cancelled along
            while True:
                await self._turn()

    async def _turn(self) -> None:
        """Start what is due, then wait for the next thing to be."""
        self._wake.clear()
        now = self._turned = time.monotonic()
        if self._relist_due <= now:
            self._relist_due = now + RELIST_SECONDS
            if _LIST not in self._busy:
                self._busy[_LIST] = self._tasks.create_task(self._take_turn(_LIST, self._relist()))
        idle = [one for one in self._resources.values() if one.database_key not in self._busy]
        for database in {one.database_key for one in idle if self._due[one.key] <= now}:
            self._busy[database] = self._tasks.create_task(self._take_turn(database, self._round(database)))
        pause = min([self._relist_due, *(self._due[one.key] for one in idle)]) - now
        with suppress(TimeoutError):
            await asyncio.wait_for(self._wake.wait(), max(pause, 0))

    async def _take_turn(self, name: str, work: Coroutine[Any, Any, None]) -> None:
        async with self._free:
            self._began[name] = time.monotonic()
            await self._guarded(work)
        del self._busy[name], self._began[name]
        self._wake.set()

    async def _guarded(self, work: Coroutine[Any, Any, None]) -> None:
        """Whatever happens to one resource or one request, the rounds go on."""
        try:
            async with asyncio.timeout(LONGEST_ROUND_SECONDS):
                await work
        except Exception as error:
            metrics.ERRORS.labels("kubernetes").inc()
            _log.warning("a step failed and is tried again: %r", error, exc_info=_log.isEnabledFor(logging.DEBUG))

    async def _relist(self) -> None:
        missing = {one.uid: one.key for one in self._resources.values()}
        for namespace in self._namespaces:
            async for body in self._client.list(GatedMigration, namespace=namespace, chunk_size=500):
                self.put(body)
                missing.pop(body["metadata"]["uid"], None)
        for uid, key in missing.items():
            self.drop(key, uid)
        if not self._resources:
            metrics.SUCCESS.set_to_current_time()

    async def _round(self, database: str) -> None:
        """Observe one database, and decide for those of its resources that are due now or soon."""
        metrics.ROUNDS.inc()
        now, sharing = time.monotonic(), [one for one in self._resources.values() if one.database_key == database]
        members = [one for one in sharing if self._due[one.key] <= now + one.poll.total_seconds() / 2]
        for one in members:
            self._due[one.key] = now + SOON.total_seconds()  # where no step comes to an end
        server, stable, jobs = await self._observer.observe(members)
        for one in members:
            snapshot = Snapshot(one, server, datetime.now(UTC), jobs.get(one.uid, ()), stable)
            await self._guarded(self._step(snapshot))

    async def _step(self, snapshot: Snapshot) -> None:
        before = snapshot.resource
        after, due = await self._actor.act(snapshot, decide(snapshot))
        current = self._resources.get(before.key)
        if current is None or current.wish != before.wish:
            return  # gone, or changed by a person meanwhile and due at once
        if int(after.resource_version) > int(current.resource_version):
            self._resources[before.key] = after
        self._due[before.key] = time.monotonic() + due.total_seconds() * random.uniform(0.85, 1)  # noqa: S311
        metrics.tell(*before.key, after.status)
        metrics.SUCCESS.set_to_current_time()
