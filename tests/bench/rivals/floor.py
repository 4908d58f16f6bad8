"""The floor: Starlette's routes on asyncpg's pool, SQL by hand, orjson. No layer is left to take away.

asyncpg's pool asks the server to reset each connection that comes back, in a round trip of its own. No statement here
leaves anything to reset, so the floor does without.
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

import asyncpg
import orjson
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from tests.bench.rivals.wire import (
    POOL,
    PREFIX,
    UNSTORABLE,
    URL,
    WITH_TENANTS,
    Refused,
    decode,
    encode,
    seen,
    tenant,
    user,
)

_PROJECT = "id, created_at, updated_at, created_by, version, name"
_TASK = "id, created_at, updated_at, created_by, version, project_id, title"
_READ = f"SELECT {_PROJECT} FROM projects WHERE tenant_id = $1 AND id = $2"
_FIRST = f"SELECT {_PROJECT} FROM projects WHERE tenant_id = $1 ORDER BY id LIMIT $2"
_AFTER = f"SELECT {_PROJECT} FROM projects WHERE tenant_id = $1 AND id > $3 ORDER BY id LIMIT $2"
_CREATE = f"INSERT INTO projects (tenant_id, name, created_by) VALUES ($1, $2, $3) RETURNING {_PROJECT}"
_CHANGE = f"""
UPDATE projects SET name = $3, version = version + 1, updated_at = now()
 WHERE tenant_id = $1 AND id = $2 AND ($4::int[] IS NULL OR version = ANY ($4)) RETURNING {_PROJECT}
"""
_BATCH = f"""
INSERT INTO tasks (tenant_id, project_id, created_by, title)
SELECT $1, $2, $3, unnest($4::text[]) RETURNING {_TASK}
"""


@asynccontextmanager
async def _lifespan(app: Starlette) -> AsyncIterator[None]:
    async with asyncpg.create_pool(URL, min_size=POOL, max_size=POOL, reset=_keep) as pool:
        app.state.pool = pool
        yield


async def _keep(_: asyncpg.Connection) -> None:
    """As it is."""


async def _fetch(request: Request, statement: str, *values: Any) -> list[asyncpg.Record]:
    """In a transaction where there are tenants, else by itself."""
    async with request.app.state.pool.acquire() as connection:
        if WITH_TENANTS:
            async with connection.transaction():
                return list(await connection.fetch(statement, *values))
        return list(await connection.fetch(statement, *values))


def _json(content: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    body = orjson.dumps(content, default=str, option=orjson.OPT_UTC_Z)  # asyncpg's UUID is one of its own
    return Response(body, status, headers, "application/json")


def _one(row: asyncpg.Record, status: int = 200, **headers: str) -> Response:
    return _json(dict(row), status, {"ETag": f'"{row["version"]}"', **headers})


def _id(request: Request) -> UUID:
    try:
        return UUID(request.path_params["id"])
    except ValueError:
        raise Refused(422) from None


async def _body(request: Request, field: str, kind: type[Any]) -> Any:
    """The one field of a body."""
    if "json" not in request.headers.get("content-type", ""):
        raise Refused(415)
    try:
        body = orjson.loads(await request.body())
    except orjson.JSONDecodeError:
        raise Refused(422) from None
    return _field(body, field, kind)


def _field(body: Any, field: str, kind: type[Any]) -> Any:
    if not isinstance(body, dict) or body.keys() != {field} or not isinstance(body[field], kind):
        raise Refused(422)
    return body[field]


def _text(value: str) -> str:
    value = value.strip()
    if not 1 <= len(value) <= 200 or UNSTORABLE.search(value):
        raise Refused(422)
    return value


async def create_project(request: Request) -> Response:
    name = _text(await _body(request, "name", str))
    row = (await _fetch(request, _CREATE, tenant(request.headers), name, user(request.headers)))[0]
    return _one(row, 201, Location=f"{PREFIX}/projects/{row['id']}")


async def read_project(request: Request) -> Response:
    rows = await _fetch(request, _READ, tenant(request.headers), _id(request))
    if not rows:
        raise Refused(404)
    return _one(rows[0])


async def list_projects(request: Request) -> Response:
    limit = request.query_params.get("limit", "50")
    if not limit.isdecimal() or not 1 <= (size := int(limit)) <= 100:
        raise Refused(422)
    cursor, values = request.query_params.get("cursor"), [tenant(request.headers), size + 1]
    rows = await (_fetch(request, _AFTER, *values, decode(cursor)) if cursor else _fetch(request, _FIRST, *values))
    return _json(_page(rows, size))


def _page(rows: Sequence[asyncpg.Record], size: int) -> dict[str, Any]:
    items = [dict(row) for row in rows[:size]]
    return {"items": items, "next": encode(items[-1]["id"]) if len(rows) > size else None}


async def change_project(request: Request) -> Response:
    versions, whose, project = seen(request.headers.get("If-Match")), tenant(request.headers), _id(request)
    name = _text(await _body(request, "name", str))
    rows = await _fetch(request, _CHANGE, whose, project, name, versions)
    if not rows:
        raise Refused(412 if await _fetch(request, _READ, whose, project) else 404)
    return _one(rows[0])


async def create_tasks(request: Request) -> Response:
    tasks = await _body(request, "tasks", list)
    if not 1 <= len(tasks) <= 1000:
        raise Refused(422)
    titles = [_text(_field(task, "title", str)) for task in tasks]
    try:
        rows = await _fetch(request, _BATCH, tenant(request.headers), _id(request), user(request.headers), titles)
    except asyncpg.ForeignKeyViolationError:
        raise Refused(404) from None
    return _json({"items": [dict(row) for row in rows]}, 201)


async def live(_: Request) -> Response:
    return PlainTextResponse("ok")


async def refuse(_: Request, error: Exception) -> Response:
    assert isinstance(error, Refused)
    return _json({"status": error.status}, error.status)


app = Starlette(
    routes=[
        Route("/livez", live),
        Route(f"{PREFIX}/projects", create_project, methods=["POST"]),
        Route(f"{PREFIX}/projects", list_projects),
        Route(f"{PREFIX}/projects/{{id}}", read_project),
        Route(f"{PREFIX}/projects/{{id}}", change_project, methods=["PATCH"]),
        Route(f"{PREFIX}/projects/{{id}}/tasks:batch", create_tasks, methods=["POST"]),
    ],
    exception_handlers={Refused: refuse},
    lifespan=_lifespan,
)
