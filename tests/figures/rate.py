"""Load of a stated rate, for figures of requests that failed under it."""

from tests.e2e.load import Tally, Traffic
from tests.figures.figure import Figure

RATE = 100
"""Requests a second that must be answered."""
_PLANNED = 120
"""Requests a second that are planned, half of them on connections that are kept, half on one for each request.
More than must be answered: a slow answer puts its worker's next request off."""


def begin(traffic: Traffic) -> None:
    """Begin to ask, and wait for good answers."""
    traffic.start(kept=_PLANNED // 2, closed=_PLANNED // 2)


def below(during: str, tally: Tally, began: float) -> Figure:
    """Fewer requests prove less: a machine that is too slow, or busy, is told so."""
    missing = max(0, RATE - tally.good.total() / (tally.last - began))
    return Figure(f"requests/s below {RATE} in {during}", missing, "/s", 0)
