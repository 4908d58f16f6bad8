"""What the operator keeps: nothing of what is over."""

import gc
import sys

from tests.figures import flapping

FLAPPING = flapping.FLAPS["17, 18 and neither"]


async def test_a_day_of_flapping_leaves_nothing_in_memory() -> None:
    """Thousands of rounds leave fewer pieces of memory than there were rounds; a day before it fills the caches."""
    await flapping.most_in_an_hour(FLAPPING)
    kept, rounds = [], 0
    async for hour, made, _ in flapping.hours(FLAPPING):
        rounds += made
        if hour in (1, flapping.HOURS - 1):
            gc.collect()
            kept.append((sys.getallocatedblocks(), rounds))
    (before, first), (after, last) = kept
    assert last - first > 1000

    assert after - before < (last - first) / 4
