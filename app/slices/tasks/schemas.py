from typing import Annotated

from pydantic import BaseModel, Field

from app.schemas import Body, Id, Resource, ShortText


class TaskBody(Body):
    title: ShortText


class TaskBatch(Body):
    tasks: Annotated[list[TaskBody], Field(min_length=1, max_length=1000)]


class TaskOut(Resource):
    project_id: Id
    title: str


class TaskBatchOut(BaseModel):
    """The new tasks, in the order of the request."""

    items: list[TaskOut]
