from typing import Any
from uuid import UUID

from fastapi import APIRouter, Request, Response

from app.db.session import ReadSession, Session
from app.etags import IfMatch, tag
from app.idempotency import IdempotentRoute
from app.openapi import problems
from app.pagination import Page, Paging
from app.routing import location
from app.schemas import AnyRow
from app.slices.projects import queries
from app.slices.projects.schemas import ProjectBody, ProjectChange, ProjectOut

router = APIRouter(prefix="/projects", tags=["projects"], route_class=IdempotentRoute)
MISSING = problems("not-found")
CHANGING = problems("not-found", "precondition-failed", "precondition-required")


@router.post("", status_code=201, response_model=ProjectOut)
async def create_project(body: ProjectBody, session: Session, request: Request, response: Response) -> AnyRow:
    project = await queries.create(session, body.model_dump())
    response.headers["Location"] = location(request, "read_project", project_id=project.id)
    return tag(response, project)


@router.get("", response_model=Page[ProjectOut])
async def list_projects(paging: Paging, session: ReadSession) -> dict[str, Any]:
    return await queries.page(session, paging)


@router.get("/{project_id}", response_model=ProjectOut, responses=MISSING)
async def read_project(project_id: UUID, session: ReadSession, response: Response) -> AnyRow:
    return tag(response, await queries.read(session, project_id))


@router.patch("/{project_id}", response_model=ProjectOut, responses=CHANGING)
async def change_project(
    project_id: UUID, body: ProjectChange, seen: IfMatch, session: Session, response: Response
) -> AnyRow:
    return tag(response, await queries.change(session, project_id, seen, body.given()))


@router.delete("/{project_id}", status_code=204, responses=CHANGING)
async def remove_project(project_id: UUID, seen: IfMatch, session: Session) -> None:
    await queries.remove(session, project_id, seen)
