"""An outage of the database, and what the kubelet and kube-proxy make of the app during it."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from tests.cluster.console import ClusterError
from tests.e2e import watches
from tests.e2e.fleet import MODES, Fleet
from tests.e2e.releases import Release, condition

BEGAN = """
import os, time
ticks = int(open("/proc/1/stat").read().rpartition(")")[2].split()[19])
uptime = float(open("/proc/uptime").read().split()[0])
print(time.time() - uptime + ticks / os.sysconf("SC_CLK_TCK"))
"""
PATIENCE_SECONDS = 60
"""How long the tests wait for what has a limit of its own; the limits are asserted."""


@dataclass(frozen=True)
class Newcomer:
    """A pod of the mode `database`, made and deleted without a database; it passed its startup probe."""

    listens_seconds: float
    """From the start of its process to its line that says where it listens."""
    ready: bool
    exit_code: int
    exit_seconds: float
    """From the request to delete it to the news of its end."""


@dataclass(frozen=True)
class Outage:
    unready_seconds: float
    """From the begin of the outage to the news that the Service in the mode `database` leads nowhere."""
    ready_seconds: float
    """From the news that the database's Service leads somewhere to the same of all pods of the app."""
    restarts: dict[str, int]
    live: set[int | None]
    """What `/livez` of all pods answered before the end."""
    ready: dict[str, int]
    """How many pods the Service of each mode led to before the end."""
    answers: dict[str, int | None]
    """What the API answered in each mode; None where nobody did."""
    newcomer: Newcomer


def suffer(fleet: Fleet, seconds: float, meanwhile: Callable[[], None] = lambda: None) -> Outage:
    """Stop the database for a time, and start it again."""
    wait_for = fleet.namespace.cluster.wait_for
    with watches.endpoints(fleet.namespace) as endpoints, watches.pod_states(fleet.namespace) as states:
        began = fleet.database.stop()
        unready = wait_for(
            "the app to be unready", lambda: endpoints.first("plinth", began, lambda pods: not pods), PATIENCE_SECONDS
        )
        newcomer = _newcomer(fleet.release("database"), states)
        meanwhile()
        time.sleep(max(0.0, began + seconds - time.time()))  # an outage is a time; there is no condition to wait for
        live = _live(fleet)
        answers = {mode: _asked(fleet, f"http://{name}/api/v1/projects") for mode, name in MODES.items()}
        ready = {mode: len(endpoints.now(service)) for mode, service in MODES.items()}
        starting = time.time()
        fleet.database.start()
        ended = wait_for("the database", lambda: endpoints.first("plinth-postgresql", starting, bool), PATIENCE_SECONDS)
        ready_again = wait_for(
            "the app to be ready",
            lambda: endpoints.first("plinth", ended, lambda pods: len(pods) == 2),
            PATIENCE_SECONDS,
        )
    restarts = {mode: fleet.release(mode).restarts() for mode in MODES}
    return Outage(unready - began, ready_again - ended, restarts, live, ready, answers, newcomer)


def _newcomer(release: Release, states: watches.PodStates) -> Newcomer:
    """Replace a pod while there is no database, and the new one again."""
    wait_for = release.namespace.cluster.wait_for
    before = {pod["metadata"]["name"] for pod in release.pods()}
    release.namespace.kubectl("delete", f"pod/{min(before)}", "--wait=false")

    def started() -> dict[str, Any] | None:
        new = [pod for pod in release.pods() if pod["metadata"]["name"] not in before]
        return new[0] if new and new[0]["status"].get("containerStatuses", [{}])[0].get("started") else None

    pod = wait_for("a new pod to pass its startup probe", started, PATIENCE_SECONDS)
    name = pod["metadata"]["name"]
    listens = _listens(release, name) - _began(release, name)
    deleted = time.time()
    release.namespace.kubectl("delete", f"pod/{name}", "--wait=false")
    ended, state = wait_for("its end", lambda: states.ended(name), PATIENCE_SECONDS)
    ready = condition(pod, "Ready")["status"] == "True"
    return Newcomer(listens, ready, state["exitCode"], ended - deleted)


def _began(release: Release, pod: str) -> float:
    """When the process of a pod began; Kubernetes would say it in whole seconds."""
    return float(release.namespace.kubectl("exec", pod, "--", "python", "-c", BEGAN))


def _listens(release: Release, pod: str) -> float:
    """When a pod said that it listens."""
    lines = release.namespace.kubectl("logs", pod, "--timestamps").splitlines()
    said = next(line for line in lines if "Uvicorn running" in line).split()[0]
    return datetime.fromisoformat(said).timestamp()


def _live(fleet: Fleet) -> set[int | None]:
    """What /livez of every pod answers."""
    pods = [pod["status"]["podIP"] for mode in MODES for pod in fleet.release(mode).pods()]
    return {_asked(fleet, f"http://{address}:8000/livez") for address in pods}


def _asked(fleet: Fleet, url: str) -> int | None:
    """The status of an answer; None where nobody answers."""
    try:
        return fleet.release("process").ask("GET", url).status
    except ClusterError:
        return None
