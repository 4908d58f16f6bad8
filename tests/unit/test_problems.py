"""Problem documents, on apps of a few lines."""

import html
from collections.abc import AsyncIterator

import httpx2
import pytest
import pytest_asyncio
from fastapi import FastAPI
from starlette.exceptions import HTTPException

from app import problems
from app.errors import DatabaseUnavailable, NotFound
from app.problems import CATALOGUE, MEDIA_TYPE
from app.schemas import Body, ShortText


class Thing(Body):
    name: ShortText


class Things(Body):
    things: list[Thing]


def tiny_app() -> FastAPI:
    app = FastAPI()
    problems.install(app)

    @app.get("/items/{number}")
    async def item(number: int, limit: int = 1) -> None:
        raise NotFound(f"There is no item {number}.")

    @app.post("/items")
    async def add(things: Things) -> None:
        raise DatabaseUnavailable("host db.internal does not answer")

    @app.get("/teapot")
    async def teapot() -> None:
        raise HTTPException(418, "short and stout", headers={"X-Spout": "1"})

    return app


@pytest_asyncio.fixture
async def client() -> AsyncIterator[httpx2.AsyncClient]:
    transport = httpx2.ASGITransport(app=tiny_app())
    async with httpx2.AsyncClient(transport=transport, base_url="http://api") as made:
        yield made


async def test_an_error_becomes_its_problem(client: httpx2.AsyncClient) -> None:
    """Status, type and title are the class's, the detail is the message."""
    response = await client.get("/items/7")
    assert response.status_code == 404
    assert response.headers["content-type"] == MEDIA_TYPE
    assert response.json() == {
        "type": "/problems/not-found",
        "title": "Not found",
        "status": 404,
        "detail": "There is no item 7.",
        "instance": "/items/7",
    }


async def test_a_server_error_tells_nothing_of_its_cause(client: httpx2.AsyncClient) -> None:
    """The message of a 5xx stays inside; the client gets the class's sentence and a time to wait."""
    response = await client.post("/items", json={"things": []})
    assert response.status_code == 503
    assert "db.internal" not in response.text
    assert 1 <= int(response.headers["retry-after"]) <= 5


async def test_retry_after_is_spread() -> None:
    """Clients told to wait do not all come back in the same second."""
    async with httpx2.AsyncClient(transport=httpx2.ASGITransport(app=tiny_app()), base_url="http://api") as client:
        waits = {(await client.post("/items", json={"things": []})).headers["retry-after"] for _ in range(50)}
    assert len(waits) > 1


async def test_each_invalid_field_has_its_pointer(client: httpx2.AsyncClient) -> None:
    """A missing, an empty and an unknown field are each named by a JSON pointer."""
    response = await client.post("/items", json={"things": [{"name": " "}, {"a/b~c": 1}]})
    assert response.status_code == 422
    pointers = [error["pointer"] for error in response.json()["errors"]]
    assert pointers == ["#/things/0/name", "#/things/1/name", "#/things/1/a~1b~0c"]


async def test_an_invalid_parameter_is_named_in_one_sentence(client: httpx2.AsyncClient) -> None:
    """The detail alone says what to correct, and how much more there is."""
    document = (await client.get("/items/x?limit=y")).json()
    assert document["detail"].startswith("path number: Input should be a valid integer")
    assert document["detail"].endswith("(1 more in `errors`).")
    assert [error["location"] for error in document["errors"]] == ["path", "query"]


@pytest.mark.parametrize(
    ("content_type", "content", "status", "detail"),
    [
        ("application/json", b'{"things":', 422, "not JSON at character 10"),
        ("application/json", b"[]", 422, "body #:"),
        ("text/plain", b'{"things":[]}', 415, "must be JSON"),
    ],
)
async def test_a_body_that_is_not_json_is_told_so(
    client: httpx2.AsyncClient, content_type: str, content: bytes, status: int, detail: str
) -> None:
    """Broken JSON, JSON of another shape, and a body nobody called JSON."""
    response = await client.post("/items", content=content, headers={"content-type": content_type})
    assert response.status_code == status
    assert detail in response.json()["detail"]


async def test_an_unknown_address_is_a_problem(client: httpx2.AsyncClient) -> None:
    """What no route matches is answered in the same form."""
    response = await client.get("/nowhere")
    assert (response.status_code, response.json()["type"]) == (404, "/problems/not-found")


async def test_a_wrong_method_is_told_all_right_ones(client: httpx2.AsyncClient) -> None:
    """405 keeps Allow, with every method of the address."""
    response = await client.put("/items")
    assert (response.status_code, response.headers["allow"]) == (405, "POST")
    assert response.json()["type"] == "/problems/method-not-allowed"


async def test_a_frameworks_error_keeps_its_headers(client: httpx2.AsyncClient) -> None:
    """An HTTPException from elsewhere becomes a problem with its detail and headers."""
    response = await client.get("/teapot")
    assert response.headers["x-spout"] == "1"
    assert (response.status_code, response.json()["detail"]) == (418, "short and stout")


@pytest.mark.parametrize("slug", sorted(CATALOGUE))
async def test_every_type_is_explained(client: httpx2.AsyncClient, slug: str) -> None:
    """A problem's type is an address that says what it means, for machines and for people."""
    as_json = await client.get(f"/problems/{slug}")
    assert as_json.json()["type"] == f"/problems/{slug}"
    as_html = await client.get(f"/problems/{slug}", headers={"accept": "text/html,*/*"})
    assert as_html.headers["content-type"].startswith("text/html")
    assert html.escape(CATALOGUE[slug].title) in as_html.text


async def test_an_unknown_type_is_not_explained(client: httpx2.AsyncClient) -> None:
    """No page is made up for a type that does not exist."""
    assert (await client.get("/problems/none-such")).status_code == 404


def test_the_command_lines_errors_are_no_problem_types() -> None:
    """Only what a client can be shown is in the catalogue."""
    assert all(problem.status >= 400 for problem in CATALOGUE.values())
    assert "internal" in CATALOGUE
    assert CATALOGUE["internal"].meaning.startswith("Something went wrong")


async def test_a_check_of_our_own_reads_like_any_other(client: httpx2.AsyncClient) -> None:
    """The sentence is the check's, without a word of the library's."""
    response = await client.post("/items", json={"things": [{"name": "a\0"}]})
    assert response.json()["detail"] == "body #/things/0/name: must not hold NUL or unpaired surrogates."
