<%
    noun, singular, plural = names.noun, names.singular, names.plural
    ids = [f"{field.name}: Filter = None" for field in s.references]
    given = [f"{field.name}={field.name}" for field in s.references]
    may_lack = ", responses=MISSING" if s.references else ""
%>\
from typing import Any
from uuid import UUID

from fastapi import APIRouter, Request, Response

from app.db.session import ReadSession, Session
from app.etags import IfMatch, tag
from app.idempotency import IdempotentRoute
from app.openapi import problems
from app.pagination import Filter, Page, Paging
from app.routing import location
from app.schemas import AnyRow
from app.slices.${plural} import queries
from app.slices.${plural}.schemas import ${noun}Body, ${noun}Change, ${noun}Out

router = APIRouter(prefix="/${names.path}", tags=["${names.words}"], route_class=IdempotentRoute)
MISSING = problems("not-found")
CHANGING = problems("not-found", "precondition-failed", "precondition-required")


@router.post("", status_code=201, response_model=${noun}Out${may_lack})
async def create_${singular}(body: ${noun}Body, session: Session, request: Request, response: Response) -> AnyRow:
    ${singular} = await queries.create(session, body.model_dump())
    response.headers["Location"] = location(request, "read_${singular}", ${singular}_id=${singular}.id)
    return tag(response, ${singular})


@router.get("", response_model=Page[${noun}Out])
async def list_${plural}(${", ".join(["paging: Paging", "session: ReadSession", *ids])}) -> dict[str, Any]:
    return await queries.page(${", ".join(["session", "paging", *given])})


@router.get("/{${singular}_id}", response_model=${noun}Out, responses=MISSING)
async def read_${singular}(${singular}_id: UUID, session: ReadSession, response: Response) -> AnyRow:
    return tag(response, await queries.read(session, ${singular}_id))


@router.patch("/{${singular}_id}", response_model=${noun}Out, responses=CHANGING)
async def change_${singular}(
    ${singular}_id: UUID, body: ${noun}Change, seen: IfMatch, session: Session, response: Response
) -> AnyRow:
    return tag(response, await queries.change(session, ${singular}_id, seen, body.given()))


@router.delete("/{${singular}_id}", status_code=204, responses=CHANGING)
async def remove_${singular}(${singular}_id: UUID, seen: IfMatch, session: Session) -> None:
    await queries.remove(session, ${singular}_id, seen)
