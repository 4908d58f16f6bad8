"""The OpenAPI document: FastAPI's, with the problems an operation can answer."""

from collections.abc import Callable
from functools import partial
from typing import Any

from fastapi import FastAPI

from app import etags, idempotency
from app.problems import CATALOGUE, MEDIA_TYPE, ProblemDocument
from app.settings import TenantSource
from app.tenancy import TENANT_HEADER, USER_HEADER

_REF = "#/components/schemas/{model}"


def problems(*slugs: str) -> dict[int | str, dict[str, Any]]:
    """The ``responses`` of an operation that can answer with these problems."""
    return {
        CATALOGUE[slug].status: {
            "description": CATALOGUE[slug].title,
            "content": {MEDIA_TYPE: {"schema": {"$ref": _REF.format(model="Problem")}}},
        }
        for slug in slugs
    }


EVERYWHERE = problems("bad-request", "validation", "internal", "database-unavailable")
WITH_A_BODY = problems("payload-too-large", "unsupported-media-type")
REPEATABLE = problems("idempotency-key-in-use")
KEY = {
    "name": idempotency.HEADER,
    "in": "header",
    "required": False,
    "description": "Made by the client for this one request. The same request with the same key is carried out once: a "
    "client that got 503, 409 with Retry-After, or no answer at all sends it again.",
    "schema": {"type": "string", "pattern": f"^(?:{idempotency.PATTERN})$"},
}
IF_MATCH = {
    "name": etags.IF_MATCH,
    "in": "header",
    "required": True,
    "description": "The ETag of the resource as it was read, or `*` for whatever it is now.",
    "schema": {"type": "string", "pattern": f"^(?:{etags.PATTERN})$"},
}
REPLAYED = {"description": "`true` where this is the answer of the first time", "schema": {"type": "string"}}


_TENANT = {"type": "apiKey", "in": "header", "name": TENANT_HEADER}
_USER = {"type": "apiKey", "in": "header", "name": USER_HEADER}
_TOKEN = {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}
SECURITY: dict[TenantSource, tuple[dict[str, Any], list[dict[str, list[str]]]]] = {
    "none": ({}, []),
    "header": ({"tenant": _TENANT, "user": _USER}, [{"tenant": [], "user": []}, {"tenant": []}]),
    "jwt": ({"token": _TOKEN}, [{"token": []}]),
}
"""How a client says who it is, as security schemes, and which of them are needed: /docs then has fields for them."""


def everywhere(source: TenantSource) -> dict[int | str, dict[str, Any]]:
    """The problems any operation can answer."""
    return EVERYWHERE | (problems("unauthenticated") if source == "jwt" else {})


def install(app: FastAPI, source: TenantSource) -> None:
    app.openapi = partial(_document, app.openapi, source)  # type: ignore[method-assign]


def _document(generate: Callable[[], dict[str, Any]], source: TenantSource) -> dict[str, Any]:
    document = generate()
    schemas = document.setdefault("components", {}).setdefault("schemas", {})
    if "Problem" not in schemas:  # the document is made once
        problem = ProblemDocument.model_json_schema(ref_template=_REF)
        schemas |= problem.pop("$defs", {}) | {"Problem": problem}
        if source != "none":
            document["components"]["securitySchemes"], document["security"] = SECURITY[source]
        for unused in ("HTTPValidationError", "ValidationError"):
            schemas.pop(unused, None)
        for path in document["paths"].values():
            for method, operation in path.items():
                if "requestBody" in operation:
                    operation["responses"] |= _by_status(WITH_A_BODY)
                if "428" in operation["responses"]:
                    operation.setdefault("parameters", []).append(IF_MATCH)
                if method == "post":
                    _make_repeatable(operation)
    return document


def _make_repeatable(operation: dict[str, Any]) -> None:
    """Say of an operation what `app.idempotency.IdempotentRoute` gives it."""
    operation.setdefault("parameters", []).append(KEY)
    operation["responses"] |= _by_status(REPEATABLE)
    for status, answer in operation["responses"].items():
        if status.startswith("2"):
            answer.setdefault("headers", {})[idempotency.REPLAYED] = REPLAYED


def _by_status(responses: dict[int | str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
    return {str(status): answer for status, answer in responses.items()}
