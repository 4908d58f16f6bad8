"""What is known of the pool from the requests that used it, and what follows. Nothing here does anything."""

from dataclasses import dataclass, replace


@dataclass(frozen=True)
class PoolStanding:
    """Times are seconds of a monotonic clock."""

    failing_since: float | None = None
    """The first time since the last success that a request got no working connection."""
    broken_since: float | None = None
    """The first of the trials, without a break until now, in which a pool made anew did not work either."""
    broken_until: float | None = None
    """The last of them."""

    def after(self, *, worked: bool, at: float) -> "PoolStanding":
        if worked:
            return PoolStanding() if self.failing_since is not None else self
        return self if self.failing_since is not None else replace(self, failing_since=at)

    def broken(self, at: float) -> "PoolStanding":
        return replace(self, broken_since=at if self.broken_since is None else self.broken_since, broken_until=at)

    def excused(self) -> "PoolStanding":
        """Not the pool's fault: what was thought of it before counts no more."""
        return replace(self, broken_since=None, broken_until=None)


def is_suspect(pool: PoolStanding, reachable_since: float | None, now: float, patience: float) -> bool:
    """Whether it is time to try the pool: nothing but failures for so long, while the server could be reached."""
    since = pool.failing_since
    return since is not None and reachable_since is not None and now - max(since, reachable_since) >= patience


def is_wedged(pool: PoolStanding, patience: float) -> bool:
    """Whether only a restart is left: trial after trial, for so long, no new pool helped.

    By the times of trials alone: a process that was stopped and goes on finds that time has passed, and no more.
    """
    since, until = pool.broken_since, pool.broken_until
    return since is not None and until is not None and until - since >= patience
