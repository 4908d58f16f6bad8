"""R46: the flip to native ids, and the way back, under inserts through the API: by the commands that people type."""

import asyncio
import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from uuid import UUID

import httpx2
import pytest

from app.db import ids
from tests.integration.migrator.test_alembic import alembic
from tests.processes import plinth, started
from tests.servers.databases import APP, TestDatabase


@pytest.mark.servers(18)
def test_the_flip_and_the_way_back_under_load(database: TestDatabase, tmp_path: Path):
    """Every POST is answered 201; new ids are v7 and ascend after the flip, v4 after the way back; old rows stay."""
    asyncio.run(database.fetch(ids.make_random()))
    flip = partial(plinth, "migrate", "--gated", "uuidv7", database_url=database.owner_uri, database_app_role=APP)
    back = partial(alembic, database, "-n", "gated", "downgrade", "uuidv7@base")
    with (
        started(tmp_path, database.uri) as process,
        httpx2.Client(base_url=process.url, timeout=10) as client,
        ThreadPoolExecutor() as pool,
    ):
        process.wait_for("/readyz", 200)
        old = [post(client) for _ in range(5)]
        kept = rows(database)
        made = list(old)
        for command, version in ((flip, 7), (back, 4)):
            running = pool.submit(command)
            while not running.done():
                made.append(post(client))
                time.sleep(0.005)  # a steady client, not one that takes the processor from the command
            assert running.result().returncode == 0, running.result().stderr
            assert {post(client).version for _ in range(5)} == {version}
    versions = [one.version for one in made]
    assert {*versions[: versions.index(7)]} == {4}  # not before the command, and both while it ran
    assert [one for one in made if one.version == 7] == sorted(one for one in made if one.version == 7)
    assert [row for row in rows(database) if row["id"] in old] == kept
    assert {*made} <= {row["id"] for row in rows(database)}


def post(client: httpx2.Client) -> UUID:
    """Create a project; its id."""
    answer = client.post("/api/v1/projects", json={"name": "meanwhile"})
    assert answer.status_code == 201, answer.text
    return UUID(answer.json()["id"])


def rows(database: TestDatabase) -> list[dict[str, object]]:
    return [dict(row) for row in asyncio.run(database.fetch("SELECT * FROM projects ORDER BY id"))]
