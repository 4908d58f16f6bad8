"""What is known of the pool, and what follows."""

import pytest

from app.health.pool import PoolStanding, is_suspect, is_wedged


def standing(*worked: bool) -> PoolStanding:
    known = PoolStanding()
    for at, each in enumerate(worked):
        known = known.after(worked=each, at=float(at))
    return known


@pytest.mark.parametrize(
    ("worked", "since"),
    [((), None), ((True,), None), ((False,), 0), ((False, False), 0), ((False, True), None), ((True, False, False), 1)],
)
def test_one_success_is_enough(worked: tuple[bool, ...], since: float | None) -> None:
    """Failures count from the first one after the last success."""
    assert standing(*worked).failing_since == since


@pytest.mark.parametrize(
    ("failing_since", "reachable_since", "now", "suspect"),
    [
        (None, 0, 99, False),
        (0, None, 99, False),  # the server is away: nobody's pool works
        (0, 0, 29, False),
        (0, 0, 30, True),
        (0, 20, 49, False),  # it came back at 20
        (0, 20, 50, True),
        (20, 0, 49, False),
    ],
)
def test_a_pool_is_suspect_while_the_server_can_be_reached(
    failing_since: float | None, reachable_since: float | None, now: float, suspect: bool
) -> None:
    """Both must have lasted: the failures, and the server's being there."""
    assert is_suspect(PoolStanding(failing_since), reachable_since, now, 30) is suspect


def test_a_pool_is_wedged_when_a_new_one_did_not_help_for_long() -> None:
    """Not at the first time, not after a trial that had another reason, and not once anything worked."""
    broken = standing(False).broken(40.0).broken(69.0)
    assert not is_wedged(standing(False), 30)
    assert not is_wedged(broken, 30)
    assert is_wedged(broken.broken(70.0), 30)
    assert not is_wedged(broken.excused().broken(70.0), 30)
    assert not is_wedged(broken.broken(70.0).after(worked=True, at=71), 30)
