"""Every error as a problem document (RFC 9457), and what each problem type means."""

import html
import random
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse, JSONResponse, Response
from fastapi.routing import iter_route_contexts
from pydantic import BaseModel, ConfigDict, Field
from starlette.exceptions import HTTPException
from starlette.routing import Match

from app.errors import NotFound, PlinthError, Unauthenticated

MEDIA_TYPE = "application/problem+json"
RETRY_AFTER_SECONDS = (1, 5)
"""Between these a client is told to wait: a spread, so that they do not all return at once."""


@dataclass(frozen=True)
class Problem:
    """One kind of problem: the last part of its type, and what it means for the reader."""

    slug: str
    status: int
    title: str
    meaning: str

    @property
    def type(self) -> str:
        return f"/problems/{self.slug}"


VALIDATION = Problem(
    "validation",
    422,
    "Invalid request",
    "Something in the path, the query or the body is not as the API describes it; `errors` says what and where.",
)

STOPPING = Problem(
    "stopping", 503, "Stopping", "This process is stopping and could not finish the request in time; try again."
)


def _from_error(error: type[PlinthError]) -> Problem:
    return Problem(error.slug, error.status, error.title, " ".join((error.__doc__ or "").split()))


def _from_status(status: HTTPStatus) -> Problem:
    meaning = (status.description or status.phrase).removesuffix(".") + "."
    slug = re.sub(r"[^a-z]+", "-", status.phrase.lower().replace("'", ""))
    return Problem(slug, int(status), status.phrase.capitalize(), meaning)


def _answers(error: type[PlinthError]) -> Iterator[type[PlinthError]]:
    """The errors that a client can be shown: those with a problem type of their own."""
    if "slug" in vars(error):
        yield error
    for child in error.__subclasses__():
        yield from _answers(child)


def _catalogue() -> dict[str, Problem]:
    known = [*(_from_error(error) for error in _answers(PlinthError)), VALIDATION, STOPPING]
    statuses = {problem.status for problem in known} - {503}
    known += [_from_status(status) for status in HTTPStatus if status >= 400 and status not in statuses]
    return {problem.slug: problem for problem in known}


CATALOGUE = _catalogue()
"""All problem types there are, by slug."""

_BY_STATUS = {problem.status: problem for problem in reversed(CATALOGUE.values())} | {
    422: VALIDATION,
    503: _from_status(HTTPStatus.SERVICE_UNAVAILABLE),
    500: CATALOGUE["internal"],
}


class InvalidInput(BaseModel):
    """One thing that is wrong with a request."""

    location: str = Field(description="`body`, `query`, `path` or `header`", examples=["body"])
    pointer: str = Field(description="JSON pointer into the body, or the parameter's name", examples=["#/name"])
    detail: str = Field(examples=["String should have at least 1 character"])


class ProblemDocument(BaseModel):
    """A problem as RFC 9457 describes it."""

    model_config = ConfigDict(json_schema_extra={"title": "Problem"})

    type: str = Field(examples=["/problems/not-found"])
    title: str = Field(examples=["Not found"])
    status: int = Field(examples=[404])
    detail: str = Field(examples=["There is no such project."])
    instance: str = Field(description="Path of the request", examples=["/api/v1/projects/1"])
    request_id: str | None = Field(default=None, description="Identifies the request in the service's logs")
    errors: list[InvalidInput] | None = None


def respond(
    request: Request,
    problem: Problem,
    detail: str | None = None,
    *,
    headers: Mapping[str, str] | None = None,
    invalid: Sequence[InvalidInput] = (),
) -> Response:
    """The response that tells a client of a problem."""
    document = ProblemDocument(
        type=problem.type,
        title=problem.title,
        status=problem.status,
        detail=detail or problem.meaning,
        instance=request.url.path,
        request_id=request.scope.get("state", {}).get("request_id"),
        errors=list(invalid) or None,
    )
    return Response(
        document.model_dump_json(exclude_none=True),
        status_code=problem.status,
        headers={"Cache-Control": "no-store", **(headers or {})},
        media_type=MEDIA_TYPE,
    )


