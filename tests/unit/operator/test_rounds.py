"""The rounds: who is looked at when, and what one failure does to the others."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

import pytest

from app.operator import rounds as module
from app.operator.decide import Snapshot
from app.operator.observe import Observer
from app.operator.resource import Resource
from app.operator.rounds import Rounds
from tests.unit.operator.api import FakeApi
from tests.unit.operator.builders import body, server

PATH = "/apis/plinth.dev/v1alpha1/namespaces/shop/gatedmigrations/"


async def until(condition: Callable[[], bool], within: float = 5) -> None:
    """Let the loop turn until something holds."""
    async with asyncio.timeout(within):
        while not condition():  # noqa: ASYNC110 - what is waited for has no event
            await asyncio.sleep(0.005)


class FakeObserver:
    """Sees a server of 17 everywhere; notes whom it was asked for."""

    def __init__(self) -> None:
        self.asked: list[list[str]] = []
        self.error: Exception | None = None
        self.hold = asyncio.Event()
        self.hold.set()

    async def observe(self, resources: Sequence[Resource]) -> list[Snapshot]:
        self.asked.append(sorted(one.name for one in resources))
        await self.hold.wait()
        if self.error:
            raise self.error
        return [Snapshot(one, server(17), datetime.now(UTC)) for one in resources]


def named(name: str, database: str = "owner", **changes: Any) -> dict[str, Any]:
    made = body(**changes)
    made["metadata"] |= {"name": name, "uid": name}
    made["spec"]["databaseSecretRef"] = {**made["spec"]["databaseSecretRef"], "name": database}
    return made


@pytest.fixture
def api() -> FakeApi:
    return FakeApi()


@pytest.fixture
def observer() -> FakeObserver:
    return FakeObserver()


@asynccontextmanager
async def running(api: FakeApi, observer: FakeObserver | Observer) -> AsyncIterator[Rounds]:
    rounds = Rounds(api.client(), observer, ["shop"])  # type: ignore[arg-type]
    task = asyncio.create_task(rounds.run())
    try:
        yield rounds
    finally:
        task.cancel()
        await asyncio.wait([task], timeout=5)


def reason(api: FakeApi, name: str) -> str | None:
    conditions = api.objects[PATH + name].get("status", {}).get("conditions", [{}])
    return conditions[0].get("reason")


async def test_resources_are_found_by_listing_without_any_watch(api: FakeApi, observer: FakeObserver) -> None:
    """The watch only wakes; here is none."""
    api.put(PATH + "a", named("a"))
    async with running(api, observer):
        await until(lambda: reason(api, "a") == "WaitingForServerVersion")


async def test_resources_of_one_database_share_an_observation(api: FakeApi, observer: FakeObserver) -> None:
    """One connection for the two of them, another for the third."""
    for name, database in [("a", "one"), ("b", "one"), ("c", "two")]:
        api.put(PATH + name, named(name, database))
    async with running(api, observer):
        await until(lambda: all(reason(api, name) for name in "abc"))
    assert sorted(observer.asked) == [["a", "b"], ["c"]]


async def test_polls_are_spread_and_none_is_late(api: FakeApi, observer: FakeObserver) -> None:
    """Databases that were first seen together are not asked together again, and each within its interval."""
    for number in range(20):
        api.put(f"{PATH}n{number}", named(f"n{number}", f"s{number}"))
    async with running(api, observer) as rounds:
        await until(lambda: len(observer.asked) == 20 and not rounds._busy)
        left = [due - time.monotonic() for due in rounds._due.values()]
    assert 40 < min(left) < max(left) - 2 < 58


async def test_a_watch_that_died_in_silence_costs_at_most_a_minute() -> None:
    """What it did not tell, the next listing does: with a request that ends in time, in less than 90 s."""
    assert module.RELIST_SECONDS <= 60


async def test_a_changed_wish_is_dealt_with_at_once(api: FakeApi, observer: FakeObserver) -> None:
    """Long before the next poll; a change of the status alone wakes nobody."""
    api.put(PATH + "a", named("a"))
    async with running(api, observer) as rounds:
        await until(lambda: reason(api, "a") == "WaitingForServerVersion")
        rounds.put(api.put(PATH + "a", {**api.objects[PATH + "a"]}))
        paused = {**api.objects[PATH + "a"], "spec": {**body()["spec"], "paused": True}}
        paused["metadata"] = {**paused["metadata"], "generation": 2}
        rounds.put(api.put(PATH + "a", paused))
        await until(lambda: reason(api, "a") == "Paused")
    assert len(observer.asked) == 2


async def test_a_wish_that_changes_during_a_round_is_not_lost(api: FakeApi, observer: FakeObserver) -> None:
    """The round that had begun before it does not put it off."""
    api.put(PATH + "a", named("a"))
    observer.hold.clear()
    async with running(api, observer) as rounds:
        await until(lambda: bool(observer.asked))
        changed = named("a", annotations={"plinth.dev/retry": "1"})
        rounds.put(api.put(PATH + "a", changed))
        observer.hold.set()
        await until(lambda: api.objects[PATH + "a"].get("status", {}).get("retry") == "1")


async def test_a_wish_is_not_lost_to_a_round_with_nothing_to_report(api: FakeApi, observer: FakeObserver) -> None:
    """Not even a conflict tells that round that it is out of date."""
    api.put(PATH + "a", named("a"))
    async with running(api, observer) as rounds:
        await until(lambda: reason(api, "a") == "WaitingForServerVersion" and not rounds._busy)
        observer.hold.clear()
        rounds._due["shop", "a"] = 0
        await until(lambda: len(observer.asked) == 2)
        changed = {**api.objects[PATH + "a"], "metadata": {**api.objects[PATH + "a"]["metadata"]}}
        changed["metadata"]["annotations"] = {"plinth.dev/retry": "1"}
        rounds.put(api.put(PATH + "a", changed))
        observer.hold.set()
        await until(lambda: api.objects[PATH + "a"]["status"].get("retry") == "1")


async def test_nonsense_in_one_resource_does_not_stop_the_others(
    api: FakeApi, observer: FakeObserver, caplog: pytest.LogCaptureFixture
) -> None:
    """It is logged, field by field, and they get their turn."""
    api.put(PATH + "a", {**named("a"), "spec": {**body()["spec"], "pollInterval": "soon", "paused": "perhaps"}})
    api.put(PATH + "b", named("b"))
    async with running(api, observer):
        await until(lambda: reason(api, "b") == "WaitingForServerVersion")
    (said,) = [record.getMessage() for record in caplog.records if "cannot be read" in record.message]
    assert said.startswith("a cannot be read: spec.paused: ")
    assert "; spec.pollInterval: " in said


async def test_a_failing_round_is_repeated(
    api: FakeApi, observer: FakeObserver, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Soon, whatever it was."""
    monkeypatch.setattr(module, "SOON", module.SOON / 100)
    api.put(PATH + "a", named("a"))
    observer.error = RuntimeError("unexpected")
    async with running(api, observer):
        await until(lambda: len(observer.asked) > 1)
        observer.error = None
        await until(lambda: reason(api, "a") == "WaitingForServerVersion")


