"""Projects over HTTP, on both servers; what holds for them holds for every slice made like them."""

import asyncio
from typing import Any
from uuid import UUID, uuid4

import httpx2
import pytest

from app.main import create_app
from tests.api import running, serving
from tests.servers.databases import TestDatabase

URL = "/api/v1/projects"
TENANTS = [{"X-Tenant-Id": str(UUID(int=number)), "X-User-Id": f"user-{number}"} for number in (1, 2)]


async def made(client: httpx2.AsyncClient, name: str = "house", **headers: Any) -> httpx2.Response:
    response = await client.post(URL, json={"name": name}, **headers)
    assert response.status_code == 201, response.text
    return response


async def all_pages(client: httpx2.AsyncClient, url: str = URL, limit: int = 7) -> list[UUID]:
    ids, cursor = [], None
    while True:
        params = {"limit": limit} | ({"cursor": cursor} if cursor else {})
        page = (await client.get(url, params=params)).json()
        ids += [UUID(item["id"]) for item in page["items"]]
        if (cursor := page["next"]) is None:
            return ids


async def test_a_project_is_created_and_read_back(client: httpx2.AsyncClient) -> None:
    """201 with Location and ETag; what Location names is what was answered, with its name trimmed."""
    response = await made(client, "  house ")
    again = await client.get(response.headers["location"])
    assert response.json() == again.json()
    assert again.json()["name"] == "house"
    assert response.headers["etag"] == again.headers["etag"] == '"1"'


@pytest.mark.parametrize(
    "body",
    [{}, {"name": ""}, {"name": "  "}, {"name": None}, {"name": "x" * 201}, {"name": "a\0"}, {"name": "a", "nmae": 1}],
)
async def test_a_wrong_body_is_refused(client: httpx2.AsyncClient, body: dict[str, Any]) -> None:
    """422 with a pointer, and nothing is stored."""
    response = await client.post(URL, json=body)
    assert response.status_code == 422
    assert response.json()["errors"][0]["pointer"].startswith("#/n")
    assert await all_pages(client) == []


async def test_an_unknown_or_malformed_id_is_a_problem(client: httpx2.AsyncClient) -> None:
    """404 where there is no such project, 422 where it cannot be one."""
    assert (await client.get(f"{URL}/{uuid4()}")).status_code == 404
    assert (await client.get(f"{URL}/house")).status_code == 422


async def test_a_change_needs_the_etag_and_gives_the_next(client: httpx2.AsyncClient) -> None:
    """428 without If-Match, 412 with an old one, 200 and the new version with the right one."""
    url = (await made(client)).headers["location"]
    assert (await client.patch(url, json={"name": "a"})).status_code == 428
    assert (await client.patch(url, json={"name": "a"}, headers={"If-Match": '"2"'})).status_code == 412
    changed = await client.patch(url, json={"name": "b"}, headers={"If-Match": '"1"'})
    assert (changed.status_code, changed.headers["etag"], changed.json()["name"]) == (200, '"2"', "b")
    assert changed.json()["updated_at"] > changed.json()["created_at"]


async def test_of_changes_at_once_one_wins(client: httpx2.AsyncClient) -> None:
    """Ten clients with the same ETag: one change, nine 412, none lost."""
    url = (await made(client)).headers["location"]
    answers = await asyncio.gather(
        *(client.patch(url, json={"name": f"n{n}"}, headers={"If-Match": '"1"'}) for n in range(10))
    )
    assert sorted(answer.status_code for answer in answers) == [200] + [412] * 9
    assert (await client.get(url)).json()["version"] == 2


async def test_a_delete_needs_the_etag_too(client: httpx2.AsyncClient) -> None:
    """428, 412, 204, and then there is nothing left to delete."""
    url = (await made(client)).headers["location"]
    assert (await client.delete(url)).status_code == 428
    assert (await client.delete(url, headers={"If-Match": '"9"'})).status_code == 412
    assert (await client.delete(url, headers={"If-Match": '"1"'})).status_code == 204
    assert (await client.delete(url, headers={"If-Match": '"1"'})).status_code == 404
    assert (await client.patch(url, json={"name": "a"}, headers={"If-Match": "*"})).status_code == 404


@pytest.mark.parametrize("count", [0, 1, 6, 7, 8, 14])
async def test_pages_end_where_the_rows_do(client: httpx2.AsyncClient, count: int) -> None:
    """Every row once, and no empty page at the end."""
    await asyncio.gather(*(made(client) for _ in range(count)))
    page = (await client.get(URL, params={"limit": 7})).json()
    assert (page["next"] is None) == (count <= 7)
    assert len(await all_pages(client)) == len(set(await all_pages(client))) == count


