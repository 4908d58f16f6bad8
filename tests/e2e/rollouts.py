"""Pods replaced under load."""

import time

from tests.e2e.load import Tally, Traffic
from tests.e2e.releases import Release


def roll(release: Release, traffic: Traffic, times: int) -> Tally:
    """Replace every pod of a release, several times; what was answered meanwhile."""
    before = traffic.tally()
    for _ in range(times):
        release.roll()
    return traffic.until(time.time()).since(before)
