"""Optimistic concurrency: a resource's version as its ETag, and If-Match as a condition on it."""

import re
from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Request, Response
from sqlalchemy import ColumnElement, exists, select, true
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import InstrumentedAttribute

from app.errors import BadRequest, NotFound, PlinthError, PreconditionFailed, PreconditionRequired
from app.schemas import AnyRow

IF_MATCH = "If-Match"
PATTERN = r'\*|"[1-9][0-9]{0,8}"'
"""What a client sends that does as it is told; every other list of ETags is understood too."""

_TAG = r'(?:W/)?"[\x21\x23-\x7e\x80-\xff]*"'
_TAGS = re.compile(rf"\s*{_TAG}(?:\s*,\s*{_TAG})*\s*")
_VERSION = re.compile(r'(?<!/)"([1-9][0-9]{0,8})"')


def etag(version: int) -> str:
    return f'"{version}"'


def tag(response: Response, row: AnyRow) -> AnyRow:
    """Give a response the ETag of the row it shows."""
    response.headers["ETag"] = etag(row.version)
    return row


@dataclass(frozen=True)
class Precondition:
    """The versions a client has seen; None where any will do (``*``)."""

    versions: frozenset[int] | None

    def holds(self, version: InstrumentedAttribute[int]) -> ColumnElement[bool]:
        """As a condition of the statement that makes the change, so that nothing comes between check and change."""
        return true() if self.versions is None else version.in_(self.versions)


def parse(header: str) -> Precondition:
    """The precondition an If-Match header states. Weak tags and foreign ones are legal, and match no version."""
    if header.strip() == "*":
        return Precondition(None)
    if not _TAGS.fullmatch(header):
        raise BadRequest('If-Match must be * or ETags as this service gave them out, for example "3".')
    return Precondition(frozenset(int(version) for version in _VERSION.findall(header)))


async def refusal(session: AsyncSession, is_it: ColumnElement[bool], missing: NotFound) -> PlinthError:
    """Why a conditional change found no row: it is not there, or it is of another version."""
    there = await session.scalar(select(exists().where(is_it)))
    return PreconditionFailed() if there else missing


async def if_match(request: Request) -> Precondition:
    headers = request.headers.getlist(IF_MATCH)
    if not headers:
        raise PreconditionRequired
    return parse(",".join(headers))  # several lines are one list (RFC 9110)


IfMatch = Annotated[Precondition, Depends(if_match)]
