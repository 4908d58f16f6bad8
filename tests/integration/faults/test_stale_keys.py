"""Stale plans of requests with an Idempotency-Key: run again, they claim, do their work and answer once."""

from uuid import uuid4

import pytest

from app.db.faults import Fault
from tests.integration.faults.asking import asking
from tests.servers.databases import TestDatabase

URL = "/api/v1/projects"


@pytest.mark.parametrize(
    "change",
    ["projects ALTER COLUMN version TYPE bigint", "idempotency_keys ALTER COLUMN status TYPE integer"],
    ids=["work", "replay"],
)
async def test_run_again_with_its_key_it_is_carried_out_once(database: TestDatabase, change: str) -> None:
    """Whether the work was stale or the look at the answer that is kept."""
    early, late = ({"Idempotency-Key": str(uuid4())} for _ in range(2))
    async with asking(database.settings) as api:

        async def create(key: dict[str, str]) -> tuple[int, bytes, bool]:
            response = await api.client.post(URL, json={"name": "x"}, headers=key)
            return response.status_code, response.content, "idempotent-replayed" in response.headers

        status, content, _ = await create(early)
        assert await create(early) == (201, content, True)
        await database.fetch(f"ALTER TABLE {change}")
        answers = [await create(key) for key in (early, late, late)]
        assert [(code, replayed) for code, _, replayed in answers] == [(201, True), (201, False), (201, True)]
        assert (status, answers[0][1], answers[2][1]) == (201, content, answers[1][1])
        assert api.faults(Fault.STALE_PLAN) == 1
    assert await database.fetchval("SELECT count(*) FROM projects") == 2
