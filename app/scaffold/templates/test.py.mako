<%
    of_one = "await body_of(database, ONE.tenant_id)" if s.references else "BODY"
    plain = [field for field in fields if not field.target]
%>\
"""${names.words.capitalize()} over HTTP, on both servers."""

from typing import Any
from uuid import UUID, uuid4

import httpx2
import pytest
import pytest_asyncio

from app.db.context import NO_TENANT
from tests.api import serving
from tests.rows import a_row
from tests.servers.databases import TestDatabase
from tests.tenants import HEADERS, ONE, TWO

URL = "/api/v1/${names.path}"
BODY: dict[str, Any] = {
% for field in plain:
    "${field.name}": ${field.sample},
% endfor
}
OTHER: dict[str, Any] = {
% for field in plain:
    "${field.name}": ${field.other},
% endfor
}
WRONG: list[dict[str, Any]] = [
    {"unknown": 1},
% for field in fields:
    {"${field.name}": ${field.wrong}},
% if not field.nullable:
    {"${field.name}": None},
% endif
% endfor
]


% if s.references:
async def body_of(database: TestDatabase, tenant: UUID = NO_TENANT) -> dict[str, Any]:
    """A body, with what it refers to in the database."""
    return BODY | {
% for field in s.references:
% if field.target == names.plural:
        "${field.name}": None,
% else:
        "${field.name}": str(await a_row(database, "${field.target}", tenant)),
% endif
% endfor
    }


% endif
% if s.references:
@pytest_asyncio.fixture
async def body(database: TestDatabase) -> dict[str, Any]:
    return await body_of(database)
% else:
@pytest.fixture
def body() -> dict[str, Any]:
    return BODY
% endif


async def made(client: httpx2.AsyncClient, body: dict[str, Any], **headers: str) -> httpx2.Response:
    response = await client.post(URL, json=body, headers=headers)
    assert response.status_code == 201, response.text
    return response


async def test_one_is_created_and_read_back(client: httpx2.AsyncClient, body: dict[str, Any]) -> None:
    """201 with Location and ETag; what Location names is what was answered."""
    response = await made(client, body)
    again = await client.get(response.headers["location"])
    assert response.json() == again.json()
    assert {name: again.json()[name] for name in body} == body
    assert response.headers["etag"] == again.headers["etag"] == '"1"'


% if any(field.nullable for field in fields):
async def test_what_may_be_null_may_be_left_away(client: httpx2.AsyncClient, body: dict[str, Any]) -> None:
    """It is null then, and when a change says so."""
    names = (${", ".join(f'"{field.name}"' for field in fields if field.nullable)},)
    without = (await made(client, {name: value for name, value in body.items() if name not in names})).json()
    url = (await made(client, body)).headers["location"]
    emptied = (await client.patch(url, json=dict.fromkeys(names), headers={"If-Match": "*"})).json()
    for name in names:
        assert without[name] is emptied[name] is None


% endif
async def test_a_wrong_value_is_refused(client: httpx2.AsyncClient, body: dict[str, Any]) -> None:
    """422 with a pointer to it, in a POST as in a PATCH, and nothing is stored."""
    url = (await made(client, body)).headers["location"]
    for wrong in WRONG:
        for response in (
            await client.post(URL, json=body | wrong),
            await client.patch(url, json=wrong, headers={"If-Match": "*"}),
        ):
            assert response.status_code == 422, (wrong, response.text)
            assert response.json()["errors"][0]["pointer"] == f"#/{next(iter(wrong))}"
    assert [item["version"] for item in (await client.get(URL)).json()["items"]] == [1]


async def test_an_unknown_or_malformed_id_is_a_problem(client: httpx2.AsyncClient) -> None:
    """404 where there is no such ${names.word}, 422 where it cannot be one."""
    assert (await client.get(f"{URL}/{uuid4()}")).status_code == 404
    assert (await client.get(f"{URL}/x")).status_code == 422


async def test_a_change_needs_the_etag(client: httpx2.AsyncClient, body: dict[str, Any]) -> None:
    """428 without If-Match, 412 with an old one, 200 and the new version with the right one."""
    url = (await made(client, body)).headers["location"]
    assert (await client.patch(url, json=body)).status_code == 428
    assert (await client.patch(url, json=body, headers={"If-Match": '"2"'})).status_code == 412
    changed = await client.patch(url, json=body, headers={"If-Match": '"1"'})
    assert (changed.status_code, changed.headers["etag"]) == (200, '"2"')


