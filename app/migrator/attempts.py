"""Whether a revision that failed is tried again, and when. No I/O."""

import random
from typing import Literal

from app.db.faults import Fault

_BACKOFF_SECONDS = 1.0
_LONGEST_BACKOFF_SECONDS = 15.0

Verdict = Literal["again", "locked", "lost", "failed"]

_LOCKED = frozenset({Fault.LOCK_TIMEOUT, Fault.SERIALIZATION})  # a deadlock is a lock that was not to be had, too
_LOST = frozenset(
    {Fault.CONNECTION_LOST, Fault.STARTING_OR_STOPPING, Fault.UNREACHABLE, Fault.DNS, Fault.TIMEOUT, Fault.TLS}
)


def judge(fault: Fault | None, attempt: int, most: int) -> Verdict:
    """What becomes of a revision after its attempt number ``attempt`` (from 1) ended in ``fault``."""
    if fault in _LOCKED:
        return "again" if attempt < most else "locked"
    return "lost" if fault in _LOST else "failed"


def pause(attempt: int) -> float:
    """Seconds until the next attempt: doubling, bounded, and never in step with another's."""
    longest = min(_BACKOFF_SECONDS * 2.0 ** (attempt - 1), _LONGEST_BACKOFF_SECONDS)
    return longest * random.uniform(0.5, 1)  # noqa: S311 - no secret
