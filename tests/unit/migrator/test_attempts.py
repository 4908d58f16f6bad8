"""Whether a revision is tried again."""

import pytest

from app.db.faults import Fault
from app.migrator.attempts import judge, pause


@pytest.mark.parametrize(
    ("fault", "attempt", "verdict"),
    [
        (Fault.LOCK_TIMEOUT, 1, "again"),
        (Fault.LOCK_TIMEOUT, 3, "locked"),
        (Fault.SERIALIZATION, 2, "again"),
        (Fault.CONNECTION_LOST, 1, "lost"),
        (Fault.STATEMENT_TIMEOUT, 1, "failed"),
        (Fault.UNIQUE, 1, "failed"),
        (None, 1, "failed"),
    ],
)
def test_locks_are_waited_for_and_nothing_else(fault: Fault | None, attempt: int, verdict: str):
    """What time may mend is tried again, a bounded number of times; a lost server and a wrong revision are not."""
    assert judge(fault, attempt, most=3) == verdict


def test_pauses_grow_have_a_bound_and_are_never_in_step():
    """Each is at least half and at most the whole of a doubling time of at most 15 seconds."""
    for attempt, most in ((1, 1), (2, 2), (4, 8), (5, 15), (50, 15)):
        found = {pause(attempt) for _ in range(50)}
        assert most / 2 <= min(found) <= max(found) <= most
        assert len(found) > 1
