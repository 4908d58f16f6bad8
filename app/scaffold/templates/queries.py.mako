<%
    noun, singular = names.noun, names.singular
    many = len(s.references) > 1
    no_such = "One of what it refers to is not there." if many else f"There is no such {s.one_reference}."
%>\
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import lru_cache
from typing import Any
from uuid import UUID

from sqlalchemy import Select, bindparam, delete, insert, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from app.db.faults import Fault, classify
from app.db.prepared import prepared
from app.errors import NotFound
from app.etags import Precondition, refusal
from app.pagination import PageRequest
from app.schemas import AnyRow
from app.slices.${names.plural}.models import ${noun}

FIELDS = (
    ${noun}.id,
    ${noun}.created_at,
    ${noun}.updated_at,
    ${noun}.created_by,
    ${noun}.version,
% for field in fields:
    ${noun}.${field.name},
% endfor
)
CREATE = prepared(insert(${noun}).returning(*FIELDS))
BY_ID = prepared(select(*FIELDS).where(${noun}.id == bindparam("${singular}_id")))
% if not s.references:
EVERY = select(*FIELDS)
% endif


def _missing(${singular}_id: UUID) -> NotFound:
    return NotFound(f"There is no ${names.word} {${singular}_id}.")


% if s.references:
@asynccontextmanager
async def _referring() -> AsyncIterator[None]:
    """The foreign keys are asked, not the tables before: what is deleted in between is found missing as well."""
    try:
        yield
    except IntegrityError as error:
        if classify(error) is Fault.FOREIGN_KEY:
            raise NotFound("${no_such}") from error
        raise


async def create(session: AsyncSession, values: dict[str, Any]) -> AnyRow:
    async with _referring():
        return (await session.execute(CREATE, values)).one()
% else:
async def create(session: AsyncSession, values: dict[str, Any]) -> AnyRow:
    return (await session.execute(CREATE, values)).one()
% endif


% if s.references:
@lru_cache  # one for each way to limit the list
def _those(*columns: str) -> Select[*tuple[Any, ...]]:
    return select(*FIELDS).where(*(getattr(${noun}, column) == bindparam(column) for column in columns))


async def page(session: AsyncSession, paging: PageRequest, **of: UUID | None) -> dict[str, Any]:
    """Those that refer to what ``of`` names, by column; None is left out."""
    given = {column: id_ for column, id_ in of.items() if id_ is not None}
    return paging.cut((await session.execute(*paging.of(_those(*given), ${noun}.id, **given))).all())
% else:
async def page(session: AsyncSession, paging: PageRequest) -> dict[str, Any]:
    return paging.cut((await session.execute(*paging.of(EVERY, ${noun}.id))).all())
% endif


async def read(session: AsyncSession, ${singular}_id: UUID) -> AnyRow:
    row = (await session.execute(BY_ID, {"${singular}_id": ${singular}_id})).one_or_none()
    if row is None:
        raise _missing(${singular}_id)
    return row


async def change(session: AsyncSession, ${singular}_id: UUID, seen: Precondition, values: dict[str, Any]) -> AnyRow:
    statement = (
        update(${noun})
        .where(${noun}.id == ${singular}_id, seen.holds(${noun}.version))
        .values(values | {"version": ${noun}.version + 1})
        .returning(*FIELDS)
    )
% if s.references:
    async with _referring():
        row = (await session.execute(statement)).one_or_none()
% else:
    row = (await session.execute(statement)).one_or_none()
% endif
    if row is None:
        raise await refusal(session, ${noun}.id == ${singular}_id, _missing(${singular}_id))
    return row


async def remove(session: AsyncSession, ${singular}_id: UUID, seen: Precondition) -> None:
    statement = delete(${noun}).where(${noun}.id == ${singular}_id, seen.holds(${noun}.version)).returning(${noun}.id)
    if (await session.execute(statement)).one_or_none() is None:
        raise await refusal(session, ${noun}.id == ${singular}_id, _missing(${singular}_id))
