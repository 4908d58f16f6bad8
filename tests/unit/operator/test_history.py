"""Decisions over long made-up histories: what must never happen, whatever the world does."""

import random
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from app.db.server import ServerFacts
from app.operator.decide import Decision, Snapshot, Unreachable, decide
from app.operator.jobs import MigrationJob, target
from app.operator.resource import Resource
from tests.unit.operator.builders import NOW, migrated, resource, server

ANNOTATIONS: list[dict[str, str]] = [{}, {"plinth.dev/approve": "uuidv7"}, {"plinth.dev/retry": "1"}]


class World:
    """A database, its Jobs and people's wishes, changing at random from a seed."""

    def __init__(self, seed: int) -> None:
        self.chance = random.Random(seed)  # noqa: S311 - the same history each time
        self.now = NOW
        self.server: ServerFacts | Unreachable = server(17)
        self.spec: dict[str, Any] = {}
        self.annotations: dict[str, str] = {}
        self.status: Any = {}
        self.jobs: dict[str, MigrationJob] = {}

    def resource(self) -> Resource:
        return resource(status=self.status, annotations=self.annotations, **self.spec)

    def change(self) -> None:
        """Let time pass, and perhaps something happen."""
        self.now += timedelta(seconds=self.chance.choice([1, 20, 90, 1000]))
        match self.chance.randrange(12):
            case 0:
                unknown = {"system_identifier": self.chance.choice(["700", "701"])}
                self.server = self.chance.choice([server(17), server(18, **unknown), migrated(), server(19)])
            case 1:
                self.server = Unreachable("no", self.chance.randint(1, 4))
            case 2:
                self.server = server(18, in_recovery=True)
            case 3:
                self.spec = self.chance.choice([{}, {"paused": True}, {"approval": "Manual"}])
            case 4:
                self.annotations = self.chance.choice(ANNOTATIONS)
            case 5:
                self.jobs.clear()  # their time to live has ended, or somebody deleted them
            case _:
                self._end_a_job()

    def _end_a_job(self) -> None:
        for job in self.jobs.values():
            if job.completed is None and self.chance.random() < 0.5:
                good = self.chance.random() < 0.4
                self.jobs[job.name] = replace(job, completed=self.now, succeeded=good, exit_code=0 if good else 6)
                if good and isinstance(self.server, ServerFacts) and self.server.major >= 18:
                    self.server = migrated(version_num=self.server.version_num, version=self.server.version)

    def step(self) -> tuple[Snapshot, Decision]:
        """One round; sometimes the operator is killed before it writes the status."""
        snapshot = Snapshot(self.resource(), self.server, self.now, tuple(self.jobs.values()))
        decision = decide(snapshot)
        if decision.create:
            self.jobs.setdefault(str(decision.create), MigrationJob(str(decision.create), self.now))
        if self.chance.random() < 0.9:
            self.status = decision.status
        return snapshot, decision


def check(snapshot: Snapshot, decision: Decision) -> None:
    """The promises of one decision."""
    of, facts = snapshot.resource, snapshot.server
    assert decide(snapshot) == decision
    assert decision.due > timedelta(0)
    assert not decision.events or decision.status != of.status
    if decision.create is None:
        return
    assert isinstance(facts, ServerFacts)
    assert facts.major >= of.minimum
    assert not facts.in_recovery
    assert not of.paused
    assert not of.manual or of.approval
    assert all(job.completed for job in snapshot.jobs if job.id[0] == target(of, facts.system_identifier))
    assert str(decision.create) not in {job.name for job in snapshot.jobs}


@pytest.mark.parametrize("seed", range(40))
def test_no_history_makes_a_job_that_must_not_be(seed: int) -> None:
    """Never below the version, in recovery, unapproved, paused or twice; Events on transitions; always a next look."""
    world = World(seed)
    for _ in range(300):
        world.change()
        check(*world.step())


@pytest.mark.parametrize("seed", range(20))
def test_there_is_always_a_way_forward(seed: int) -> None:
    """After any history, a good server and a new retry annotation end in Applied."""
    world = World(seed)
    for _ in range(100):
        world.change()
        world.step()
    world.server, world.spec, world.annotations = server(18), {}, {"plinth.dev/retry": "at last"}
    for _ in range(8):
        world.now += timedelta(minutes=10)
        world.step()
        for job in world.jobs.values():
            world.jobs[job.name] = replace(job, completed=world.now, succeeded=True, exit_code=0)
            world.server = migrated()
    assert world.resource().condition("Ready")["reason"] == "Applied"
