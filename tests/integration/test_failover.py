"""A primary that is lost while requests come, and its standby, promoted: real streaming replication."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from uuid import UUID

import httpx2
import pytest

from app.db.connections import Connector, connect_with
from app.db.faults import Fault, classify
from app.db.packaged import PackagedServer
from app.db.server import observe
from app.settings import Settings
from tests.api import serving, until
from tests.integration.faults.asking import asking, gather
from tests.servers.databases import APP, PASSWORD, TEMPLATE, app_settings, fetch
from tests.servers.proxy import proxying
from tests.servers.standbys import Pair
from tests.unit.operator.builders import look, resource, standing

QUICK = {"readiness_interval": 0.7, "readiness_timeout": 0.7, "database_command_timeout": 2}
USED = "SELECT query FROM pg_stat_activity WHERE application_name = 'plinth' AND query <> ''"


@dataclass
class Writer:
    """Creates projects one after the other, and remembers those it was told are there."""

    client: httpx2.AsyncClient
    acknowledged: set[UUID] = field(default_factory=set)
    statuses: set[int] = field(default_factory=set)

    async def write(self) -> int:
        answer = await self.client.post("/api/v1/projects", json={"name": "x"})
        self.statuses.add(answer.status_code)
        if answer.status_code == 201:
            self.acknowledged.add(UUID(answer.json()["id"]))
        return answer.status_code

    async def written(self, more: int) -> None:
        wanted = len(self.acknowledged) + more

        async def enough() -> bool:
            return len(self.acknowledged) >= wanted

        await until(enough, within=30)


@asynccontextmanager
async def writing(settings: Settings) -> AsyncIterator[Writer]:
    """A serving app and three loops that write to it, until the end."""
    async with serving(settings) as client:
        writer, stop = Writer(client), asyncio.Event()

        async def work() -> None:
            while not stop.is_set():
                if await writer.write() != 201:
                    await asyncio.sleep(0.02)

        await until(lambda: ready(client))
        workers = [asyncio.create_task(work()) for _ in range(3)]
        try:
            yield writer
        finally:
            stop.set()
            await asyncio.gather(*workers)


async def ready(client: httpx2.AsyncClient, status: int = 200) -> bool:
    return (await client.get("/readyz")).status_code == status


async def says(client: httpx2.AsyncClient, note: str) -> bool:
    return note in (await client.get("/readyz?verbose")).text


async def unused(server: PackagedServer) -> bool:
    return await fetch(server.uri(), USED) == []


async def lost(pair: Pair, writer: Writer) -> int:
    """How many of the acknowledged rows the promoted standby does not have."""
    rows = await fetch(pair.standby.uri(TEMPLATE), "SELECT id FROM projects")
    return len(writer.acknowledged - {row["id"] for row in rows})


async def test_failover_to_a_synchronous_standby_loses_nothing(synchronous_pair: Pair):
    """With both hosts in the address: unready while there is no primary, then ready again, every write still there."""
    pair = synchronous_pair
    async with writing(app_settings(pair.uri, **QUICK)) as writer:
        await writer.written(20)
        await asyncio.to_thread(pair.crash)
        await until(lambda: ready(writer.client, 503))
        await until(lambda: says(writer.client, "in recovery, read-only"))
        await asyncio.to_thread(pair.promote)
        await until(lambda: ready(writer.client))
        await writer.written(20)
    assert await lost(pair, writer) == 0
    assert writer.statuses <= {201, 503}


async def test_a_cut_standby_holds_commits_back(synchronous_pair: Pair):
    """What the standby does not have is not acknowledged, so that nothing is lost where the two were apart, too."""
    pair = synchronous_pair
    async with writing(app_settings(pair.uri, **QUICK)) as writer:
        await writer.written(10)
        await asyncio.to_thread(pair.link.blackhole)
        before = len(writer.acknowledged)
        assert await writer.write() == 503
        assert len(writer.acknowledged) <= before + 3  # what was under way in the moment of the cut
        await asyncio.to_thread(pair.crash)
        await asyncio.to_thread(pair.promote)
        await writer.written(10)
    assert await lost(pair, writer) == 0


async def test_a_replay_waits_for_the_standby_too(synchronous_pair: Pair):
    """Where the commit of a request with a key gave up waiting, nobody is told by a second one that its row is safe."""
    pair = synchronous_pair
    async with serving(app_settings(pair.uri, **QUICK)) as client:

        async def post(key: str) -> int:
            answer = await client.post("/api/v1/projects", json={"name": "x"}, headers={"Idempotency-Key": key})
            return answer.status_code

        await until(lambda: ready(client))
        assert await post("safe") == 201
        await asyncio.to_thread(pair.link.blackhole)
        assert [await post("cut") for _ in range(2)] == [503, 503]
        assert len(await fetch(pair.primary.uri(TEMPLATE), "SELECT FROM projects")) == 2
        await asyncio.to_thread(pair.crash)
        await asyncio.to_thread(pair.promote)
        await until(lambda: ready(client))
        assert [await post(key) for key in ("safe", "cut")] == [201, 201]
    assert len(await fetch(pair.standby.uri(TEMPLATE), "SELECT FROM projects")) == 2


async def test_failover_to_an_asynchronous_standby_loses_what_it_had_not(asynchronous_pair: Pair):
    """Acknowledged by the primary alone: what was written while the standby was behind is gone, and is counted."""
    pair = asynchronous_pair
    async with writing(app_settings(pair.uri, **QUICK)) as writer:
        await writer.written(10)
        await asyncio.to_thread(pair.link.blackhole)
        await writer.written(25)
        await asyncio.to_thread(pair.crash)
        await asyncio.to_thread(pair.promote)
        await writer.written(10)
    assert 25 - 3 <= await lost(pair, writer) < len(writer.acknowledged)  # three were under way when it was cut


async def test_a_moved_service_leads_to_the_promoted_one(asynchronous_pair: Pair):
    """Behind one address, whose target is moved to the standby before it is promoted: no write goes there before."""
    pair = asynchronous_pair
    with proxying(f"127.0.0.1:{pair.primary.port}") as service:
        uri = pair.primary.uri(TEMPLATE, "plinth_app", "for-tests-only").replace(
            str(pair.primary.port), str(service.port)
        )
        async with writing(app_settings(uri, **QUICK)) as writer:
            await writer.written(10)
            await asyncio.to_thread(service.retarget, f"127.0.0.1:{pair.standby.port}")
            await asyncio.to_thread(pair.crash)
            await until(lambda: ready(writer.client, 503))
            assert await unused(pair.standby)
            await asyncio.to_thread(pair.promote)
            await until(lambda: ready(writer.client))
            await writer.written(10)
    assert writer.statuses <= {201, 503}


async def test_a_standby_refuses_writes_until_the_address_leads_to_the_primary(asynchronous_pair: Pair):
    """Where any server will do: 503 as it is read-only; the first write finds it out, and no connection stays there."""
    pair = asynchronous_pair
    with proxying(f"127.0.0.1:{pair.standby.port}") as service:
        uri = f"postgresql://{APP}:{PASSWORD}@127.0.0.1:{service.port}/{TEMPLATE}?sslmode=disable"
        async with asking(app_settings(f"{uri}&target_session_attrs=any", readiness_mode="process")) as api:
            assert {answer.status_code for answer in await gather(3, "SELECT pg_sleep(0.1)", api=api)} == {200}
            assert len(await fetch(pair.standby.uri(), USED)) == 3
            await asyncio.to_thread(service.retarget, f"127.0.0.1:{pair.primary.port}")
            refused, created = [await api.client.post("/api/v1/projects", json={"name": "x"}) for _ in range(2)]
            assert (refused.status_code, refused.json()["type"]) == (503, "/problems/database-unavailable")
            assert (created.status_code, api.faults(Fault.READ_ONLY)) == (201, 1)
            await gather(3, "SELECT pg_sleep(0.1)", api=api)  # at once, so that each connection is used
            await until(lambda: unused(pair.standby))


async def test_what_a_server_must_be(asynchronous_pair: Pair):
    """Of two hosts, whichever is first, the one that fits is taken; a look, as the operator's, takes what there is."""
    pair = asynchronous_pair
    standby = pair.standby.uri(TEMPLATE, APP, PASSWORD)
    for target, port in {"primary": pair.primary, "read-write": pair.primary, "standby": pair.standby}.items():
        assert await server_of(f"{pair.uri}&target_session_attrs={target}") == port.port
    assert await server_of(f"{pair.uri}&target_session_attrs=prefer-standby") == pair.standby.port
    assert await server_of(f"{standby}&target_session_attrs=any") == pair.standby.port
    with pytest.raises(Exception, match="None of the hosts match") as caught:
        await server_of(standby)
    assert classify(caught.value) is Fault.READ_ONLY
    connection = await connect_with(app_settings(standby), application_name="test")
    decision = look(resource(), await observe(connection))
    assert (standing(decision)[1], decision.create) == ("ServerInRecovery", None)
    await connection.close()


async def server_of(uri: str) -> int:
    connection = await Connector(app_settings(uri), "test")()
    try:
        return int(await connection.fetchval("SELECT inet_server_port()"))
    finally:
        await connection.close()
