"""The traffic of a test: a pod that asks all the time, and what it counted."""

import json
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.cluster.client import Namespace

CHART = Path(__file__).parent / "charts" / "traffic"


@dataclass
class Tally:
    """All answers so far."""

    project: str = ""
    good: Counter[str] = field(default_factory=Counter)
    """Good answers on connections that were kept, and on those for one request (`closed`)."""
    written: set[str] = field(default_factory=set)
    failed: list[dict[str, Any]] = field(default_factory=list)
    last: float = 0.0

    def since(self, earlier: "Tally") -> "Tally":
        """What was counted after an earlier look."""
        return Tally(self.project, self.good - earlier.good, failed=self.failed[len(earlier.failed) :], last=self.last)

    def failed_outside(self, began: float, ended: float) -> list[dict[str, Any]]:
        """Requests that failed and did not begin between two times."""
        return [one for one in self.failed if not began <= one["time"] <= ended]


@dataclass(frozen=True)
class Traffic:
    namespace: Namespace

    def start(self, kept: int = 40, closed: int = 20) -> None:
        """Begin with so many requests a second on kept connections and on closed ones; wait for good answers."""
        values = {"image": self.namespace.cluster.image, "kept": kept, "closed": closed}
        self.namespace.helm(
            "install", "traffic", str(CHART), *(f"--set={name}={value}" for name, value in values.items())
        )
        self.namespace.cluster.wait_for("traffic to be answered", lambda: self.tally().good.total() > 20, 60)

    def tally(self) -> Tally:
        """What was counted until now."""
        tally = Tally()
        for line in self.namespace.kubectl("logs", "traffic").splitlines():
            counted = json.loads(line)
            tally.project = counted.get("project", tally.project)
            tally.good.update(counted.get("good", {}))
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
