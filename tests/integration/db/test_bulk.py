"""Bulk inserts on real servers: each row comes back in its place, whatever the ids are."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from uuid import UUID, uuid4

import pytest
import pytest_asyncio
from sqlalchemy.exc import IntegrityError

from app.db import ids
from app.db.bulk import insert_in_order
from app.db.context import Context
from app.db.session import Database
from app.schemas import AnyRow
from app.slices.projects.models import Project
from app.slices.tasks.models import Task
from tests.api import until
from tests.servers.databases import TestDatabase, fetch

CONTEXT = Context(UUID(int=7), "ada")
FIELDS = (Task.title, Task.id, Task.project_id, Task.tenant_id, Task.created_by)


@pytest_asyncio.fixture
async def opened(database: TestDatabase) -> AsyncIterator[Database]:
    made = Database.open(database.settings)
    yield made
    await made.close()


async def new_projects(opened: Database, names: Sequence[str]) -> list[UUID]:
    async with opened.transaction(CONTEXT) as session:
        return [row.id for row in await insert_in_order(session, Project, Project.id, each={"name": names}, every={})]


async def add(opened: Database, project: UUID, titles: Sequence[str]) -> list[AnyRow]:
    async with opened.transaction(CONTEXT) as session:
        every = {"project_id": project}
        return list(await insert_in_order(session, Task, *FIELDS, each={"title": titles}, every=every))


async def test_what_is_not_named_is_made_by_the_database(opened: Database):
    """Tenant and user come from the context, as for a single row."""
    [project] = await new_projects(opened, ["house"])
    rows = await add(opened, project, ["roof", "door"])
    assert [(row.title, row.project_id, row.tenant_id, row.created_by) for row in rows] == [
        (title, project, CONTEXT.tenant_id, "ada") for title in ("roof", "door")
    ]


async def test_several_columns_keep_together(opened: Database, database: TestDatabase):
    """Two lists: the third title is in the third project, also where the planner joins in the order of ids."""
    await database.fetch(f"ALTER DATABASE {database.name} SET enable_hashjoin = off")
    await database.fetch(ids.make_random())
    projects = await new_projects(opened, [str(number) for number in range(100)])
    titles = [f"task {number}" for number in range(100)]
    async with opened.transaction(CONTEXT) as session:
        each = {"title": titles, "project_id": projects}
        rows = await insert_in_order(session, Task, *FIELDS, each=each, every={})
    assert [(row.title, row.project_id) for row in rows] == list(zip(titles, projects, strict=True))


async def test_time_ordered_ids_follow_the_request(opened: Database, database: TestDatabase):
    """Under v7 the ids of a batch ascend with it, so a list shows the rows as they were sent."""
    await database.fetch(ids.mend("v7", uuidv7_recorded=False))
    [project] = await new_projects(opened, ["house"])
    made = [row.id for row in await add(opened, project, ["x"] * 1000)]
    assert made == sorted(made)


async def test_lists_of_different_length_are_refused(opened: Database):
    """PostgreSQL would fill the shorter list up with NULL, without a word."""
    async with opened.transaction(CONTEXT) as session:
        with pytest.raises(ValueError, match="lists of one length"):
            await insert_in_order(session, Task, Task.id, each={"title": ["a", "b"], "project_id": []}, every={})


async def test_a_missing_project_stores_nothing(opened: Database, database: TestDatabase):
    """A foreign key that fails takes the whole statement back."""
    with pytest.raises(IntegrityError):
        await add(opened, uuid4(), ["roof"] * 10)
    assert await database.fetchval("SELECT count(*) FROM tasks") == 0


def kinds(rows: Sequence[AnyRow]) -> set[int | None]:
    return {row.id.version for row in rows}


async def write(opened: Database, project: UUID, writer: int, batches: list[list[AnyRow]], go_on: Callable[[], bool]):
    """Batches of 200, each compared with what was asked for."""
    number = 0
    while go_on():
        titles = [f"{writer}.{number}.{place}" for place in range(200)]
        batches.append(await add(opened, project, titles))
        assert [row.title for row in batches[-1]] == titles
        number += 1


async def test_no_row_has_anothers_id_before_during_and_after_the_flip(opened: Database, database: TestDatabase):
    """Four writers go on while the id function is replaced, there and back: every title is on the id it was given."""
    ordered, random = ids.mend("v7", uuidv7_recorded=True), ids.make_random()
    await database.fetch(random)
    [project] = await new_projects(opened, ["house"])
    batches: list[list[AnyRow]] = []
    writing = True
    writers = [asyncio.create_task(write(opened, project, one, batches, lambda: writing)) for one in range(4)]
    for flip, version in ((ordered, 7), (random, 4)):
        count = len(batches)
        await until(lambda count=count: _true(len(batches) > count + 3))
        await database.fetch(flip)
        await until(lambda version=version: _true(kinds(batches[-1]) == {version}))
    writing = False
    await asyncio.gather(*writers)
    stored = await fetch(database.owner_uri, "SELECT id, title FROM tasks")
    assert {row.id: row.title for batch in batches for row in batch} == {row["id"]: row["title"] for row in stored}
    assert {kind for batch in batches for kind in kinds(batch)} == {4, 7}


async def _true(value: bool) -> bool:
    return value
