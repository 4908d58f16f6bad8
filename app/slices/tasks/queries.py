from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

from sqlalchemy import bindparam, delete, insert, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from app.db.bulk import insert_in_order
from app.db.faults import Fault, classify
from app.db.prepared import prepared
from app.errors import NotFound
from app.etags import Precondition, refusal
from app.pagination import PageRequest
from app.schemas import AnyRow
from app.slices.tasks.models import Task

FIELDS = (
    Task.id,
    Task.created_at,
    Task.updated_at,
    Task.created_by,
    Task.version,
    Task.project_id,
    Task.title,
)
CREATE = prepared(insert(Task).returning(*FIELDS))
BY_ID = prepared(select(*FIELDS).where(Task.id == bindparam("task_id")))
OF_PROJECT = select(*FIELDS).where(Task.project_id == bindparam("project_id"))


def _missing(task_id: UUID) -> NotFound:
    return NotFound(f"There is no task {task_id}.")


def _no_project(project_id: UUID) -> NotFound:
    return NotFound(f"There is no project {project_id}.")


@asynccontextmanager
async def _in_project(project_id: UUID) -> AsyncIterator[None]:
    """The foreign key is asked, not the table before: a project deleted in between is found missing as well."""
    try:
        yield
    except IntegrityError as error:
        if classify(error) is Fault.FOREIGN_KEY:
            raise _no_project(project_id) from error
        raise


async def create(session: AsyncSession, project_id: UUID, title: str) -> AnyRow:
    async with _in_project(project_id):
        return (await session.execute(CREATE, {"project_id": project_id, "title": title})).one()


async def create_many(session: AsyncSession, project_id: UUID, titles: Sequence[str]) -> Sequence[AnyRow]:
    """All rows by one statement, in the order of the titles."""
    async with _in_project(project_id):
        return await insert_in_order(session, Task, *FIELDS, each={"title": titles}, every={"project_id": project_id})


async def page(session: AsyncSession, project_id: UUID, paging: PageRequest) -> dict[str, Any]:
    rows = (await session.execute(*paging.of(OF_PROJECT, Task.id, project_id=project_id))).all()
    if not rows and not await _project_exists(session, project_id):
        raise _no_project(project_id)
    return paging.cut(rows)


async def _project_exists(session: AsyncSession, project_id: UUID) -> bool:
    project = Task.project.property.mapper.entity
    return await session.scalar(select(project.id).where(project.id == project_id)) is not None


async def read(session: AsyncSession, task_id: UUID) -> AnyRow:
    row = (await session.execute(BY_ID, {"task_id": task_id})).one_or_none()
    if row is None:
        raise _missing(task_id)
    return row


async def change(session: AsyncSession, task_id: UUID, seen: Precondition, title: str) -> AnyRow:
    statement = (
        update(Task)
        .where(Task.id == task_id, seen.holds(Task.version))
        .values(title=title, version=Task.version + 1)
        .returning(*FIELDS)
    )
    row = (await session.execute(statement)).one_or_none()
    if row is None:
        raise await refusal(session, Task.id == task_id, _missing(task_id))
    return row


async def remove(session: AsyncSession, task_id: UUID, seen: Precondition) -> None:
    statement = delete(Task).where(Task.id == task_id, seen.holds(Task.version)).returning(Task.id)
    if (await session.execute(statement)).one_or_none() is None:
        raise await refusal(session, Task.id == task_id, _missing(task_id))
