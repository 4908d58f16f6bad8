from typing import Any
from uuid import UUID

from sqlalchemy import bindparam, delete, insert, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from app.db.prepared import prepared
from app.errors import NotFound
from app.etags import Precondition, refusal
from app.pagination import PageRequest
from app.schemas import AnyRow
from app.slices.projects.models import Project

FIELDS = (
    Project.id,
    Project.created_at,
    Project.updated_at,
    Project.created_by,
    Project.version,
    Project.name,
)
CREATE = prepared(insert(Project).returning(*FIELDS))
BY_ID = prepared(select(*FIELDS).where(Project.id == bindparam("project_id")))
EVERY = select(*FIELDS)


def _missing(project_id: UUID) -> NotFound:
    return NotFound(f"There is no project {project_id}.")


async def create(session: AsyncSession, values: dict[str, Any]) -> AnyRow:
    return (await session.execute(CREATE, values)).one()


async def page(session: AsyncSession, paging: PageRequest) -> dict[str, Any]:
    return paging.cut((await session.execute(*paging.of(EVERY, Project.id))).all())


async def read(session: AsyncSession, project_id: UUID) -> AnyRow:
    row = (await session.execute(BY_ID, {"project_id": project_id})).one_or_none()
    if row is None:
        raise _missing(project_id)
    return row


async def change(session: AsyncSession, project_id: UUID, seen: Precondition, values: dict[str, Any]) -> AnyRow:
    statement = (
        update(Project)
        .where(Project.id == project_id, seen.holds(Project.version))
        .values(values | {"version": Project.version + 1})
        .returning(*FIELDS)
    )
    row = (await session.execute(statement)).one_or_none()
    if row is None:
        raise await refusal(session, Project.id == project_id, _missing(project_id))
    return row


async def remove(session: AsyncSession, project_id: UUID, seen: Precondition) -> None:
    statement = delete(Project).where(Project.id == project_id, seen.holds(Project.version)).returning(Project.id)
    if (await session.execute(statement)).one_or_none() is None:
        raise await refusal(session, Project.id == project_id, _missing(project_id))
