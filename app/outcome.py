"""How a run of `plinth migrate` ended: its last line of output, which the operator reads, and its exit code."""

import json
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Literal

from app.db.revision import Lineage
from app.db.server import ServerFacts
from app.errors import PlinthError

PENDING_EXIT_CODE = 10
LONGEST_LINE = 4096
"""Bytes of the last line: Kubernetes keeps no more of a termination message, and half a document is none."""
MOST_REVISIONS = 50

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
        line = self._line(self.message)
        message = self.message
        while len(line) > LONGEST_LINE and message:
            message = message[: len(message) * 3 // 4]
            line = self._line(f"{message}…")
        return line

    def _line(self, message: str) -> str:
        facts = self.facts
        line = {
            "outcome": self.outcome,
            "lineage": self.lineage,
            "from": _join(self.before),
            "to": _join(self.after),
            "revisions": _short(self.revisions),
            "server": facts.version if facts else None,
            "serverVersionNum": facts.version_num if facts else None,
            "systemIdentifier": facts.system_identifier if facts else None,
            "seconds": round(self.seconds, 3),
            "attempts": self.attempts,
            "reason": self.reason,
            "message": message,
        }
        return json.dumps(line)


def last_line(text: str) -> dict[str, Any]:
    """The line an `Outcome` wrote, read back from what a run said; where there is none, the last line as the message.

    Not an Outcome again: what is read may be of another release.
    """
    line = text.strip().rpartition("\n")[2]
    with suppress(ValueError):
        if isinstance(outcome := json.loads(line), dict):
            return outcome
    return {"message": line}


def failed(
    error: PlinthError,
    lineage: Lineage,
    facts: ServerFacts | None = None,
    *,
    before: frozenset[str] | None = None,
    applied: tuple[str, ...] = (),
) -> Outcome:
    """The outcome an error ends a run with; ``facts`` are of after it, and what was ``applied`` stays."""
    after = _recorded(facts, lineage)
    return Outcome(
        "failed", lineage, str(error), facts=facts, reason=error.reason, exit_code=error.exit_code,
        before=after if before is None else before, after=after, revisions=applied,
    )  # fmt: skip


def _short(revisions: tuple[str, ...]) -> list[str]:
    """All of them, or the last where they are very many: the line has an end."""
    return list(revisions) if len(revisions) <= MOST_REVISIONS else ["…", *revisions[-MOST_REVISIONS:]]


def _recorded(facts: ServerFacts | None, lineage: Lineage) -> frozenset[str]:
    if facts is None:
        return frozenset()
    return facts.core_revisions if lineage == "core" else facts.gated_revisions


def _join(revisions: frozenset[str]) -> str | None:
    return ",".join(sorted(revisions)) or None
