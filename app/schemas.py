"""What the request and response bodies of all slices have in common."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, Self
from uuid import UUID

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    GetJsonSchemaHandler,
    PlainSerializer,
    WithJsonSchema,
    model_validator,
)
from pydantic_core import CoreSchema, core_schema
from sqlalchemy import Row

AnyRow = Row[*tuple[Any, ...]]
"""The columns of one resource, as a query gave them."""


def plain(rows: Sequence[AnyRow]) -> list[dict[str, Any]]:
    """Rows for a response: pydantic reads a dictionary at a fifth of the cost of a row's attributes."""
    names = rows[0]._fields if rows else ()
    return [dict(zip(names, row, strict=False)) for row in rows]  # all rows of a result have its names


_UNSTORABLE = re.compile("[\0\ud800-\udfff]")


def storable(text: str) -> str:
    """PostgreSQL stores neither NUL nor half of a surrogate pair; say so here rather than fail there."""
    if _UNSTORABLE.search(text):
        raise ValueError("must not hold NUL or unpaired surrogates")
    return text


@dataclass(frozen=True)
class Trimmed:
    """Of text: 1 to ``most`` characters that PostgreSQL can store, without the white space around them."""

    most: int

    def __get_pydantic_core_schema__(self, *_: Any) -> CoreSchema:
        text = core_schema.str_schema(strip_whitespace=True, min_length=1, max_length=self.most)
        return core_schema.no_info_after_validator_function(storable, text)

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        """The checks above, for clients."""
        return handler(schema) | {"pattern": r"^[^\u0000]*[^\s\u0000][^\u0000]*$"}


ShortText = Annotated[str, Trimmed(200)]
"""A name or title."""


Id = Annotated[UUID, PlainSerializer(str, return_type=str), WithJsonSchema({"type": "string", "format": "uuid"})]
"""An id in a response, written by itself: with a UUID of asyncpg's pydantic takes two thirds of the time of a list."""


class Body(BaseModel):
    """A request body. Unknown fields are refused: a misspelt one would be lost without a word."""

    model_config = ConfigDict(extra="forbid", frozen=True)


UNCHANGED: Any = Field(default_factory=lambda: None)
"""The default of each field of a `Change`. Nobody reads it: `given` leaves such fields out."""


class Change(Body):
    """The body of a PATCH: what is not given stays as it is, and something is given."""

    model_config = ConfigDict(json_schema_extra={"minProperties": 1})

    @model_validator(mode="after")
    def _changes_something(self) -> Self:
        if not self.model_fields_set:
            raise ValueError("must have at least one field")
        return self

    def given(self) -> dict[str, Any]:
        return self.model_dump(exclude_unset=True)


class Resource(BaseModel):
    """A resource as it is answered, read from a row."""

    model_config = ConfigDict(from_attributes=True)

    id: Id
    created_at: datetime
    updated_at: datetime
    created_by: str | None
    version: int
