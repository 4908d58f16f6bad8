from typing import Annotated
from uuid import UUID

from pydantic import BaseModel, Field

from app.schemas import Body, Resource, ShortText


class TaskBody(Body):
    title: ShortText


class TaskBatch(Body):
    tasks: Annotated[list[TaskBody], Field(min_length=1, max_length=1000)]


class TaskOut(Resource):
    project_id: UUID
    title: str


class TaskBatchOut(BaseModel):
    """The new tasks, in the order of the request."""

    items: list[TaskOut]