% if plain:
async def test_a_change_keeps_the_rest(client: httpx2.AsyncClient, body: dict[str, Any]) -> None:
    """Each field is changed by itself; an empty change is refused."""
    url, expected, match = (await made(client, body)).headers["location"], body, {"If-Match": "*"}
    for name, value in OTHER.items():
        expected = expected | {name: value}
        changed = (await client.patch(url, json={name: value}, headers=match)).json()
        assert {name: changed[name] for name in body} == expected
    assert (await client.patch(url, json={}, headers=match)).status_code == 422


% endif
async def test_a_delete_needs_the_etag_too(client: httpx2.AsyncClient, body: dict[str, Any]) -> None:
    """428, 412, 204, and then there is nothing left to delete."""
    url = (await made(client, body)).headers["location"]
    assert (await client.delete(url)).status_code == 428
    assert (await client.delete(url, headers={"If-Match": '"9"'})).status_code == 412
    assert (await client.delete(url, headers={"If-Match": '"1"'})).status_code == 204
    assert (await client.delete(url, headers={"If-Match": '"1"'})).status_code == 404


async def test_pages_end_where_the_rows_do(client: httpx2.AsyncClient, body: dict[str, Any]) -> None:
    """Every row once, and no empty page at the end."""
    ids = {(await made(client, body)).json()["id"] for _ in range(4)}
    one = (await client.get(URL, params={"limit": 3})).json()
    two = (await client.get(URL, params={"limit": 3, "cursor": one["next"]})).json()
    assert (len(one["items"]), len(two["items"]), two["next"]) == (3, 1, None)
    assert {item["id"] for item in one["items"] + two["items"]} == ids


async def test_the_same_request_with_the_same_key_is_carried_out_once(
    client: httpx2.AsyncClient, body: dict[str, Any]
) -> None:
    """The second answer is the first, and there is one row."""
    one, two = [await made(client, body, **{"Idempotency-Key": "k"}) for _ in range(2)]
    assert one.json() == two.json()
    assert len((await client.get(URL)).json()["items"]) == 1


async def test_a_tenant_sees_its_own_alone(database: TestDatabase) -> None:
    """Reading, listing, changing and deleting another tenant's is as if it were not there."""
    body, match = ${of_one}, {"If-Match": "*"}
    async with serving(database.settings.model_copy(update={"tenant_source": "header"})) as client:
        mine = await made(client, body, **HEADERS[ONE])
        url = mine.headers["location"]
        for tenant, found in ((TWO, 404), (ONE, 200)):
            headers = HEADERS[tenant]
            assert len((await client.get(URL, headers=headers)).json()["items"]) == (found == 200)
            assert (await client.get(url, headers=headers)).status_code == found
            assert (await client.patch(url, json=body, headers=headers | match)).status_code == found
        assert (await client.delete(url, headers=HEADERS[TWO] | match)).status_code == 404
        assert mine.json()["created_by"] == "user-1"
% for field in s.references:


async def test_its_${field.noun}_must_be_there(database: TestDatabase, client: httpx2.AsyncClient) -> None:
    """404 for one that is not, and for another tenant's, in a POST as in a PATCH."""
    body = await body_of(database)
    url = (await made(client, body)).headers["location"]
    for other in (uuid4(), await a_row(database, "${field.target}", TWO.tenant_id)):
        wrong = {"${field.name}": str(other)}
        assert (await client.post(URL, json=body | wrong)).status_code == 404
        assert (await client.patch(url, json=wrong, headers={"If-Match": "*"})).status_code == 404


async def test_those_of_one_${field.noun}_are_listed(database: TestDatabase, client: httpx2.AsyncClient) -> None:
    """Others do not appear."""
% if field.target == names.plural:
    first = (await made(client, await body_of(database))).json()["id"]
    body = await body_of(database) | {"${field.name}": first}
% else:
    await made(client, await body_of(database))
    body = await body_of(database)
% endif
    mine = (await made(client, body)).json()
    page = (await client.get(URL, params={"${field.name}": body["${field.name}"]})).json()
    assert page == {"items": [mine], "next": None}


% if field.nullable:
async def test_one_loses_a_deleted_${field.noun}(database: TestDatabase, client: httpx2.AsyncClient) -> None:
    """It stays, without."""
    body = await body_of(database) | {"${field.name}": str(await a_row(database, "${field.target}"))}
    url = (await made(client, body)).headers["location"]
    await database.fetch("DELETE FROM ${field.target} WHERE id = $1", UUID(body["${field.name}"]))
    assert (await client.get(url)).json()["${field.name}"] is None
% else:
async def test_one_goes_with_its_${field.noun}(database: TestDatabase, client: httpx2.AsyncClient) -> None:
    """It is nothing without."""
    body = await body_of(database)
    url = (await made(client, body)).headers["location"]
    await database.fetch("DELETE FROM ${field.target} WHERE id = $1", UUID(body["${field.name}"]))
    assert (await client.get(url)).status_code == 404
% endif
% endfor
