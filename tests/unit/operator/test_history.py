"""Decisions over histories that hypothesis makes up: what must never happen, whatever the world does."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

from hypothesis import settings, strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule, run_state_machine_as_test

from app.db.server import ServerFacts
from app.operator.decide import LONGEST_PAUSE, Decision, Snapshot, Unreachable, decide
from app.operator.jobs import MigrationJob, parse_name, target
from app.operator.reasons import READY, Reason
from app.operator.resource import Resource
from tests.unit.operator.builders import NOW, TEMPLATE, condition, migrated, resource, server, standing

SERVERS = [
    server(17),
    server(18),
    server(18, system_identifier="701"),
    server(18, in_recovery=True),
    server(18, core_revisions=frozenset()),
    server(17, gated_revisions=frozenset({"uuidv7"}), id_function="native", id_generation=None),
    migrated(),
    server(19),
]
SPECS: list[dict[str, Any]] = [
    {},
    {"paused": True},
    {"approval": "Manual"},
    {"jobTemplate": {**TEMPLATE, "image": "plinth:2"}},
]
ANNOTATIONS: list[dict[str, str]] = [
    {},
    {"plinth.dev/approve": "uuidv7"},
    {"plinth.dev/approve": "another"},
    {"plinth.dev/retry": "1"},
]
ENDS: list[dict[str, Any]] = [
    {"succeeded": True, "exit_code": 0},
    {"exit_code": 6, "message": "The migration failed."},
    {"exit_code": 8, "reason": "CoreSchemaBehind"},
    {"message": "Evicted"},
]


class History(RuleBasedStateMachine):
    """A database, its Jobs and people's wishes, and an operator that may be killed in any round."""

    def __init__(self) -> None:
        super().__init__()
        self.now, self.generation = NOW, 1
        self.server: ServerFacts | Unreachable = server(17)
        self.spec: dict[str, Any] = {}
        self.annotations: dict[str, str] = {}
        self.status: Any = {}
        self.jobs: dict[str, MigrationJob] = {}

    @rule(now=st.sampled_from(SERVERS))
    def another_server_answers(self, now: ServerFacts) -> None:
        self.server = now

    @rule(times=st.integers(1, 4))
    def no_server_answers(self, times: int) -> None:
        self.server = Unreachable("no", times)

    @rule(spec=st.sampled_from(SPECS))
    def a_person_edits(self, spec: dict[str, Any]) -> None:
        self.spec, self.generation = spec, self.generation + 1

    @rule(annotations=st.sampled_from(ANNOTATIONS))
    def a_person_annotates(self, annotations: dict[str, str]) -> None:
        self.annotations = annotations

    @rule()
    @precondition(lambda self: self.jobs)
    def jobs_are_deleted(self) -> None:
        """Their time to live has ended, or somebody deleted them, running or not."""
        self.jobs.clear()

    @rule(end=st.sampled_from(ENDS), real=st.booleans())
    @precondition(lambda self: self.running())
    def a_job_ends(self, end: dict[str, Any], real: bool) -> None:
        """Where it succeeds the server shows it, mostly."""
        job = self.running()[0]
        self.jobs[job.name] = replace(job, completed=self.now, **end)
        if real and end.get("succeeded") and isinstance(self.server, ServerFacts) and self.server.major >= 18:
            done = migrated()
            self.server = replace(self.server, gated_revisions=done.gated_revisions, id_function="native")

    @rule(
        seconds=st.sampled_from([1, 20, 90, 1000]),
        stable=st.sampled_from([True, True, True, False]),
        killed=st.sampled_from(["", "", "", "before the Job", "before the status"]),
        rounds=st.integers(1, 3),
    )
    def the_operator_goes_round(self, seconds: int, stable: bool, killed: str, rounds: int) -> None:
        for _ in range(rounds):
            self.now += timedelta(seconds=seconds)
            self.go_round(stable=stable, killed=killed)

    def go_round(self, *, stable: bool = True, killed: str = "") -> None:
        snapshot = Snapshot(self.resource(), self.server, self.now, tuple(self.jobs.values()), stable)
        decision = decide(snapshot)
        assert decide(snapshot) == decision  # two operators make one Job
        assert timedelta(0) < decision.due <= LONGEST_PAUSE
        self.check_job(snapshot, decision)
        if killed == "before the Job":
            return
        if decision.create:
            self.jobs[decision.create] = MigrationJob(decision.create, self.now)
        if killed:
            return
        self.status = decision.status
        self.check_status(snapshot, decision)

    def check_job(self, snapshot: Snapshot, decision: Decision) -> None:
        """Never below the version, in recovery, unapproved, paused, on doubt, or beside another for the same target."""
        of, facts = snapshot.resource, snapshot.server
        if decision.create is None:
            return
        assert isinstance(facts, ServerFacts)
        assert snapshot.stable
        assert facts.major >= of.minimum
        assert not facts.in_recovery
        assert not of.paused
        assert not of.manual or of.approval
        wanted = target(of, facts.system_identifier)
        assert parse_name(decision.create)[0] == wanted
        assert all(job.completed for job in snapshot.jobs if job.id[0] == wanted)
        assert decision.create not in self.jobs

    def check_status(self, snapshot: Snapshot, decision: Decision) -> None:
        """Ready, Reconciling and Stalled fit, and Events come on transitions alone."""
        if decision.events:
            assert decision.status != snapshot.resource.status
        self.check_silence(snapshot)
        if not decision.status:
            return  # nothing was seen yet
        ready, reason, reconciling, stalled = standing(decision)
        assert ready == str(Reason(str(reason)) in READY)
        assert [ready, reconciling, stalled].count("True") == 1
        assert reason != Reason.APPLIED or condition(decision, "Migrated")["status"] == "True"

    def check_silence(self, snapshot: Snapshot) -> None:
        """Where the world stands still, ends of Jobs are told one by one, one Job is made at most, and that is all."""
        jobs, again, made = dict(self.jobs), replace(snapshot, resource=self.resource()), []
        for _ in range(len(jobs) + 2):
            decision = decide(replace(again, jobs=tuple(jobs.values())))
            if decision.create:
                jobs[decision.create] = MigrationJob(decision.create, self.now)
                made.append(decision.create)
            again = replace(again, resource=again.resource.model_copy(update={"status": decision.status}))
        assert len(made) <= 1
        assert decision.events == ()

    def resource(self) -> Resource:
        made = resource(status=self.status, annotations=self.annotations, **self.spec)
        return made.model_copy(update={"generation": self.generation})

    def running(self) -> list[MigrationJob]:
        return [job for job in self.jobs.values() if job.completed is None]

    def teardown(self) -> None:
        """There is always a way forward: a good server and a new retry annotation end in Applied."""
        self.server, self.spec, self.annotations = server(18), {}, {"plinth.dev/retry": "at last"}
        for _ in range(8):
            self.now += timedelta(minutes=10)
            self.go_round()
            for job in self.running():
                self.jobs[job.name] = replace(job, completed=self.now, succeeded=True, exit_code=0)
                self.server = migrated()
        assert self.resource().condition("Ready")["reason"] == "Applied"


def test_no_history_makes_a_job_that_must_not_be() -> None:
    """Nor one that is twice; Events come on transitions, and there is always a way forward."""
    run_state_machine_as_test(  # type: ignore[no-untyped-call]
        History, settings=settings(max_examples=300, stateful_step_count=40, deadline=None)
    )
