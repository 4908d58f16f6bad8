"""Creates repeated until they are done, through every fault; and how many rows were lost or doubled."""

import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tests import retrying
from tests.cluster.client import Namespace
from tests.cluster.console import step
from tests.e2e.releases import EXTERNAL, Release
from tests.e2e.replication import PRIMARY, STANDBY, ReplicatedDatabase
from tests.e2e.scripts import run_in_pod

WORKERS = 20
BLACKHOLE_SECONDS = 15
PATIENCE_SECONDS = 300


@dataclass(frozen=True)
class Rows:
    """What became of the creates."""

    lost: int
    """Never answered, or answered with an id that is not that of its row."""
    doubled: int
    """Rows beyond one for a create."""


@dataclass(frozen=True)
class Creates:
    """The pod that creates (tests/retrying.py), and what it said so far."""

    namespace: Namespace
    number: int

    def start(self) -> None:
        run_in_pod(self.namespace, "creates", retrying, "http://plinth/api/v1/projects", self.number, WORKERS)

    def said(self) -> dict[str, Any]:
        """The last line: how many are answered, or at the end which ids were."""
        lines = self.namespace.kubectl("logs", "creates").splitlines()
        said: dict[str, Any] = json.loads(lines[-1]) if lines else {}
        return said

    def reach(self, share: float) -> None:
        """Wait until so much is answered."""
        wanted = round(share * self.number)
        description = f"{wanted} creates to be answered"
        self.namespace.cluster.wait_for(description, lambda: self._answered() >= wanted, PATIENCE_SECONDS, interval=0.5)

    def finish(self) -> dict[str, str]:
        """The id of each name that was answered."""
        made: dict[str, str] = self.namespace.cluster.wait_for(
            "the creates to end", lambda: self.said().get("made"), PATIENCE_SECONDS, interval=0.5
        )
        return made

    def _answered(self) -> int:
        said = self.said()
        return len(said["made"]) if "made" in said else int(said.get("answered", 0))


def create_through_faults(namespace: Namespace, number: int) -> Rows:
    """A restart, a blackhole, the end of pods and a failover, each in the midst of the creates."""
    database, release = ReplicatedDatabase(namespace), Release(namespace)
    database.start()
    release.install(*EXTERNAL, "operator.enabled=false")
    creates = Creates(namespace, number)
    creates.start()
    faults: dict[str, Callable[[], None]] = {
        "the server crashes": lambda: database.crash(PRIMARY),
        "a blackhole": lambda: _blackhole(database),
        "the app's pods are killed": lambda: _kill_pods(release),
        "failover to the standby": database.fail_over,
    }
    for position, (name, make) in enumerate(faults.items(), 1):
        creates.reach(position / (len(faults) + 1))
        with step(name, "creates"):
            make()
    made = creates.finish()
    rows = [row.split("|") for row in database.sql(STANDBY, "SELECT name, id FROM projects")]  # now the primary
    return compare(made, [(name, one) for name, one in rows], number)


def _blackhole(database: ReplicatedDatabase) -> None:
    database.blackhole()
    time.sleep(BLACKHOLE_SECONDS)  # longer than a statement may take; there is no condition to wait for
    database.pass_on()


def _kill_pods(release: Release) -> None:
    """Both at once, without a drain: requests are cut off in every state."""
    names = [f"pod/{pod['metadata']['name']}" for pod in release.pods()]
    release.namespace.kubectl("delete", *names, "--grace-period=0", "--force")


def compare(made: dict[str, str], rows: list[tuple[str, str]], number: int) -> Rows:
    """The id each name was answered with, and the names and ids that are stored."""
    lost = number - len(made.items() & set(rows))
    return Rows(lost, len(rows) - len({name for name, _ in rows}))
