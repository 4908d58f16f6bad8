"""The diagram in docs/operator-states.md, drawn by running ``decide``; ``python -m tests.operator_states`` mends it.

From every situation that can come about, each thing that can happen is tried, and what Ready's reason becomes is noted.
One thing at a time: what interrupts ends before another thing begins, and a Job that runs ends or is interrupted.
"""

import re
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from app.db.server import ServerFacts
from app.operator.decide import Snapshot, Unreachable, decide
from app.operator.jobs import MigrationJob
from app.operator.reasons import Reason
from tests.unit.operator.builders import NOW, migrated, resource, server

DOC = Path(__file__).parents[1] / "docs" / "operator-states.md"
BEGIN, END = "<!-- states: begin -->", "<!-- states: end -->"
OVER = "when that is over"
SEVERAL = 4
"""As many arrows of one cause are drawn as one, from or to any state."""


@dataclass(frozen=True)
class World:
    """A database, what people want, a Job, and the status."""

    facts: ServerFacts = field(default_factory=server)
    manual: bool = False
    away: bool = False
    paused: bool = False
    approved: bool = False
    retry: int = 0
    job: MigrationJob | None = None
    now: datetime = NOW
    status: Any = field(default_factory=dict)

    @property
    def reason(self) -> Reason:
        return Reason(self.status["conditions"][0]["reason"])

    @property
    def running(self) -> bool:
        return self.job is not None and self.job.completed is None

    @property
    def key(self) -> tuple[object, ...]:
        """Equal for worlds that go on in the same ways."""
        job = self.job and (self.job.completed is None, self.job.succeeded, self.job.exit_code)
        outside = (self.facts, self.manual, self.away, self.paused, self.approved, job)
        return *outside, self.reason, self.status.get("failures"), self.status.get("coreRevision")

    def seen(self) -> "World":
        """The world once the operator has gone round."""
        notes = {"plinth.dev/approve": "uuidv7"} if self.approved else {}
        notes |= {"plinth.dev/retry": str(self.retry)} if self.retry else {}
        mode = "Manual" if self.manual else "Automatic"
        of = resource(status=self.status, annotations=notes, approval=mode, paused=self.paused)
        jobs = (self.job,) if self.job else ()
        facts = Unreachable("away", 3) if self.away else self.facts
        decision = decide(Snapshot(of, facts, self.now, jobs))
        job = MigrationJob(decision.create, self.now) if decision.create else self.job
        return replace(self, status=decision.status, job=job)


def upgraded(world: World) -> World | None:
    facts = world.facts
    newer: dict[str, Any] = {"version_num": 180003, "version": "18.3", "has_uuidv7": True}
    return replace(world, facts=replace(facts, **newer)) if facts.major < 18 else None


def back_on_17(world: World) -> World | None:
    facts = world.facts
    older: dict[str, Any] = {"version_num": 170003, "version": "17.3", "has_uuidv7": False}
    return replace(world, facts=replace(facts, **older)) if facts.major >= 18 else None


def restored(world: World) -> World | None:
    return replace(world, facts=server(18)) if world.facts == migrated() else None


def migrates(world: World) -> World | None:
    """Brings the core schema, and mends the id function."""
    facts = world.facts
    if facts.id_function_broken:
        return replace(world, facts=replace(facts, id_function="random"))
    return None if facts.core_revisions else replace(world, facts=replace(facts, core_revisions=frozenset({"0002"})))


def emptied(world: World) -> World | None:
    return (
        replace(world, facts=replace(world.facts, core_revisions=frozenset())) if world.facts.core_revisions else None
    )


def ended(world: World, **end: Any) -> World | None:
    if world.job is None or not world.running:
        return None
    return replace(world, job=replace(world.job, completed=world.now, **end))


def succeeds(world: World) -> World | None:
    done = ended(world, succeeded=True, exit_code=0)
    if done is None or world.facts.major < 18:
        return None
    flipped = migrated()
    gated: dict[str, Any] = {"gated_revisions": flipped.gated_revisions, "id_function": "native", "id_generation": "v7"}
    return replace(done, facts=replace(world.facts, **gated))


Change = Callable[[World], World | None]
ENDS: dict[str, Change] = {
    "its Job succeeds": succeeds,
    "its Job fails": lambda world: ended(world, exit_code=6),
    "its Job finds the core schema behind": lambda world: ended(world, exit_code=8, reason=Reason.CORE_BEHIND),
}
INTERRUPTIONS: dict[str, Change] = {
    "no server answers": lambda world: replace(world, away=True),
    "a standby answers": lambda world: replace(world, facts=replace(world.facts, in_recovery=True)),
    "paused": lambda world: None if world.running else replace(world, paused=True),
}
CHANGES: dict[str, Change] = {
    "the server is upgraded": upgraded,
    "the server is older again": back_on_17,
    "a backup from before the revision is restored": restored,
    "plinth migrate": migrates,
    "the core schema is gone": emptied,
    "approved": lambda world: replace(world, approved=True) if world.manual and not world.approved else None,
    "a pause is over": lambda world: replace(world, now=world.now + timedelta(hours=2)),
    "plinth.dev/retry": lambda world: replace(world, retry=world.retry + 1),
}


def possible(world: World) -> dict[str, Change]:
    """What can happen next."""
    if world.away or world.paused or world.facts.in_recovery:
        over = replace(world, away=False, paused=False, facts=replace(world.facts, in_recovery=False))
        return {OVER: lambda _: over}
    return INTERRUPTIONS | (ENDS if world.running else CHANGES)


def arrows() -> dict[tuple[str, Reason], set[Reason]]:
    """By cause and the state it leads to: the states it comes from."""
    found: dict[tuple[str, Reason], set[Reason]] = defaultdict(set)
    left = [World(manual=manual).seen() for manual in (False, True)]
    known = {world.key for world in left}
    while left:
        world = left.pop()
        for cause, change in possible(world).items():
            after = changed.seen() if (changed := change(world)) else world
            if after.reason != world.reason:
                found[cause, after.reason].add(world.reason)
            if after.key not in known:
                known.add(after.key)
                left.append(after)
    return found


def diagram() -> Iterator[str]:
    """The arrows, as mermaid draws them."""
    labels: dict[tuple[str, str], list[str]] = defaultdict(list)
    interrupted: set[Reason] = set()
    found = arrows()
    for (cause, _), before in found.items():
        interrupted |= before if cause == OVER else set()
    for (cause, after), before in found.items():
        several, others = len(before) >= SEVERAL, set(Reason) - interrupted - before - {after}
        label = f"{cause} (not from {' or '.join(sorted(others))})" if several and others else cause
        for one in ["any"] if several else sorted(before):
            if cause != OVER:
                labels[one, after].append(label)
    yield f'{BEGIN}\n```mermaid\nstateDiagram-v2\n  state "any other" as any\n  [*] --> any'
    yield from (f"  {before} --> {after}: {', '.join(causes)}" for (before, after), causes in sorted(labels.items()))
    yield from (f"  {one} --> any: {OVER}" for one in sorted(interrupted))
    yield f"```\n{END}"


def current() -> str:
    """The page as ``decide`` wants it."""
    return re.sub(f"{BEGIN}.*?{END}", lambda _: "\n".join(diagram()), DOC.read_text(), flags=re.DOTALL)


if __name__ == "__main__":
    DOC.write_text(current())
