import pytest

from tests.cluster.console import ClusterError
from tests.cluster.waiting import WaitedInVain, wait_for


def test_the_first_true_answer_is_returned() -> None:
    """Waiting ends with the first true answer, and returns it."""
    answers = iter(["", "", "ready"])
    assert wait_for("readiness", lambda: next(answers), timeout=5, interval=0) == "ready"


def test_the_error_says_what_was_awaited_and_what_was_seen() -> None:
    """A wait in vain names its condition, its time and the last answer."""
    with pytest.raises(WaitedInVain, match=r"waited 0 s for a pod; seen last: \[\]"):
        wait_for("a pod", list, timeout=0)


def test_an_error_of_the_cluster_means_not_yet() -> None:
    """A command that fails is asked again, and its message is what was seen last."""

    def refused() -> bool:
        raise ClusterError("connection refused")

    with pytest.raises(WaitedInVain, match="seen last: connection refused"):
        wait_for("the API server", refused, timeout=0.01, interval=0.001)


def test_a_mistake_in_the_condition_is_not_waited_out() -> None:
    """An error that waiting cannot mend comes through at once."""
    empty: dict[str, str] = {}
    with pytest.raises(KeyError):
        wait_for("a key", lambda: empty["missing"], timeout=60)
