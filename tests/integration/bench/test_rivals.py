"""Three servers, one API: what is compared does the same."""

from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any
from uuid import uuid4

import httpx2
import pytest

from app.db.packaged import PackagedServer
from tests.bench.ground import Ground, Rows
from tests.bench.sites import Contestant, Site, serving
from tests.bench.works import PROJECTS
from tests.servers.databases import TEMPLATE, new_database

pytestmark = pytest.mark.servers(18)
CONTESTANTS: tuple[Contestant, ...] = ("floor", "textbook", "plinth")
MADE_ANEW = {"id", "created_at", "updated_at"}
ONE, TWO = ({"X-Tenant-Id": f"00000000-0000-0000-0000-00000000000{number}", "X-User-Id": "u"} for number in (1, 2))

Clients = dict[Contestant, httpx2.Client]


@pytest.fixture(scope="module", params=[False, True], ids=["one tenant", "tenants"])
def clients(request: pytest.FixtureRequest, server: PackagedServer) -> Iterator[Clients]:
    """A client of each of the three, on one database."""
    with ExitStack() as stack:
        database = stack.enter_context(new_database(server, TEMPLATE))
        ground = Ground(database, database, Rows([], [], ""), Rows([], [], ""))
        sites = (Site(contestant, request.param) for contestant in CONTESTANTS)
        processes = stack.enter_context(serving(*sites, on=ground))
        headers = ONE if request.param else {}
        yield {
            contestant: stack.enter_context(httpx2.Client(base_url=process.url, headers=headers))
            for contestant, process in zip(CONTESTANTS, processes, strict=True)
        }


def answers(clients: Clients, method: str, path: str, **options: Any) -> list[httpx2.Response]:
    return [client.request(method, path, **options) for client in clients.values()]


def shape(response: httpx2.Response) -> Any:
    """What answers to the same question have in common where each made a row of its own."""
    body = {name: value if name not in MADE_ANEW else len(value) for name, value in response.json().items()}
    where = response.headers.get("Location", "").rpartition("/")
    made_here = where[2] == response.json()["id"] if where[2] else None
    kind = response.headers["Content-Type"]
    return response.status_code, list(body.items()), response.headers.get("ETag"), where[0], made_here, kind


def test_a_project_is_created_alike(clients: Clients):
    """201, the same fields in the same order, ETag and Location."""
    made = answers(clients, "POST", PROJECTS, json={"name": "  Üñï  "})
    assert shape(made[0])[:3] == shape(made[2])[:3]
    assert [shape(one) for one in made] == [shape(made[2])] * 3
    assert made[0].status_code == 201


def test_what_one_wrote_all_read_byte_by_byte(clients: Clients):
    """One row, read by each, is the same body and the same ETag."""
    for writer in clients.values():
        made = writer.post(PROJECTS, json={"name": "seen by all"})
        read = answers(clients, "GET", made.headers["Location"])
        assert {one.content for one in read} == {made.content}
        assert {one.headers["ETag"] for one in read} == {'"1"'}


def test_pages_are_the_same_byte_by_byte(clients: Clients):
    """Each page, and the cursor that leads to the next."""
    for number in range(5):
        clients["floor"].post(PROJECTS, json={"name": f"listed {number}"})
    path = f"{PROJECTS}?limit=2"
    for _ in range(3):
        pages = answers(clients, "GET", path)
        assert {page.content for page in pages} == {pages[2].content}
        path = f"{PROJECTS}?limit=2&cursor={pages[2].json()['next']}"


def test_a_change_is_made_alike(clients: Clients):
    """If-Match with the ETag of each, one after the other, and what the last one wrote is what all read."""
    where = clients["plinth"].post(PROJECTS, json={"name": "new"}).headers["Location"]
    for number, client in enumerate(clients.values(), 1):
        changed = client.patch(where, json={"name": f"changed {number}"}, headers={"If-Match": f'"{number}"'})
        assert (changed.status_code, changed.headers["ETag"]) == (200, f'"{number + 1}"')
        read = answers(clients, "GET", where)
        assert {one.content for one in read} == {changed.content}
        assert changed.json()["updated_at"] > changed.json()["created_at"]


