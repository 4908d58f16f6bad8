"""The textbook: FastAPI with SQLAlchemy's async ORM, as the well-known templates have it.

An engine with ``pool_pre_ping``, a session a request whose transaction begins with its first statement, objects, and a
``response_model``. Where templates differ the cheaper way is taken: ``expire_on_commit`` is off, and a new object is
not refreshed, as the INSERT has returned what the database made.
"""

from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, FastAPI, HTTPException, Query, Request, Response
from fastapi.responses import JSONResponse, PlainTextResponse
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints
from sqlalchemy import DateTime, ForeignKey, Text, func, select, text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, declared_attr, mapped_column
from sqlalchemy.orm.exc import StaleDataError

from tests.bench.rivals.wire import POOL, PREFIX, UNSTORABLE, URL, Refused, decode, encode, seen, tenant, user

engine = create_async_engine(
    URL.replace("postgresql://", "postgresql+asyncpg://").replace("?sslmode=disable", "?ssl=disable"),
    pool_pre_ping=True,
    pool_size=POOL,
    max_overflow=0,
)
Sessions = async_sessionmaker(engine, expire_on_commit=False)


class Base(DeclarativeBase):
    id: Mapped[UUID] = mapped_column(primary_key=True, server_default=text("public.plinth_id()"))
    tenant_id: Mapped[UUID]
    created_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=func.now())
    updated_at: Mapped[datetime] = mapped_column(
        DateTime(timezone=True), server_default=func.now(), onupdate=func.now()
    )
    created_by: Mapped[str | None] = mapped_column(Text)
    version: Mapped[int]

    @declared_attr.directive
    @classmethod
    def __mapper_args__(cls) -> dict[str, Any]:
        return {"version_id_col": cls.version} if cls.__name__ != "Base" else {}


class Project(Base):
    __tablename__ = "projects"
    name: Mapped[str] = mapped_column(Text)


class Task(Base):
    __tablename__ = "tasks"
    project_id: Mapped[UUID] = mapped_column(ForeignKey("projects.id"))
    title: Mapped[str] = mapped_column(Text)


def _storable(value: str) -> str:
    if UNSTORABLE.search(value):
        raise ValueError("must not hold NUL or unpaired surrogates")
    return value


ShortText = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200), AfterValidator(_storable)
]


class ProjectIn(BaseModel):
    model_config = ConfigDict(extra="forbid")
    name: ShortText


class TaskIn(BaseModel):
    model_config = ConfigDict(extra="forbid")
    title: ShortText


class TasksIn(BaseModel):
    model_config = ConfigDict(extra="forbid")
    tasks: Annotated[list[TaskIn], Field(min_length=1, max_length=1000)]


class Resource(BaseModel):
    model_config = ConfigDict(from_attributes=True)
    id: UUID
    created_at: datetime
    updated_at: datetime
    created_by: str | None
    version: int


class ProjectOut(Resource):
    name: str


class TaskOut(Resource):
    project_id: UUID
    title: str


class ProjectPage(BaseModel):
    items: list[ProjectOut]
    next: str | None


class TasksOut(BaseModel):
    items: list[TaskOut]


async def get_session() -> AsyncIterator[AsyncSession]:
    async with Sessions() as session:
        yield session


async def get_tenant(request: Request) -> UUID:
    return tenant(request.headers)


Session = Annotated[AsyncSession, Depends(get_session)]
Tenant = Annotated[UUID, Depends(get_tenant)]
router = APIRouter(prefix=PREFIX)


async def _existing(session: AsyncSession, whose: UUID, project_id: UUID) -> Project:
    project = await session.scalar(select(Project).where(Project.tenant_id == whose, Project.id == project_id))
    if project is None:
        raise HTTPException(404)
    return project


def _tagged(response: Response, project: Project) -> Project:
    response.headers["ETag"] = f'"{project.version}"'
    return project


@router.post("/projects", status_code=201, response_model=ProjectOut)
async def create_project(
    body: ProjectIn, session: Session, whose: Tenant, request: Request, response: Response
) -> Project:
    project = Project(tenant_id=whose, created_by=user(request.headers), name=body.name)
    session.add(project)
    await session.commit()
    response.headers["Location"] = request.url_for("read_project", project_id=project.id).path
    return _tagged(response, project)


@router.get("/projects", response_model=ProjectPage)
async def list_projects(
    session: Session, whose: Tenant, limit: Annotated[int, Query(ge=1, le=100)] = 50, cursor: str | None = None
) -> dict[str, Any]:
    statement = select(Project).where(Project.tenant_id == whose).order_by(Project.id).limit(limit + 1)
    if cursor is not None:
        statement = statement.where(Project.id > decode(cursor))
    projects = (await session.scalars(statement)).all()
    items = projects[:limit]
    return {"items": items, "next": encode(items[-1].id) if len(projects) > limit else None}


@router.get("/projects/{project_id}", response_model=ProjectOut)
async def read_project(project_id: UUID, session: Session, whose: Tenant, response: Response) -> Project:
    return _tagged(response, await _existing(session, whose, project_id))


@router.patch("/projects/{project_id}", response_model=ProjectOut)
async def change_project(
    project_id: UUID, body: ProjectIn, session: Session, whose: Tenant, request: Request, response: Response
) -> Project:
    versions = seen(request.headers.get("If-Match"))
    project = await _existing(session, whose, project_id)
    if versions is not None and project.version not in versions:
        raise HTTPException(412)
    project.name = body.name
    try:
        await session.commit()
    except StaleDataError:
        raise HTTPException(412) from None
    await session.refresh(project)  # the database made updated_at
    return _tagged(response, project)


@router.post("/projects/{project_id}/tasks:batch", status_code=201, response_model=TasksOut)
async def create_tasks(
    project_id: UUID, body: TasksIn, session: Session, whose: Tenant, request: Request
) -> dict[str, Sequence[Task]]:
    by = user(request.headers)
    tasks = [Task(tenant_id=whose, created_by=by, project_id=project_id, title=task.title) for task in body.tasks]
    session.add_all(tasks)
    try:
        await session.commit()
    except IntegrityError:
        raise HTTPException(404) from None
    return {"items": tasks}


async def live() -> Response:
    return PlainTextResponse("ok")


async def refuse(_: Request, error: Exception) -> Response:
    assert isinstance(error, Refused)
    return JSONResponse({"status": error.status}, error.status)


app = FastAPI()
app.include_router(router)
app.add_api_route("/livez", live)
app.add_exception_handler(Refused, refuse)
