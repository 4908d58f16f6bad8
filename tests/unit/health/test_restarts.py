"""Whatever happens to a process and its database: when a restart is asked for."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import takewhile

from hypothesis import example, given, strategies as st
from structlog.testing import capture_logs

from app.db.revision import SchemaState
from app.health.mending import Mender
from app.health.verdicts import Missed, Seen, Standing

PATIENCE = 30.0


@dataclass(frozen=True)
class Step:
    """Time that passes, requests that come, and a look with what the trials after it would find."""

    seconds: float
    worked: tuple[bool, ...]
    seen: bool
    pool: bool
    anew: bool
    new_pool: bool
    anew_after: bool

    @property
    def is_the_pools_fault(self) -> bool:
        return self.seen and self.anew and self.anew_after and not self.pool and not self.new_pool


@dataclass
class History:
    """A mender in a world that is made of steps."""

    now: float = 0.0
    standing: Standing = field(default_factory=Standing)
    asked: int = 0

    def __post_init__(self) -> None:
        self.mender = Mender(patience=PATIENCE, replaced=lambda: None, clock=lambda: self.now)
        self.mender.database = self

    async def answers(self) -> bool:
        self.asked = 0
        return self.step.pool

    async def is_reachable(self) -> bool:
        self.asked += 1
        return self.step.anew if self.asked == 1 else self.step.anew_after

    async def replace_pool(self) -> bool:
        return self.step.new_pool

    async def look(self, step: Step) -> None:
        self.step = step
        for worked in step.worked:
            self.mender.note(worked)
        self.standing = self.standing.after(Seen(SchemaState.CURRENT) if step.seen else Missed(None), self.now)
        await self.mender.tend(self.standing.reachable_since)


def mostly(common: bool) -> st.SearchStrategy[bool]:
    return st.sampled_from([common] * 7 + [not common])


STEPS = st.builds(
    Step,
    seconds=st.sampled_from([2.0, 10.0, 40.0, 3600.0]),  # an hour: a process that was stopped
    worked=st.sampled_from([(), (False,), (False, False), (True,), (True, False)]),
    seen=mostly(True),
    pool=mostly(False),
    anew=mostly(True),
    new_pool=mostly(False),
    anew_after=mostly(True),
)
BROKEN = Step(10.0, (False,), seen=True, pool=False, anew=True, new_pool=False, anew_after=True)


def would_help(past: Sequence[Step]) -> bool:
    """Requests failed, and for so long each trial of a new pool failed too, between two connections that worked."""
    trials = list(takewhile(lambda step: step.is_the_pools_fault and True not in step.worked, reversed(past)))
    return any(False in step.worked for step in past) and sum(step.seconds for step in trials[:-1]) >= PATIENCE


@given(st.lists(STEPS, max_size=30))
@example([BROKEN] * 7)
async def test_a_restart_is_asked_for_only_where_it_would_help(steps: list[Step]) -> None:
    """At no time else: neither after a look, nor while time passes until the next one."""
    history = History()
    with capture_logs():
        for number, step in enumerate(steps):
            history.now += step.seconds
            assert not history.mender.is_wedged or would_help(steps[:number])
            await history.look(step)
            assert not history.mender.is_wedged or would_help(steps[: number + 1])
    assert history.mender.is_wedged or steps != [BROKEN] * 7
