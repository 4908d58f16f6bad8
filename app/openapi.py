"""The OpenAPI document: FastAPI's, with the problems an operation can answer."""

from collections.abc import Callable
from functools import partial
from typing import Any

from fastapi import FastAPI

from app.problems import CATALOGUE, MEDIA_TYPE, ProblemDocument

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


def install(app: FastAPI) -> None:
    app.openapi = partial(_document, app.openapi)  # type: ignore[method-assign]


def _document(generate: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    document = generate()
    schemas = document.setdefault("components", {}).setdefault("schemas", {})
    if "Problem" not in schemas:  # the document is made once
        problem = ProblemDocument.model_json_schema(ref_template=_REF)
        schemas |= problem.pop("$defs", {}) | {"Problem": problem}
        for unused in ("HTTPValidationError", "ValidationError"):
            schemas.pop(unused, None)
        for operation in (operation for path in document["paths"].values() for operation in path.values()):
            if "requestBody" in operation:
                operation["responses"] |= {str(status): answer for status, answer in WITH_A_BODY.items()}
    return document