def retry_after() -> dict[str, str]:
    return {"Retry-After": str(random.randint(*RETRY_AFTER_SECONDS))}  # noqa: S311 - a spread, no secret


def respond_to_error(request: Request, error: PlinthError) -> Response:
    """The response to one of our own errors. What a 5xx says is its class's sentence, never the cause's."""
    headers = retry_after() if error.retry_after else {}
    if isinstance(error, Unauthenticated):
        headers["WWW-Authenticate"] = error.challenge
    detail = str(error) if error.status < 500 else None
    return respond(request, _from_error(type(error)), detail, headers=headers)


async def _on_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, PlinthError)  # noqa: S101 - registered for it alone
    return respond_to_error(request, error)


async def _on_validation(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)  # noqa: S101
    if _is_not_json(request, error):
        return respond(request, _BY_STATUS[415], "The body must be JSON, sent with Content-Type: application/json.")
    invalid = [_invalid_input(item) for item in error.errors()]
    first = invalid[0]
    more = f" ({len(invalid) - 1} more in `errors`)" if len(invalid) > 1 else ""
    return respond(request, VALIDATION, f"{first.location} {first.pointer}: {first.detail}{more}.", invalid=invalid)


async def _on_http_exception(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101
    problem = _BY_STATUS[error.status_code]
    standard = HTTPStatus(error.status_code).phrase
    detail = error.detail if error.detail != standard and error.status_code < 500 else None
    headers = {"Allow": _allowed(request)} if error.status_code == 405 else error.headers
    return respond(request, problem, detail, headers=headers)


def _allowed(request: Request) -> str:
    """All methods this address knows; Starlette names those of the first route only."""
    methods: set[str] = set()
    for route in iter_route_contexts(request.app.routes):
        if route.matches(request.scope)[0] is not Match.NONE:
            methods |= route.methods or set()
    return ", ".join(sorted(methods))


def _is_not_json(request: Request, error: RequestValidationError) -> bool:
    """Whether there is a body that was not even read as JSON, as nobody said that it is."""
    whole = any(item["loc"] == ("body",) for item in error.errors())
    return whole and isinstance(error.body, bytes) and "json" not in request.headers.get("content-type", "")


def _invalid_input(item: Mapping[str, Any]) -> InvalidInput:
    location, *path = item["loc"]
    detail = str(item["msg"]).removeprefix("Value error, ").removesuffix(".")
    if item["type"] == "json_invalid":
        return InvalidInput(location="body", pointer="#", detail=f"not JSON at character {path[0]}")
    if location == "body":
        return InvalidInput(location="body", pointer=_pointer(path), detail=detail)
    return InvalidInput(location=location, pointer=str(path[0]), detail=detail)


def _pointer(path: Sequence[str | int]) -> str:
    """A JSON pointer (RFC 6901) as a URI fragment."""
    return "#" + "".join(f"/{str(part).replace('~', '~0').replace('/', '~1')}" for part in path)


async def _explain(request: Request) -> Response:
    """What a problem type means: HTML for a browser, else JSON."""
    problem = CATALOGUE.get(request.path_params["slug"])
    if problem is None:
        raise NotFound("There is no such problem type.")
    if "text/html" in request.headers.get("accept", ""):
        return HTMLResponse(
            f"<!doctype html><title>{html.escape(problem.title)}</title><h1>{html.escape(problem.title)}</h1>"
            f"<p>HTTP status {problem.status}</p><p>{html.escape(problem.meaning)}</p>"
        )
    return JSONResponse(
        {"type": problem.type, "title": problem.title, "status": problem.status, "detail": problem.meaning}
    )


def install(app: FastAPI) -> None:
    """Make an app answer with problems, and explain them under ``/problems/<slug>``."""
    app.add_exception_handler(PlinthError, _on_error)
    app.add_exception_handler(RequestValidationError, _on_validation)
    app.add_exception_handler(HTTPException, _on_http_exception)
    app.router.add_route("/problems/{slug}", _explain, methods=["GET"], include_in_schema=False)
