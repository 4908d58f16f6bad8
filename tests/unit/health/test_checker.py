"""The loop behind the probes."""

import asyncio

from app.db.revision import SchemaState
from app.health.checker import Checker
from app.health.verdicts import Observation, Seen

GOOD = Seen(SchemaState.CURRENT)


async def test_it_looks_again_after_each_interval() -> None:
    """Looks come one after another, never two at a time."""
    running, most, enough = 0, 0, asyncio.Event()
    looks = 0

    async def look() -> Observation:
        nonlocal running, most, looks
        running += 1
        most = max(most, running)
        await asyncio.sleep(0)
        running -= 1
        looks += 1
        if looks == 3:
            enough.set()
        return GOOD

    checker = Checker(look, interval=0.001, deadline=1)
    checker.start()
    await asyncio.wait_for(enough.wait(), 5)
    await checker.stop()
    assert most == 1
    assert checker.standing.seen == GOOD


async def test_a_checker_that_ended_is_not_alive() -> None:
    """A look that raises ends the task, and that shows."""

    async def look() -> Observation:
        raise asyncio.CancelledError

    checker = Checker(look, interval=1, deadline=1)
    checker.start()
    assert checker.alive
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert not checker.alive


async def test_a_look_that_hangs_shows_in_the_beat() -> None:
    """The last sign of life grows old while a look does not return."""
    now = 100.0

    async def look() -> Observation:
        await asyncio.Event().wait()
        return GOOD

    checker = Checker(look, interval=1, deadline=1, clock=lambda: now)
    checker.start()
    now += 60
    assert checker.seconds_since_beat == 60
    assert checker.patience < 60
    await checker.stop()


async def test_without_a_look_it_still_beats() -> None:
    """In process mode nothing is observed, but the loop proves itself."""
    told = asyncio.Event()

    async def tell(_: Observation | None) -> None:
        told.set()

    checker = Checker(None, interval=1, deadline=1, told=tell)
    checker.start()
    await asyncio.wait_for(told.wait(), 5)
    assert checker.standing.at is None
    await checker.stop()


async def test_a_process_that_was_stopped_is_alive_as_soon_as_it_goes_on() -> None:
    """Its next look, which may take its whole deadline, is not waited for."""
    now, looks, looking = 0.0, 0, asyncio.Event()

    async def look() -> Observation:
        nonlocal looks
        looks += 1
        if looks == 2:
            looking.set()
            await asyncio.Event().wait()
        return GOOD

    async def stopped_meanwhile(_: Observation | None) -> None:
        nonlocal now
        now += 3600

    checker = Checker(look, interval=0, deadline=1, told=stopped_meanwhile, clock=lambda: now)
    checker.start()
    await asyncio.wait_for(looking.wait(), 5)
    assert checker.seconds_since_beat == 0
    await checker.stop()


async def test_a_look_that_takes_all_its_time_is_a_sign_of_life() -> None:
    """What may pass between two beats, and a moment more, is not stale."""
    assert Checker(None, interval=60, deadline=30).patience > 90
