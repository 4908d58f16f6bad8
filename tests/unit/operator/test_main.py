"""The operator's process: what kopf is told, and when the probe fails."""

import asyncio
import itertools
import ssl
from types import SimpleNamespace
from typing import Any

import httpx2
import kopf
import pytest
from kopf._core.engines.probing import health_reporter

from app import kubernetes
from app.db.packaged import free_port
from app.errors import SettingsError
from app.operator import main, rounds as module
from app.operator.rounds import Rounds
from app.settings import Settings
from tests.unit.operator.api import FakeApi
from tests.unit.operator.builders import body
from tests.unit.operator.test_rounds import FakeObserver


def memory(*, stuck: bool = False, done: bool = False) -> Any:
    task = SimpleNamespace(done=lambda: done)
    return SimpleNamespace(task=task, rounds=SimpleNamespace(stuck=lambda: stuck))


def test_the_probe_passes_while_the_rounds_go_on() -> None:
    """Whatever becomes of databases and API server."""
    assert main.rounds(memory()) == "going round"


@pytest.mark.parametrize("state", [{"stuck": True}, {"done": True}])
def test_the_probe_fails_when_the_rounds_stop(state: dict[str, bool]) -> None:
    """At once: kopf would retry any other error, and the probe would hang instead of failing."""
    with pytest.raises(kopf.PermanentError):
        main.rounds(memory(**state))


async def livez(memo: Any) -> int:
    """What kopf's own server answers the kubelet. A new one each time, as it keeps a good answer for 10 s."""
    address, ready = f"http://127.0.0.1:{free_port()}/livez", asyncio.Event()
    parts: Any = {"memo": memo, "indices": {}, "registry": kopf.get_default_registry()}
    reporter = health_reporter(address, settings=kopf.OperatorSettings(), ready_flag=ready, **parts)
    server = asyncio.create_task(reporter)
    await ready.wait()
    async with httpx2.AsyncClient(trust_env=False) as client:
        answer = await client.get(address)
    server.cancel()
    await asyncio.wait([server])
    return answer.status_code


async def test_livez_fails_when_the_loop_stops_though_the_process_lives(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ended, or hanging in a turn."""
    rounds = Rounds(FakeApi().client(), FakeObserver(), ["shop"])  # type: ignore[arg-type]
    memo = SimpleNamespace(rounds=rounds, task=asyncio.create_task(rounds.run()))
    assert await livez(memo) == 200
    with monkeypatch.context() as patience:
        patience.setattr(module, "STUCK_SECONDS", 0)
        assert await livez(memo) == 500
    assert await livez(memo) == 200
    memo.task.cancel()
    await asyncio.wait([memo.task])
    assert await livez(memo) == 500


async def test_events_of_the_watch_put_and_drop() -> None:
    """A deletion names the object that is gone, not one made again under its name."""
    seen: list[Any] = []
    rounds = SimpleNamespace(put=lambda one: seen.append(one["kind"]), drop=seen.append)
    memo: Any = SimpleNamespace(rounds=rounds)
    await main.changed(memo, {"type": "MODIFIED", "object": body()})  # type: ignore[arg-type]
    await main.changed(memo, {"type": "DELETED", "object": body()})  # type: ignore[arg-type]
    assert seen == ["GatedMigration", {"u-1"}]


def test_no_handler_needs_a_finalizer_or_an_annotation() -> None:
    """Or a namespace could not be deleted while the operator is away."""
    registry = kopf.get_default_registry()
    assert len(list(registry._watching.get_all_handlers())) == 1
    assert not list(registry._changing.get_all_handlers())
    assert not list(registry._spawning.get_all_handlers())


def test_the_settings_name_the_namespaces() -> None:
    """Without them it is the one of the service account; without a cluster there is a sentence."""
    assert main.watched(Settings(operator_namespaces=["a", "b"])) == ["a", "b"]


def test_without_a_cluster_there_is_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither a service account nor a kubeconfig: nothing to operate on."""
    monkeypatch.setenv("KUBECONFIG", "/nonexistent")
    with pytest.raises(SettingsError, match="no cluster"):
        main.watched(Settings())


async def test_kopf_never_gives_up_on_the_api_server(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its patience has no end, whichever request uses it."""
    monkeypatch.setattr(kubernetes, "connect", lambda **_: FakeApi().client())
    own = Settings(operator_metrics_port=0, operator_namespaces=["shop"])
    memo, settings = kopf.Memo(settings=own), kopf.OperatorSettings()
    await main.start(memo, settings)
    memo.task.cancel()
    for _ in range(2):
        assert list(itertools.islice(iter(settings.networking.error_backoffs), 1000)) == [5] * 1000


@pytest.mark.parametrize("strict", [True, False])
def test_kopf_verifies_the_api_server_as_the_settings_say(monkeypatch: pytest.MonkeyPatch, strict: bool) -> None:
    """By a ConnectionInfo that is otherwise the one kopf found."""
    found = kopf.ConnectionInfo(server="https://api", token="t")
    monkeypatch.setattr(kopf, "login_with_service_account", lambda **_: found)
    memo: Any = SimpleNamespace(settings=Settings(operator_kubernetes_verify_strict=strict))
    info = main.login(memo)
    assert isinstance(info, kopf.ConnectionInfo)
    assert vars(info) == vars(found)
    assert (type(info) is kopf.ConnectionInfo) is strict
    assert strict or not info.as_ssl_context().verify_flags & ssl.VERIFY_X509_STRICT


async def test_the_end_of_the_process_ends_the_rounds() -> None:
    """Nothing is left to be waited for."""
    task = asyncio.create_task(asyncio.sleep(60))
    await main.stop(SimpleNamespace(task=task))  # type: ignore[arg-type]
    with pytest.raises(asyncio.CancelledError):
        await task
