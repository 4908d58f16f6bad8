"""How a run of `plinth migrate` ended: its last line of output, and its exit code."""

import json
from dataclasses import dataclass, field
from typing import Literal

from app.db.revision import Lineage
from app.db.server import ServerFacts
from app.errors import PlinthError

PENDING_EXIT_CODE = 10

Result = Literal["applied", "nothing", "ahead", "pending", "failed"]


@dataclass(frozen=True)
class Outcome:
    """One run. ``str()`` of it is the JSON line."""

    outcome: Result
    lineage: Lineage
    message: str
    before: frozenset[str] = frozenset()
    after: frozenset[str] = frozenset()
    revisions: tuple[str, ...] = field(default=())
    """The revisions applied, or pending, in their order."""
    facts: ServerFacts | None = None
    seconds: float = 0.0
    attempts: int = 0
    reason: str = ""
    exit_code: int = 0

    def __str__(self) -> str:
        facts = self.facts
        line = {
            "outcome": self.outcome,
            "lineage": self.lineage,
            "from": _join(self.before),
            "to": _join(self.after),
            "revisions": list(self.revisions),
            "server": facts.version if facts else None,
            "serverVersionNum": facts.version_num if facts else None,
            "systemIdentifier": facts.system_identifier if facts else None,
            "seconds": round(self.seconds, 3),
            "attempts": self.attempts,
            "reason": self.reason,
            "message": self.message,
        }
        return json.dumps(line)


def failed(error: PlinthError, lineage: Lineage, facts: ServerFacts | None = None) -> Outcome:
    """The outcome an error ends a run with."""
    return Outcome(
        "failed", lineage, str(error), facts=facts, reason=error.reason, exit_code=error.exit_code,
        before=_recorded(facts, lineage), after=_recorded(facts, lineage),
    )  # fmt: skip


def _recorded(facts: ServerFacts | None, lineage: Lineage) -> frozenset[str]:
    if facts is None:
        return frozenset()
    return facts.core_revisions if lineage == "core" else facts.gated_revisions


def _join(revisions: frozenset[str]) -> str | None:
    return ",".join(sorted(revisions)) or None