async def test_a_resource_that_is_gone_is_forgotten(
    api: FakeApi, observer: FakeObserver, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where no watch told: the next listing does."""
    monkeypatch.setattr(module, "RELIST_SECONDS", 0.05)
    api.put(PATH + "a", named("a", pollInterval="1s"))
    async with running(api, observer) as rounds:
        await until(lambda: reason(api, "a") is not None)
        del api.objects[PATH + "a"]
        await until(lambda: not rounds._resources)


async def test_a_definition_that_is_gone_is_waited_for(
    api: FakeApi, observer: FakeObserver, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Deleted, or not there yet: once it is back, a listing finds the resources."""
    monkeypatch.setattr(module, "RELIST_SECONDS", 0.02)
    api.put(PATH + "a", named("a"))
    api.fail = lambda method, path: (404, {}) if method == "GET" and path == PATH.rstrip("/") else None
    async with running(api, observer):
        await until(lambda: len(api.requests) > 3)
        assert observer.asked == []
        api.fail = lambda _method, _path: None
        await until(lambda: reason(api, "a") == "WaitingForServerVersion")


async def test_an_older_version_of_a_resource_is_not_taken(api: FakeApi, observer: FakeObserver) -> None:
    """What the operator wrote itself comes back late through the watch."""
    rounds = Rounds(api.client(), observer, ["shop"])  # type: ignore[arg-type]
    old, new = named("a"), named("a", status={"failures": 1})
    new["metadata"]["resourceVersion"] = "11"
    rounds.put(new)
    rounds.put(old)
    assert rounds._resources["shop", "a"].status == {"failures": 1}


async def test_one_made_again_under_a_name_stays_when_the_first_is_gone(api: FakeApi, observer: FakeObserver) -> None:
    """A deletion may be told late: it is of the object, not of its name."""
    rounds = Rounds(api.client(), observer, ["shop"])  # type: ignore[arg-type]
    new = named("a")
    new["metadata"] |= {"uid": "new", "resourceVersion": "11"}
    rounds.put(named("a"))
    rounds.put(new)
    rounds.drop({"a"})
    assert [one.uid for one in rounds._resources.values()] == ["new"]
    rounds.drop({"new"})
    assert (rounds._resources, rounds._due) == ({}, {})


async def test_a_round_that_does_not_end_is_noticed(
    api: FakeApi, observer: FakeObserver, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Although everything else goes on; the probe looks at this."""
    monkeypatch.setattr(module, "RELIST_SECONDS", 0.01)
    monkeypatch.setattr(module, "STUCK_SECONDS", 0.3)
    api.put(PATH + "a", named("a"))
    observer.hold.clear()
    async with running(api, observer) as rounds:
        await until(lambda: bool(observer.asked))
        assert not rounds.stuck()
        await until(rounds.stuck)


async def test_rounds_that_do_not_turn_are_noticed(
    api: FakeApi, observer: FakeObserver, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ended or never begun: the probe fails."""
    rounds = Rounds(api.client(), observer, ["shop"])  # type: ignore[arg-type]
    assert not rounds.stuck()
    monkeypatch.setattr(module, "STUCK_SECONDS", 0)
    await until(rounds.stuck)


async def test_rounds_with_nothing_to_do_are_not_stuck(
    api: FakeApi, observer: FakeObserver, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every turn counts, not only those that find work."""
    monkeypatch.setattr(module, "RELIST_SECONDS", 0.01)
    async with running(api, observer) as rounds:
        began = rounds._turned
        await until(lambda: rounds._turned > began + 0.2)
        monkeypatch.setattr(module, "STUCK_SECONDS", 0.2)
        assert not rounds.stuck()


async def test_many_databases_are_observed_a_few_at_a_time(api: FakeApi, observer: FakeObserver) -> None:
    """A thousand resources are no thousand connections."""
    for number in range(30):
        api.put(f"{PATH}n{number}", named(f"n{number}", f"s{number}"))
    observer.hold.clear()
    async with running(api, observer) as rounds:
        await until(lambda: len(observer.asked) == module.ROUNDS_AT_ONCE)
        turned = rounds._turned
        await until(lambda: rounds._turned > turned)
        assert len(observer.asked) == module.ROUNDS_AT_ONCE
        observer.hold.set()
        await until(lambda: len(observer.asked) == 30 and not rounds._busy)
