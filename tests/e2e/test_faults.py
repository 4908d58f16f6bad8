"""What the kubelet and kube-proxy make of an outage of the database, of a stuck event loop, and of a slow end."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.cluster.client import Namespace
from tests.cluster.console import ClusterError
from tests.e2e import watches
from tests.e2e.conftest import LONG
from tests.e2e.fleet import MODES, Fleet
from tests.e2e.outages import Outage, suffer

OUTAGE_SECONDS = 300 if LONG else 25
STUCK_SECONDS = 60
UNSTUCK_SECONDS = 90
"""Until the kubelet has started a pod anew that is stuck for 60 s."""


@pytest.fixture(scope="module")
def fleet(shared_namespace: Namespace) -> Fleet:
    """One release a mode, and a slow one."""
    fleet = Fleet(shared_namespace)
    fleet.install()
    fleet.install_slow()
    return fleet


@pytest.fixture(scope="module")
def stuck(fleet: Fleet) -> list[str]:
    """The two pods of the slow release: the first is stuck for a minute from now on, the other was for two seconds."""
    pods = fleet.slow.pods()
    for pod, seconds in zip(pods, (STUCK_SECONDS, 2), strict=True):
        with pytest.raises(ClusterError, match="ReadTimeout"):
            fleet.release("process").ask("POST", f"{_url(pod)}/block?seconds={seconds}", timeout=1)
    return [pod["metadata"]["name"] for pod in pods]


@pytest.fixture(scope="module")
def outage(fleet: Fleet, stuck: list[str]) -> Outage:
    """Comes while a pod is stuck: the two have nothing to do with each other, and time is dear."""
    return suffer(fleet, OUTAGE_SECONDS)


def _url(pod: dict[str, Any]) -> str:
    return f"http://{pod['status']['podIP']}:8000/api/v1/slow"


def test_an_outage_restarts_nothing(outage: Outage) -> None:
    """A restart cannot mend a database: every pod stays alive, in every mode."""
    assert outage.restarts == dict.fromkeys(MODES, 0)
    assert outage.live == {200}


def test_endpoints_follow_the_database(outage: Outage) -> None:
    """By the EndpointSlice: none within 15 s after the database is stopped, all within 10 s after it is there again."""
    assert outage.unready_seconds <= 15
    assert outage.ready_seconds <= 10


@pytest.mark.parametrize(
    ("mode", "ready", "answer"), [("database", 0, None), ("process", 1, 503), ("fail-open", 1, 503)]
)
def test_the_mode_says_who_refuses(outage: Outage, mode: str, ready: int, answer: int | None) -> None:
    """Without a database the Service leads nowhere, or to pods that answer 503."""
    assert (outage.ready[mode], outage.answers[mode]) == (ready, answer)


def test_a_pod_starts_without_a_database(outage: Outage) -> None:
    """It listens at once, passes its startup probe, and is not ready; nothing is started again."""
    assert outage.newcomer.listens_seconds <= 5  # 3 s, and time for the imports where other pods take the processors
    assert not outage.newcomer.ready


def test_a_pod_that_was_never_ready_ends_at_once(outage: Outage) -> None:
    """SIGTERM during an outage that came before the start: exit 0 within 5 s."""
    assert outage.newcomer.exit_code == 0
    assert outage.newcomer.exit_seconds <= 5


def test_a_request_in_flight_is_finished(fleet: Fleet, outage: Outage, stuck: list[str]) -> None:
    """SIGTERM: one of ten seconds ends well, one beyond the limit in the problem `stopping`; exit 0 in time."""
    pod = next(pod for pod in fleet.slow.pods() if pod["metadata"]["name"] == stuck[1])
    name, asker = pod["metadata"]["name"], fleet.release("process")
    with watches.pod_states(fleet.namespace) as states, ThreadPoolExecutor() as pool:
        short, long = (
            pool.submit(asker.ask, "GET", f"{_url(pod)}/wait?seconds={seconds}", timeout=60) for seconds in (10, 50)
        )
        fleet.namespace.cluster.wait_for("both to be in flight", lambda: _in_flight(fleet, name) >= 2, 20)
        fleet.namespace.kubectl("delete", f"pod/{name}", "--wait=false")
        assert short.result().status == 200
        assert (long.result().status, long.result().json()["type"]) == (503, "/problems/stopping")
        assert "retry-after" in long.result().headers
        _, state = fleet.namespace.cluster.wait_for("its end", lambda: states.ended(name), 10)
    assert state["exitCode"] == 0


def _in_flight(fleet: Fleet, pod: str) -> float:
    metrics = fleet.namespace.kubectl(
        "get", f"--raw=/api/v1/namespaces/{fleet.namespace.name}/pods/{pod}:9090/proxy/metrics"
    )
    lines = [line.split() for line in metrics.splitlines()]
    return next(float(line[1]) for line in lines if line[0] == "plinth_http_requests_in_progress")


def test_a_stuck_event_loop_is_started_again_once(fleet: Fleet, outage: Outage, stuck: list[str]) -> None:
    """Stuck for a minute: one restart, then ready again. Stuck for two seconds: none."""

    def restarted() -> dict[str, Any] | None:
        pods = {pod["metadata"]["name"]: pod for pod in fleet.slow.ready_pods()}
        pod = pods.get(stuck[0])
        return pod if pod and pod["status"]["containerStatuses"][0]["restartCount"] else None

    fleet.namespace.cluster.wait_for("the stuck pod to be ready again", restarted, UNSTUCK_SECONDS)
    assert fleet.slow.restarts() == 1
