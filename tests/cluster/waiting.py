"""Waiting for a condition, never for a time."""

import time
from collections.abc import Callable
from typing import TypeVar

from tests.cluster.console import ClusterError

T = TypeVar("T")


class WaitedInVain(ClusterError):
    """A condition did not come true in time; the message ends with what was seen last."""


def wait_for(description: str, predicate: Callable[[], T | None], timeout: float, interval: float = 0.2) -> T:
    """Ask until the answer is true and return it; a ``ClusterError`` counts as "not yet"."""
    deadline = time.monotonic() + timeout
    while True:
        try:
            seen: object = (answer := predicate())
            if answer:
                return answer
        except ClusterError as error:
            seen = error
        if time.monotonic() >= deadline:
            raise WaitedInVain(f"waited {timeout:g} s for {description}; seen last: {seen!s:.2000}")
        time.sleep(interval)