@pytest.mark.parametrize("query", ["limit=0", "limit=101", "limit=x"])
async def test_a_limit_out_of_bounds_is_refused(client: httpx2.AsyncClient, query: str) -> None:
    """1 to 100."""
    assert (await client.get(f"{URL}?{query}")).status_code == 422


async def test_a_malformed_cursor_is_told_in_one_sentence(client: httpx2.AsyncClient) -> None:
    """400 that says what to do."""
    response = await client.get(f"{URL}?cursor=%00abc")
    assert (response.status_code, response.json()["type"]) == (400, "/problems/malformed-cursor")


async def test_pages_are_right_over_a_mixture_of_ids_while_rows_come(
    database: TestDatabase, client: httpx2.AsyncClient
) -> None:
    """v4 and v7 ids mixed, inserts between and during the pages: no row that was there is missed or shown twice."""
    mixture = """INSERT INTO projects (id, name)
        SELECT CASE WHEN n % 2 = 0 THEN gen_random_uuid()
          ELSE overlay(overlay(gen_random_uuid()::text placing '01a2' from 1) placing '7' from 15)::uuid END, 'old'
        FROM generate_series(1, 200) n RETURNING id"""
    before = {row["id"] for row in await database.fetch(mixture)}
    assert {id_.version for id_ in before} == {4, 7}

    async def insert() -> None:
        for _ in range(60):
            await made(client, "new")

    inserting = asyncio.create_task(insert())
    seen = await all_pages(client)
    await inserting
    assert len(seen) == len(set(seen))
    assert before <= set(seen)
    assert seen == sorted(seen, key=lambda id_: id_.bytes)


async def test_a_tenant_sees_its_own_alone(database: TestDatabase) -> None:
    """Reading, listing, changing and deleting another tenant's project is as if it were not there."""
    settings = database.settings.model_copy(update={"tenant_source": "header"})
    async with serving(settings) as client:
        mine = await made(client, headers=TENANTS[0])
        url, match = mine.headers["location"], {"If-Match": "*"}
        for tenant, found in ((TENANTS[1], 404), (TENANTS[0], 200)):
            assert len((await client.get(URL, headers=tenant)).json()["items"]) == (found == 200)
            assert (await client.get(url, headers=tenant)).status_code == found
            assert (await client.patch(url, json={"name": "x"}, headers=tenant | match)).status_code == found
        assert (await client.delete(url, headers=TENANTS[1] | match)).status_code == 404
        assert (await client.delete(url, headers=TENANTS[0] | match)).status_code == 204
        assert mine.json()["created_by"] == "user-1"


@pytest.mark.parametrize("headers", [{}, {"X-Tenant-Id": "me"}])
async def test_a_tenant_is_asked_for_where_a_header_is_its_source(
    database: TestDatabase, headers: dict[str, str]
) -> None:
    """No tenant, or one that is no UUID: 400, and no rows of anybody."""
    settings = database.settings.model_copy(update={"tenant_source": "header"})
    async with serving(settings) as client:
        response = await client.get(URL, headers=headers)
    assert (response.status_code, response.json()["type"]) == (400, "/problems/malformed-tenant")


async def test_a_commit_that_fails_is_no_201(database: TestDatabase, client: httpx2.AsyncClient) -> None:
    """A constraint checked at the commit fails the request: the answer waits for the commit."""
    await database.fetch("ALTER TABLE projects ADD COLUMN slug text DEFAULT 'same'")
    await database.fetch("ALTER TABLE projects ADD UNIQUE (slug) DEFERRABLE INITIALLY DEFERRED")
    await made(client, "first")
    response = await client.post(URL, json={"name": "second"})
    assert (response.status_code, response.json()["type"]) == (409, "/problems/conflict")
    assert [row["name"] for row in await database.fetch("SELECT name FROM projects")] == ["first"]


async def test_what_was_answered_is_committed(database: TestDatabase) -> None:
    """When the first byte of a 201 is sent, another connection already sees the row."""
    counts = []
    app = create_app(database.settings)

    async def spy(scope: Any, receive: Any, send: Any) -> None:
        async def look(message: Any) -> None:
            if message["type"] == "http.response.start" and scope["method"] == "POST":
                counts.append(await database.fetchval("SELECT count(*) FROM projects"))
            await send(message)

        await app(scope, receive, look)

    async with running(app):
        transport = httpx2.ASGITransport(app=spy)
        async with httpx2.AsyncClient(transport=transport, base_url="http://api") as client:
            await made(client)
    assert counts == [1]
