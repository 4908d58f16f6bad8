from typing import Any
from uuid import UUID

from fastapi import APIRouter, Request, Response

from app.db.session import ReadSession, Session
from app.etags import IfMatch, tag
from app.idempotency import IdempotentRoute
from app.openapi import problems
from app.pagination import Page, Paging
from app.routing import location
from app.schemas import AnyRow, plain
from app.slices.tasks import queries
from app.slices.tasks.schemas import TaskBatch, TaskBatchOut, TaskBody, TaskOut

router = APIRouter(tags=["tasks"], route_class=IdempotentRoute)
MISSING = problems("not-found")
CHANGING = problems("not-found", "precondition-failed", "precondition-required")


@router.post("/projects/{project_id}/tasks", status_code=201, response_model=TaskOut, responses=MISSING)
async def create_task(
    project_id: UUID, body: TaskBody, session: Session, request: Request, response: Response
) -> AnyRow:
    task = await queries.create(session, project_id, body.title)
    response.headers["Location"] = location(request, "read_task", task_id=task.id)
    return tag(response, task)


@router.post("/projects/{project_id}/tasks:batch", status_code=201, response_model=TaskBatchOut, responses=MISSING)
async def create_tasks(project_id: UUID, body: TaskBatch, session: Session) -> dict[str, Any]:
    return {"items": plain(await queries.create_many(session, project_id, [task.title for task in body.tasks]))}


@router.get("/projects/{project_id}/tasks", response_model=Page[TaskOut], responses=MISSING)
async def list_tasks(project_id: UUID, paging: Paging, session: ReadSession) -> dict[str, Any]:
    return await queries.page(session, project_id, paging)


@router.get("/tasks/{task_id}", response_model=TaskOut, responses=MISSING)
async def read_task(task_id: UUID, session: ReadSession, response: Response) -> AnyRow:
    return tag(response, await queries.read(session, task_id))


@router.patch("/tasks/{task_id}", response_model=TaskOut, responses=CHANGING)
async def change_task(task_id: UUID, body: TaskBody, seen: IfMatch, session: Session, response: Response) -> AnyRow:
    return tag(response, await queries.change(session, task_id, seen, body.title))


@router.delete("/tasks/{task_id}", status_code=204, responses=CHANGING)
async def remove_task(task_id: UUID, seen: IfMatch, session: Session) -> None:
    await queries.remove(session, task_id, seen)
