"""What liveness says of the checker behind it, as the kubelet asks."""

import asyncio

import pytest

from app.health.checker import Checker
from app.health.probes import Probes
from app.health.verdicts import Verdict
from app.metrics import Metrics
from app.settings import Settings


def failed(verdict: Verdict) -> list[str]:
    return [check.note for check in verdict.checks if not check.ok]


async def test_a_checker_that_has_ended_fails_liveness() -> None:
    """Nobody would look any more, so that a restart helps."""
    probes = Probes(Settings(readiness_mode="process"), Metrics())
    probes.start()
    assert failed(probes.live()) == failed(probes.ready()) == []
    (task,) = [task for task in asyncio.all_tasks() if task.get_name() == "readiness"]
    task.cancel()
    await asyncio.wait({task})
    assert failed(probes.live()) == failed(probes.ready()) == ["the background checker has ended"]


async def test_an_old_beat_fails_liveness(monkeypatch: pytest.MonkeyPatch) -> None:
    """The task is there and does nothing: stuck beyond the checker's patience."""
    probes = Probes(Settings(readiness_mode="process"), Metrics())
    probes.start()
    monkeypatch.setattr(Checker, "seconds_since_beat", property(lambda checker: checker.patience + age))
    age = -1.0
    assert failed(probes.live()) == failed(probes.ready()) == []
    age = 1.0
    assert failed(probes.live()) == failed(probes.ready()) == ["the background checker is stuck"]
    await probes.stop()
