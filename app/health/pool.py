"""What is known of the pool from the requests that used it, and what follows. Nothing here does anything."""

from dataclasses import dataclass, replace


@dataclass(frozen=True)
class PoolStanding:
    """Times are seconds of a monotonic clock."""

    failing_since: float | None = None
    """The first time since the last success that a request got no working connection."""
    broken_since: float | None = None
    """The first time since the last success that a pool made anew did not work either."""

    def after(self, *, worked: bool, at: float) -> "PoolStanding":
        if worked:
            return PoolStanding() if self.failing_since is not None else self
        return self if self.failing_since is not None else replace(self, failing_since=at)

    def broken(self, at: float) -> "PoolStanding":
        return self if self.broken_since is not None else replace(self, broken_since=at)


def is_suspect(pool: PoolStanding, reachable_since: float | None, now: float, patience: float) -> bool:
    """Whether it is time to try the pool: nothing but failures for so long, while the server could be reached."""
    return _lasts(pool.failing_since, reachable_since, now, patience)


def is_wedged(pool: PoolStanding, reachable_since: float | None, now: float, patience: float) -> bool:
    """Whether only a restart is left: a new pool did not help for so long, while the server could be reached."""
    return _lasts(pool.broken_since, reachable_since, now, patience)


def _lasts(since: float | None, reachable_since: float | None, now: float, patience: float) -> bool:
    return since is not None and reachable_since is not None and now - max(since, reachable_since) >= patience
