"""Tasks over HTTP, on both servers."""

import asyncio
from uuid import UUID, uuid4

import asyncpg
import httpx2
import pytest
import pytest_asyncio
from sqlalchemy import event

from app.main import create_app
from tests.api import running, serving, until
from tests.servers.databases import TestDatabase

API = "/api/v1"


@pytest_asyncio.fixture
async def project(client: httpx2.AsyncClient) -> str:
    """The path of a project."""
    return str((await client.post(f"{API}/projects", json={"name": "house"})).headers["location"])


async def test_a_task_is_created_in_its_project(client: httpx2.AsyncClient, project: str) -> None:
    """201; it is read back alone and in the project's list."""
    response = await client.post(f"{project}/tasks", json={"title": "roof"})
    assert response.status_code == 201
    task = response.json()
    assert project.endswith(task["project_id"])
    assert (await client.get(response.headers["location"])).json() == task
    assert (await client.get(f"{project}/tasks")).json() == {"items": [task], "next": None}


async def test_a_task_is_changed_and_deleted(client: httpx2.AsyncClient, project: str) -> None:
    """PATCH and DELETE under If-Match, as for projects."""
    url = (await client.post(f"{project}/tasks", json={"title": "roof"})).headers["location"]
    assert (await client.patch(url, json={"title": "door"})).status_code == 428
    changed = await client.patch(url, json={"title": "door"}, headers={"If-Match": '"1"'})
    assert (changed.json()["title"], changed.headers["etag"]) == ("door", '"2"')
    assert (await client.delete(url, headers={"If-Match": '"1"'})).status_code == 412
    assert (await client.delete(url, headers={"If-Match": '"2"'})).status_code == 204
    assert (await client.get(url)).status_code == 404


async def test_a_missing_project_is_not_found(client: httpx2.AsyncClient) -> None:
    """404 that names the project, for one task, for many and for the list."""
    url = f"{API}/projects/{uuid4()}/tasks"
    answers = [
        await client.post(url, json={"title": "roof"}),
        await client.post(f"{url}:batch", json={"tasks": [{"title": "roof"}]}),
        await client.get(url),
    ]
    assert [answer.status_code for answer in answers] == [404] * 3
    assert all("There is no project" in answer.json()["detail"] for answer in answers)


async def test_an_empty_project_has_an_empty_list(client: httpx2.AsyncClient, project: str) -> None:
    """No tasks is no error."""
    assert (await client.get(f"{project}/tasks")).json() == {"items": [], "next": None}


async def test_a_deleted_project_takes_its_tasks(client: httpx2.AsyncClient, project: str) -> None:
    """A task is nothing without its project."""
    url = (await client.post(f"{project}/tasks", json={"title": "roof"})).headers["location"]
    assert (await client.delete(project, headers={"If-Match": "*"})).status_code == 204
    assert (await client.get(url)).status_code == 404


async def test_a_project_deleted_in_the_meantime_is_not_found(
    client: httpx2.AsyncClient, project: str, database: TestDatabase
) -> None:
    """The insert waits for the deleting transaction and is then a 404, never a 500."""
    deleting = await asyncpg.connect(database.owner_uri)
    transaction = deleting.transaction()
    await transaction.start()
    await deleting.execute("DELETE FROM projects")
    creating = asyncio.create_task(client.post(f"{project}/tasks", json={"title": "roof"}))
    waiting = "SELECT count(*) FROM pg_locks WHERE NOT granted AND pid <> pg_backend_pid()"
    await until(lambda: database.fetchval(waiting))
    assert not creating.done()
    await transaction.commit()
    await deleting.close()
    assert (await creating).status_code == 404


async def test_another_tenants_project_is_missing(database: TestDatabase) -> None:
    """No task can be put into, or listed from, a project of another tenant."""
    settings = database.settings.model_copy(update={"tenant_source": "header"})
    one, two = ({"X-Tenant-Id": str(UUID(int=number))} for number in (1, 2))
    async with serving(settings) as client:
        project = (await client.post(f"{API}/projects", json={"name": "house"}, headers=one)).headers["location"]
        assert (await client.post(f"{project}/tasks", json={"title": "roof"}, headers=two)).status_code == 404
        assert (await client.get(f"{project}/tasks", headers=two)).status_code == 404
        assert (await client.post(f"{project}/tasks", json={"title": "roof"}, headers=one)).status_code == 201


@pytest.mark.parametrize("generation", ["gen_random_uuid()", None])
async def test_a_batch_is_answered_in_the_order_of_the_request(
    client: httpx2.AsyncClient, project: str, database: TestDatabase, generation: str | None
) -> None:
    """1,000 tasks: each title on the row it was stored in, under random ids and under the server's own."""
    if generation:
        await database.fetch(
            f"CREATE OR REPLACE FUNCTION plinth_id() RETURNS uuid LANGUAGE sql AS 'SELECT {generation}'"
        )
    titles = [f"task {number}" for number in range(1000)]
    response = await client.post(f"{project}/tasks:batch", json={"tasks": [{"title": title} for title in titles]})
    assert response.status_code == 201
    items = response.json()["items"]
    assert [item["title"] for item in items] == titles
    stored = {str(row["id"]): row["title"] for row in await database.fetch("SELECT id, title FROM tasks")}
    assert {item["id"]: item["title"] for item in items} == stored


async def test_a_batch_is_one_insert(database: TestDatabase) -> None:
    """One statement for all rows, their ids included, whatever the count."""
    app = create_app(database.settings)
    async with running(app) as client:
        project = (await client.post(f"{API}/projects", json={"name": "house"})).headers["location"]
        statements: list[str] = []
        engine = app.state.database.engine.sync_engine
        event.listen(engine, "before_cursor_execute", lambda *args: statements.append(args[2]))
        body = {"tasks": [{"title": str(number)} for number in range(1000)]}
        assert (await client.post(f"{project}/tasks:batch", json=body)).status_code == 201
    assert [statement.split()[0] for statement in statements] == ["WITH"]


@pytest.mark.parametrize("count", [0, 1001])
async def test_a_batch_has_bounds(client: httpx2.AsyncClient, project: str, count: int) -> None:
    """1 to 1,000 tasks."""
    response = await client.post(f"{project}/tasks:batch", json={"tasks": [{"title": "x"}] * count})
    assert (response.status_code, response.json()["errors"][0]["pointer"]) == (422, "#/tasks")


async def test_a_batch_is_stored_whole_or_not_at_all(
    client: httpx2.AsyncClient, project: str, database: TestDatabase
) -> None:
    """One wrong task refuses them all."""
    response = await client.post(f"{project}/tasks:batch", json={"tasks": [{"title": "a"}, {"title": ""}]})
    assert response.json()["errors"][0]["pointer"] == "#/tasks/1/title"
    assert await database.fetchval("SELECT count(*) FROM tasks") == 0


async def test_the_list_is_of_one_project(client: httpx2.AsyncClient, project: str) -> None:
    """Tasks of other projects do not appear, and pages go on within the project."""
    other = (await client.post(f"{API}/projects", json={"name": "other"})).headers["location"]
    for url in (project, other):
        await client.post(f"{url}/tasks:batch", json={"tasks": [{"title": url}] * 150})
    first = (await client.get(f"{project}/tasks?limit=100")).json()
    second = (await client.get(f"{project}/tasks", params={"limit": 100, "cursor": first["next"]})).json()
    titles = [item["title"] for item in first["items"] + second["items"]]
    assert (titles, second["next"]) == ([project] * 150, None)
