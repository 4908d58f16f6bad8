"""Every pair of adjacent releases, this tree being the last: an upgrade under the earlier one, and its data after it.

The earlier code runs as processes of its own, with the libraries of this tree.
"""

import asyncio
import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any

import httpx2
import pytest

from tests.processes import Process, plinth, started
from tests.released import RELEASES, CommitMissing, Released
from tests.servers.catalog import schema
from tests.servers.databases import APP, TestDatabase

CODE = ("app", "migrations", "alembic.ini")
PAIRS = list(pairwise([*RELEASES, None]))
IDS = [f"{earlier.version}-{later.version if later else 'this'}" for earlier, later in PAIRS if earlier]
PROJECTS = "/api/v1/projects"


@dataclass(frozen=True)
class Code:
    """A release's, or this tree's (no folder), on one database."""

    folder: Path | None
    database: TestDatabase
    logs: Path

    def migrate(self, *arguments: str) -> dict[str, Any]:
        """Run it to its end; the last line."""
        settings = {"database_url": self.database.owner_uri, "database_app_role": APP}
        done = plinth("migrate", *arguments, code=self.folder, **settings)
        assert done.returncode == 0, done.stdout + done.stderr
        line: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
        return line

    def serve(self) -> AbstractContextManager[Process]:
        return started(self.logs, self.database.uri, code=self.folder, log_format="json", drain_seconds=0)

    def schema(self) -> list[str]:
        return asyncio.run(schema(self.database.superuser_uri))


@pytest.fixture(params=PAIRS, ids=IDS)
def pair(request: pytest.FixtureRequest, tmp_path: Path, empty_database: TestDatabase) -> tuple[Code, Code]:
    """The earlier and the later of two releases, on a database the earlier one has migrated."""
    folders = [one and one.unpack(tmp_path / one.version, *CODE) for one in request.param]
    earlier, later = (Code(folder, empty_database, tmp_path) for folder in folders)
    assert earlier.migrate()["outcome"] == "applied"
    return earlier, later


def test_it_serves_through_the_upgrade(pair: tuple[Code, Code]) -> None:
    """No request fails while the later release migrates, and the whole API works after it."""
    earlier, later = pair
    with earlier.serve() as process, ThreadPoolExecutor() as pool:
        process.wait_for("/readyz", 200)
        migrating = pool.submit(later.migrate)
        answers = list(_while(lambda: not migrating.done(), partial(_create, process.url)))
        assert migrating.result()["outcome"] in {"applied", "nothing"}
        assert (set(answers), len(answers) > 10) == ({201}, True)
        use(process.url)
        assert '"error"' not in process.logged


def test_it_is_rolled_back_to(pair: tuple[Code, Code]) -> None:
    """Its migrator exits 0 with "ahead" and touches nothing; it is ready, says so, and the whole API works."""
    earlier, later = pair
    expected = {"applied": "ahead", "nothing": "nothing"}[later.migrate()["outcome"]]
    before = later.schema()
    assert earlier.migrate()["outcome"] == expected
    assert later.schema() == before
    with earlier.serve() as process:
        process.wait_for("/readyz", 200)
        assert (expected == "ahead") == ("ahead" in httpx2.get(f"{process.url}/readyz?verbose").text)
        use(process.url)
        assert '"error"' not in process.logged


def test_its_data_is_served(pair: tuple[Code, Code], database: TestDatabase) -> None:
    """What the earlier release wrote is there, can be changed, and lies in the schema of a new installation."""
    earlier, later = pair
    with earlier.serve() as process:
        process.wait_for("/readyz", 200)
        kept = use(process.url)
    later.migrate()
    if later.folder is None:
        assert later.schema() == asyncio.run(schema(database.superuser_uri))
    with later.serve() as process:
        process.wait_for("/readyz", 200)
        path, etag = kept.headers["location"], kept.headers["etag"]
        found = httpx2.get(process.url + path)
        assert (found.json(), found.headers["etag"]) == (kept.json(), etag)
        changed = httpx2.patch(process.url + path, json={"name": "changed"}, headers={"If-Match": etag})
        assert changed.status_code == 200
        use(process.url)


def test_a_clone_without_its_commit_is_told_what_to_fetch(tmp_path: Path) -> None:
    """A shallow clone lacks the commit: the sentence says how to get it."""
    (tmp_path / "plinth-9.9.9.commit").write_text(f"{'9' * 40}\n")
    with pytest.raises(CommitMissing, match=r"release 9\.9\.9 is not in this clone.*git fetch --unshallow"):
        Released(tmp_path / "plinth-9.9.9.tgz").unpack(tmp_path, *CODE)


def use(url: str) -> httpx2.Response:
    """Every operation once, each answered as it should be; a project that is left, as it was created."""
    with httpx2.Client(base_url=url, timeout=10) as client:
        kept, project = (_expect(client.post(PROJECTS, json={"name": name}), 201) for name in ("kept", "changed"))
        tasks = f"{project.headers['location']}/tasks"
        titles = [f"task {number}" for number in range(5)]
        batch = _expect(client.post(f"{tasks}:batch", json={"tasks": [{"title": title} for title in titles]}), 201)
        assert [task["title"] for task in batch.json()["items"]] == titles
        task = _expect(client.post(tasks, json={"title": "alone"}), 201)
        _change_and_remove(client, task, {"title": "other"})
        listed = _expect(client.get(tasks, params={"limit": 3}), 200).json()
        rest = _expect(client.get(tasks, params={"limit": 3, "cursor": listed["next"]}), 200).json()
        ids = [one["id"] for one in (*listed["items"], *rest["items"])]
        assert ids == sorted(one["id"] for one in batch.json()["items"])
        for one in batch.json()["items"]:
            _expect(client.delete(f"/api/v1/tasks/{one['id']}", headers={"If-Match": '"1"'}), 204)
        _change_and_remove(client, project, {"name": "other"})
        assert _expect(client.get(PROJECTS), 200).json()["items"]
    return kept


def _change_and_remove(client: httpx2.Client, made: httpx2.Response, change: dict[str, str]) -> None:
    path = made.headers["location"]
    _expect(client.patch(path, json=change, headers={"If-Match": '"0"'}), 412)
    changed = _expect(client.patch(path, json=change, headers={"If-Match": made.headers["etag"]}), 200)
    assert change.items() <= _expect(client.get(path), 200).json().items()
    _expect(client.delete(path, headers={"If-Match": changed.headers["etag"]}), 204)
    _expect(client.get(path), 404)


def _expect(answer: httpx2.Response, status: int) -> httpx2.Response:
    assert answer.status_code == status, (answer.request.method, answer.request.url, answer.text)
    return answer


def _create(url: str) -> int:
    return httpx2.post(url + PROJECTS, json={"name": "meanwhile"}, timeout=10).status_code


def _while(condition: Callable[[], bool], work: Callable[[], int]) -> Any:
    while condition():
        yield work()
