"""A database that flaps for a day of a simulated clock, and the Events the operator posts of it."""

import random
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from datetime import timedelta
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch

from app.db.server import ServerFacts
from app.operator import act
from app.operator.decide import Snapshot, Unreachable, decide
from app.operator.resource import parse
from tests.unit.operator.api import FakeApi
from tests.unit.operator.builders import NOW, body, migrated, server

HOURS = 24
SHORTEST, LONGEST = 10, 600
"""Seconds until the database is another one."""
PATH = "/apis/plinth.dev/v1alpha1/namespaces/shop/gatedmigrations/shop-uuidv7"
FLAPS: dict[str, Sequence[ServerFacts | None]] = {
    "there and not": (server(17), None),
    "17 and 18 behind one Service": (server(17), migrated(system_identifier="701")),
    "17, 18 and neither": (server(17), migrated(system_identifier="701"), None),
}


async def most_in_an_hour(states: Sequence[ServerFacts | None]) -> int:
    """Of the hours of a day in which one state follows another at random times, the one with most Events."""
    posted: Counter[str] = Counter()
    async for _, _, events in hours(states):
        posted.update(event["firstTimestamp"][:13] for event in events)
    return max(posted.values())


async def hours(states: Sequence[ServerFacts | None]) -> AsyncIterator[tuple[int, int, list[dict[str, Any]]]]:
    """After each hour of that day: which, the rounds and the Events there were, which the API server forgets then."""
    api, chance = FakeApi(), random.Random(1)  # noqa: S311
    resource = parse(api.put(PATH, body()))
    clock, until, failures, state = 0.0, 0.0, 0, states[0]
    with patch.object(act, "time", SimpleNamespace(monotonic=lambda: clock)):
        actor = act.Actor(api.client())
        for hour in range(HOURS):
            rounds = 0
            while clock < (hour + 1) * 3600:
                while until <= clock:
                    state, until = chance.choice(states), until + chance.uniform(SHORTEST, LONGEST)
                failures = 0 if state else failures + 1
                now = NOW + timedelta(seconds=clock)
                snapshot = Snapshot(resource, state or Unreachable("It is away.", failures), now)
                resource, due = await actor.act(snapshot, decide(snapshot))
                clock, rounds = clock + due.total_seconds(), rounds + 1
            yield hour, rounds, api.forget("events")
