"""Keyset pagination over the id: pages stay right while rows are inserted, and under ids of any version.

Ids are compared as PostgreSQL compares them, byte by byte. A page starts after the last id of the one before, so that
an insert neither repeats nor hides a row that was there; a mixture of v4 and v7 is only an order like any other.
"""

import binascii
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Annotated, Any, Generic, TypeVar
from uuid import UUID

from fastapi import Depends, Query
from pydantic import BaseModel
from pydantic.json_schema import SkipJsonSchema
from sqlalchemy import Integer, Select, bindparam
from sqlalchemy.orm import InstrumentedAttribute

from app.db.prepared import prepared
from app.errors import MalformedCursor
from app.schemas import plain

DEFAULT_LIMIT = 50
LARGEST_LIMIT = 100
_VERSION = b"\x01"
PATTERN = "^A[Q-Za-f][A-Za-z0-9_-]{20}[AEIMQUYcgkosw048]$"  # said to clients, and not looked at: see `decode`

_CURSOR = "`next` of the page before; none for the first. Opaque: its form may change"
AnySelect = Select[*tuple[Any, ...]]
Item = TypeVar("Item", bound=BaseModel)


def encode(after: UUID) -> str:
    """The cursor of the page that starts after an id. Opaque: clients must not build or read one."""
    return urlsafe_b64encode(_VERSION + after.bytes).rstrip(b"=").decode()


def decode(cursor: str) -> UUID:
    """The id a cursor stands for. Raises MalformedCursor for everything `encode` does not make."""
    try:
        content = urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
    except (binascii.Error, ValueError):
        raise MalformedCursor from None
    if len(content) != 17 or content[:1] != _VERSION:
        raise MalformedCursor
    after = UUID(bytes=content[1:])
    if encode(after) != cursor:  # base64 decoders accept several spellings
        raise MalformedCursor
    return after


@dataclass(frozen=True)
class PageRequest:
    """Which page of a list a client asks for."""

    limit: int = DEFAULT_LIMIT
    after: UUID | None = None

    def of(
        self, statement: AnySelect, key: InstrumentedAttribute[UUID], **values: Any
    ) -> tuple[AnySelect, dict[str, Any]]:
        """What a session executes for this page and one row more, which tells whether there is another page.

        ``values`` are those of the statement, which must be made once, in a module.
        """
        values["page_size"] = self.limit + 1
        if self.after is None:
            return _first(statement, key), values
        values["page_after"] = self.after
        return _next(statement, key), values

    def cut(self, rows: Sequence[Any]) -> dict[str, Any]:
        """A page, from what the applied statement gave."""
        items = rows[: self.limit]
        return {"items": plain(items), "next": encode(items[-1].id) if len(rows) > self.limit else None}


@lru_cache  # one for each list there is
def _first(statement: AnySelect, key: InstrumentedAttribute[UUID]) -> AnySelect:
    return prepared(statement.order_by(key).limit(bindparam("page_size", type_=Integer)))


@lru_cache
def _next(statement: AnySelect, key: InstrumentedAttribute[UUID]) -> AnySelect:
    after = statement.where(key > bindparam("page_after", type_=key.type))
    return prepared(after.order_by(key).limit(bindparam("page_size", type_=Integer)))


async def page_request(
    limit: Annotated[int, Query(ge=1, le=LARGEST_LIMIT)] = DEFAULT_LIMIT,
    cursor: Annotated[str | None, Query(description=_CURSOR, json_schema_extra={"pattern": PATTERN})] = None,
) -> PageRequest:
    return PageRequest(limit, decode(cursor) if cursor is not None else None)


Paging = Annotated[PageRequest, Depends(page_request)]


Filter = Annotated[UUID | SkipJsonSchema[None], Query(description="Only those that refer to this one")]
"""An id that a list may be limited by; None for all."""


class Page(BaseModel, Generic[Item]):
    """One page of a list; `next` is the cursor of the one after it, or null at the end."""

    items: list[Item]
    next: str | None
