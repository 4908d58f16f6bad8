"""The diagram of the states."""

from app.operator.reasons import Reason
from tests.operator_states import DOC, arrows, current


def test_the_page_shows_what_decide_does() -> None:
    """Every transition, found by running it (`python -m tests.operator_states`)."""
    assert DOC.read_text() == current()


def test_every_state_can_be_entered_and_left() -> None:
    """None is missing in what is tried, and none is an end."""
    found = arrows()
    assert {after for _, after in found} == set.union(*found.values()) == set(Reason)
