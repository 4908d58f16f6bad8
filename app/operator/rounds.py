"""The rounds: each database is observed when it is due, and each of its resources brought one step further."""

import asyncio
import logging
import math
import random
import time
from collections.abc import AsyncIterator, Sequence, Set
from contextlib import asynccontextmanager

from lightkube import AsyncClient
from pydantic import ValidationError

from app.operator import metrics
from app.operator.act import Actor
from app.operator.decide import SOON, Snapshot, decide
from app.operator.observe import Observer
from app.operator.resource import GatedMigration, Object, Resource, parse

ROUNDS_AT_ONCE = 8
TURN_SECONDS = 0.1
"""How often is looked for what is due."""
RELIST_SECONDS = 60
"""How often the resources are listed. The watch only wakes, so one that died in silence costs a minute at most."""
LONGEST_ROUND_SECONDS = 120
STUCK_SECONDS = 180
"""After this long without a turn, or in one round, the rounds count as stopped."""

_log = logging.getLogger(__name__)


@asynccontextmanager
async def _going_on() -> AsyncIterator[None]:
    """Whatever happens to one resource or one request, the rounds go on."""
    try:
        async with asyncio.timeout(LONGEST_ROUND_SECONDS):
            yield
    except Exception as error:
        metrics.ERRORS.labels("kubernetes").inc()
        _log.warning("a step failed and is tried again: %r", error, exc_info=_log.isEnabledFor(logging.DEBUG))


class Rounds:
    def __init__(self, client: AsyncClient, observer: Observer, namespaces: Sequence[str]) -> None:
        self._client, self._observer, self._actor, self._namespaces = client, observer, Actor(client), namespaces
        self._resources: dict[tuple[str, str], Resource] = {}
        self._due: dict[tuple[str, str], float] = {}
        self._busy: dict[str, float] = {}  # databases, and when their round began
        self._turned, self._free = time.monotonic(), asyncio.Semaphore(ROUNDS_AT_ONCE)

    def put(self, body: Object) -> None:
        """Take a resource as it is now; what a person changed is dealt with at once."""
        try:
            new = parse(body)
        except ValidationError as error:  # an earlier definition may have let it in
            wrong = "; ".join(f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in error.errors())
            _log.warning("%s cannot be read: %s", body["metadata"]["name"], wrong)
            return
        old = self._resources.get(new.key)
        if old and old.uid == new.uid and old.resource_version >= new.resource_version:
            return
        self._resources[new.key] = new
        if old is None or old.wish != new.wish:
            self._due[new.key] = 0

    def drop(self, uids: Set[str]) -> None:
        """Forget resources that are gone; one made again under its name is another."""
        for key in [key for key, one in self._resources.items() if one.uid in uids]:
            del self._resources[key], self._due[key]
            metrics.tell(*key, {})

    def stuck(self) -> bool:
        """Whether the rounds have stopped, or one of them does not end."""
        return time.monotonic() - min(self._turned, *self._busy.values(), math.inf) > STUCK_SECONDS

    async def run(self) -> None:
        """Go round until cancelled."""
        async with asyncio.TaskGroup() as tasks:  # which are cancelled along
            tasks.create_task(self._list())
            while True:
                now = self._turned = time.monotonic()
                due = {self._resources[key].database_key for key, moment in self._due.items() if moment <= now}
                for database in due - self._busy.keys():
                    self._busy[database] = math.inf
                    tasks.create_task(self._round(database))
                await asyncio.sleep(TURN_SECONDS)

    async def _list(self) -> None:
        while True:
            async with _going_on():
                missing = {one.uid for one in self._resources.values()}
                for namespace in self._namespaces:
                    async for body in self._client.list(GatedMigration, namespace=namespace, chunk_size=500):
                        self.put(body)
                        missing.discard(body["metadata"]["uid"])
                self.drop(missing)
                if not self._resources:
                    metrics.SUCCESS.set_to_current_time()
            await asyncio.sleep(RELIST_SECONDS)

    async def _round(self, database: str) -> None:
        """Observe one database, and decide for those of its resources that are due now or soon."""
        async with self._free, _going_on():
            metrics.ROUNDS.inc()
            now = self._busy[database] = time.monotonic()
            sharing = [one for one in self._resources.values() if one.database_key == database]
            members = [one for one in sharing if self._due[one.key] <= now + one.poll.total_seconds() / 2]
            for one in members:
                self._due[one.key] = now + SOON.total_seconds()  # where no step comes to an end
            for snapshot in await self._observer.observe(members):
                await self._step(snapshot)
        del self._busy[database]

    @_going_on()
    async def _step(self, snapshot: Snapshot) -> None:
        before = snapshot.resource
        after, due = await self._actor.act(snapshot, decide(snapshot))
        current = self._resources.get(before.key)
        if current is None or current.wish != before.wish:
            return  # gone, or changed by a person meanwhile and due at once
        if after.resource_version > current.resource_version:
            self._resources[before.key] = after
        self._due[before.key] = time.monotonic() + due.total_seconds() * random.uniform(0.85, 1)  # noqa: S311
        metrics.tell(*before.key, after.status)
        metrics.SUCCESS.set_to_current_time()
