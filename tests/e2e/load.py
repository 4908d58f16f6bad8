"""The traffic of a test: a pod that asks all the time, and what it counted."""

import json
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.cluster.client import Namespace

CHART = Path(__file__).parent / "charts" / "traffic"


@dataclass
class Tally:
    """All answers so far."""

    project: str = ""
    good: int = 0
    written: set[str] = field(default_factory=set)
    failed: list[dict[str, Any]] = field(default_factory=list)
    last: float = 0.0

    def failed_outside(self, began: float, ended: float) -> list[dict[str, Any]]:
        """Requests that failed and did not begin between two times."""
        return [one for one in self.failed if not began <= one["time"] <= ended]


@dataclass(frozen=True)
class Traffic:
    namespace: Namespace

    def start(self) -> None:
        """Begin, and wait for the first good answers."""
        self.namespace.helm("install", "traffic", str(CHART), f"--set=image={self.namespace.cluster.image}")
        self.namespace.cluster.wait_for("traffic to be answered", lambda: self.tally().good > 20, 60)

    def tally(self) -> Tally:
        """What was counted until now."""
        tally = Tally()
        for line in self.namespace.kubectl("logs", "traffic").splitlines():
            counted = json.loads(line)
            tally.project = counted.get("project", tally.project)
            tally.good += counted.get("good", 0)
            tally.written.update(counted.get("written", ()))
            tally.failed.extend(counted.get("failed", ()))
            tally.last = counted.get("time", tally.last)
        return tally

    def until(self, moment: float) -> Tally:
        """What was counted, once everything up to a time is in it."""

        def caught_up() -> Tally | None:
            tally = self.tally()
            return tally if tally.last >= moment else None

        return self.namespace.cluster.wait_for("traffic to be counted", caught_up, 60)

    def end(self) -> Tally:
        """Everything that was counted; no more requests after this."""
        tally = self.until(time.time())
        self.namespace.helm("uninstall", "traffic", "--wait")
        return tally
