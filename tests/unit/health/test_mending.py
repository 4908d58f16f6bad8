"""The order in which a pool is tried, replaced and given up."""

from dataclasses import dataclass, field

import pytest
from structlog.testing import capture_logs

from app.health.mending import Mender


@dataclass
class Case:
    """A database that answers as told, and a mender of its pool at a time of our choice."""

    pool_answers: bool = False
    server_answers: bool = True
    new_pool_answers: bool = True
    gone_then: bool = False
    now: float = 0.0
    done: list[str] = field(default_factory=list)

    async def answers(self) -> bool:
        self.done.append("trial")
        return self.pool_answers

    async def replace_pool(self) -> bool:
        self.done.append("replacement")
        return self.new_pool_answers

    async def is_reachable(self) -> bool:
        self.done.append("connection")
        return self.server_answers and not (self.gone_then and "replacement" in self.done)

    def mender(self) -> Mender:
        made = Mender(
            patience=30,
            replaced=lambda: self.done.append("counted"),
            unreachable=lambda: self.done.append("excused"),
            clock=lambda: self.now,
        )
        made.database = self
        made.note(worked=False)
        return made


async def test_a_pool_that_is_not_suspect_is_left_alone() -> None:
    """One failure is no reason to do anything."""
    case = Case()
    await case.mender().tend(reachable_since=0)
    assert case.done == []


@pytest.mark.parametrize(
    ("case", "done"),
    [
        (Case(pool_answers=True), ["trial"]),
        (Case(server_answers=False), ["trial", "connection", "excused"]),
        (Case(), ["trial", "connection", "replacement", "counted"]),
        (Case(new_pool_answers=False), ["trial", "connection", "replacement", "connection"]),
        (
            Case(new_pool_answers=False, gone_then=True),
            ["trial", "connection", "replacement", "connection", "excused"],
        ),
    ],
    ids=["no traffic", "server away", "healed", "broken", "server gone meanwhile"],
)
async def test_a_suspect_pool_is_tried_before_it_is_replaced(case: Case, done: list[str]) -> None:
    """And replaced only while a connection that is opened now works."""
    mender = case.mender()
    case.now = 30
    with capture_logs():
        await mender.tend(reachable_since=0)
    assert case.done == done
    assert not mender.is_wedged


async def test_only_what_a_new_pool_did_not_mend_for_long_is_wedged() -> None:
    """Tried again at each look meanwhile; a success ends it."""
    case = Case(new_pool_answers=False)
    mender = case.mender()
    with capture_logs():
        for case.now in (30, 59, 60):
            await mender.tend(reachable_since=0)
    assert case.done.count("replacement") == 3
    assert mender.is_wedged
    mender.note(worked=True)
    assert not mender.is_wedged
