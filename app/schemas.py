"""What the request and response bodies of all slices have in common."""

import re
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints
from sqlalchemy import Row

AnyRow = Row[*tuple[Any, ...]]
"""The columns of one resource, as a query gave them."""

_UNSTORABLE = re.compile("[\0\ud800-\udfff]")


def _storable(text: str) -> str:
    """PostgreSQL stores neither NUL nor half of a surrogate pair; say so here rather than fail there."""
    if _UNSTORABLE.search(text):
        raise ValueError("must not hold NUL or unpaired surrogates")
    return text


ShortText = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=200),
    AfterValidator(_storable),
    Field(json_schema_extra={"pattern": r"^[^\u0000]*[^\s\u0000][^\u0000]*$"}),  # the checks above, for clients
]
"""A name or title: trimmed, 1 to 200 characters."""


class Body(BaseModel):
    """A request body. Unknown fields are refused: a misspelt one would be lost without a word."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Resource(BaseModel):
    """A resource as it is answered, read from a row."""

    model_config = ConfigDict(from_attributes=True)

    id: UUID
    created_at: datetime
    updated_at: datetime
    created_by: str | None
    version: int
