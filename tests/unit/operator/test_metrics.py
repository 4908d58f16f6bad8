"""The operator's metrics, each seen at work: none is a number that never moves."""

import re

import pytest
from prometheus_client import REGISTRY

from app.errors import SettingsError
from app.operator import metrics, observe
from app.operator.observe import Observer
from app.settings import Settings
from tests.metrics_table import DOC
from tests.unit.operator.api import FakeApi
from tests.unit.operator.builders import resource, server
from tests.unit.operator.test_health import failures
from tests.unit.operator.test_observe import Answers
from tests.unit.operator.test_rounds import PATH, FakeObserver, named, reason, running, until

NAME = {"namespace": "shop", "name": "measured"}
STATE = ("plinth_gated_migration_state", {**NAME, "reason": "MigrationJobRunning"})
STALLED = ("plinth_gated_migration_stalled", NAME)
SERVER = ("plinth_gated_migration_server_version_num", NAME)
MOVING: list[tuple[str, dict[str, str]]] = [
    ("plinth_operator_errors_total", {"kind": "secret"}),
    ("plinth_operator_jobs_created_total", {}),
    ("plinth_operator_last_success_timestamp_seconds", {}),
    ("plinth_operator_observation_seconds_count", {}),
    ("plinth_operator_rounds_total", {}),
]


def values() -> list[float]:
    return [REGISTRY.get_sample_value(*one) or 0 for one in MOVING]


def test_no_metric_is_left_out() -> None:
    """What the page documents of the operator is what is seen here."""
    documented = re.findall(r"^\| `(plinth_\w+)` ", DOC.read_text().split("## The operator")[1], re.MULTILINE)
    assert {name.removesuffix("_count") for name, _ in (STATE, STALLED, SERVER, *MOVING)} == set(documented)


async def test_each_metric_is_seen_at_work(monkeypatch: pytest.MonkeyPatch) -> None:
    """A secret that is wrong at first, then a server of 18 and its Job; what is gone is told no longer."""
    monkeypatch.setattr(observe, "SECONDS_BETWEEN", 0)
    before, api = values(), FakeApi()
    observer = Observer(api.client(), Settings())
    monkeypatch.setattr(observer, "_facts", Answers(SettingsError("no such key"), server(18)))
    await observer.observe([resource()])
    made = api.put(PATH + NAME["name"], named(NAME["name"]))
    async with running(api, observer) as rounds:
        await until(lambda: reason(api, NAME["name"]) == "MigrationJobRunning" and not rounds._busy)
        assert all(now > then for now, then in zip(values(), before, strict=True))
        assert (REGISTRY.get_sample_value(*STATE), REGISTRY.get_sample_value(*STALLED)) == (1, 0)
        assert REGISTRY.get_sample_value(*SERVER) == server(18).version_num
        rounds.drop({made["metadata"]["uid"]})
    assert [REGISTRY.get_sample_value(*one) for one in (STATE, STALLED, SERVER)] == [None, None, None]


def test_a_migration_that_is_not_tried_again_is_told() -> None:
    """The reason alone does not say whether attempts are left."""
    told = []
    for attempt in (1, 3):
        metrics.tell(*NAME.values(), failures(attempt).status)
        told.append(
            (
                REGISTRY.get_sample_value(STATE[0], {**NAME, "reason": "MigrationFailed"}),
                REGISTRY.get_sample_value(*STALLED),
            )
        )
    metrics.tell(*NAME.values(), {})
    assert told == [(1, 0), (1, 1)]


async def test_an_operator_without_resources_succeeds_all_the_same() -> None:
    """Or its silence would look like a stop."""
    metrics.SUCCESS.set(0)
    async with running(FakeApi(), FakeObserver()):
        await until(lambda: bool(REGISTRY.get_sample_value("plinth_operator_last_success_timestamp_seconds")))