def test_a_batch_is_answered_in_its_order(clients: Clients):
    """Titles come back in the order they were sent, each with an id of its own."""
    where = clients["plinth"].post(PROJECTS, json={"name": "batched"}).headers["Location"]
    titles = [f"task {number}" for number in range(50)]
    for made in answers(clients, "POST", f"{where}/tasks:batch", json={"tasks": [{"title": t} for t in titles]}):
        assert made.status_code == 201
        assert [item["title"] for item in made.json()["items"]] == titles
        assert len({item["id"] for item in made.json()["items"]}) == 50
        assert list(made.json()["items"][0]) == [
            "id", "created_at", "updated_at", "created_by", "version", "project_id", "title",
        ]  # fmt: skip


REFUSED = {
    "no such project": ("GET", f"{PROJECTS}/{uuid4()}", {}, 404),
    "no id": ("GET", f"{PROJECTS}/one", {}, 422),
    "no name": ("POST", PROJECTS, {"json": {}}, 422),
    "an empty name": ("POST", PROJECTS, {"json": {"name": "  "}}, 422),
    "a long name": ("POST", PROJECTS, {"json": {"name": 201 * "x"}}, 422),
    "a name that is a number": ("POST", PROJECTS, {"json": {"name": 1}}, 422),
    "NUL in a name": ("POST", PROJECTS, {"json": {"name": "a\0"}}, 422),
    "an unknown field": ("POST", PROJECTS, {"json": {"name": "x", "colour": "red"}}, 422),
    "no JSON": ("POST", PROJECTS, {"content": b"{", "headers": {"Content-Type": "application/json"}}, 422),
    "a page of none": ("GET", f"{PROJECTS}?limit=0", {}, 422),
    "a page of 101": ("GET", f"{PROJECTS}?limit=101", {}, 422),
    "no cursor": ("GET", f"{PROJECTS}?cursor=x", {}, 400),
    "a change of what is not there": (
        "PATCH", f"{PROJECTS}/{uuid4()}", {"json": {"name": "x"}, "headers": {"If-Match": "*"}}, 404
    ),
    "tasks of no project": ("POST", f"{PROJECTS}/{uuid4()}/tasks:batch", {"json": {"tasks": [{"title": "x"}]}}, 404),
    "no tasks": ("POST", f"{PROJECTS}/{uuid4()}/tasks:batch", {"json": {"tasks": []}}, 422),
}  # fmt: skip


def test_what_one_refuses_all_refuse(clients: Clients):
    """The checks of input are the same: nobody is faster by looking less closely."""
    refused = {
        what: [one.status_code for one in answers(clients, method, path, **options)]
        for what, (method, path, options, _) in REFUSED.items()
    }
    assert refused == {what: [status] * 3 for what, (*_, status) in REFUSED.items()}


def test_a_change_without_the_right_etag_is_refused(clients: Clients):
    """No If-Match, another version's, and none at all."""
    where = clients["plinth"].post(PROJECTS, json={"name": "kept"}).headers["Location"]
    for header, status in (({}, 428), ({"If-Match": '"7"'}, 412), ({"If-Match": "7"}, 400)):
        refused = answers(clients, "PATCH", where, json={"name": "x"}, headers=header)
        assert [one.status_code for one in refused] == [status] * 3


def test_another_tenants_project_is_not_there(clients: Clients):
    """Where there are tenants, the rivals keep them apart as the app does; else nobody looks at the header."""
    where = clients["plinth"].post(PROJECTS, json={"name": "mine"}).headers["Location"]
    status = 404 if "X-Tenant-Id" in clients["plinth"].headers else 200
    assert [one.status_code for one in answers(clients, "GET", where, headers=TWO)] == [status] * 3
