"""Keys of requests, and which operations take one."""

from collections.abc import Iterator
from typing import Any

import pytest
from fastapi.dependencies.models import Dependant
from fastapi.routing import RouteContext, iter_route_contexts
from pydantic import SecretStr

from app.db.session import _transaction
from app.errors import MalformedIdempotencyKey
from app.idempotency import IdempotentRoute, fingerprint, parse
from app.main import create_app
from app.settings import Settings

UUID = "8e03978e-40d5-43dd-bc93-6894a57f9324"
APP = create_app(Settings(database_url=SecretStr("postgresql://u@h/d?sslmode=disable"), metrics_port=0))


@pytest.mark.parametrize(
    ("headers", "key"), [([], None), ([UUID], UUID), ([f'"{UUID}"'], UUID), (["a"], "a"), (["x" * 255], "x" * 255)]
)
def test_a_key_is_read(headers: list[str], key: str | None) -> None:
    """None without the header; in the draft's double quotes or without, it is the same key."""
    assert parse(headers) == key


@pytest.mark.parametrize(
    "headers",
    [[""], ['""'], ["x" * 256], ["a b"], ["a,b"], ['"a'], ['a"'], ["a\\b"], ["ä"], ["a\n"], [UUID, UUID], ["'a'"]],
)
def test_a_malformed_key_is_refused(headers: list[str]) -> None:
    """Empty, too long, of other characters, half quoted, or twice: which one would count?"""
    with pytest.raises(MalformedIdempotencyKey):
        parse(headers)


def test_each_part_of_a_request_is_in_its_fingerprint() -> None:
    """Method, address, user and body, and where one ends and the next begins."""
    requests: list[tuple[str, str, str | None, bytes]] = [
        ("POST", "/a", None, b"{}"),
        ("PUT", "/a", None, b"{}"),
        ("POST", "/b", None, b"{}"),
        ("POST", "/a", "me", b"{}"),
        ("POST", "/a", None, b"{ }"),
        ("POST", "/am", "e", b"{}"),
        ("POST", "/a", "", b"{}x"),
    ]
    assert len({fingerprint(*request) for request in requests}) == len(requests)
    assert fingerprint(*requests[0]) == fingerprint(*requests[0])


def posts() -> list[RouteContext]:
    return [context for context in iter_route_contexts(APP.routes) if "POST" in (context.methods or ())]


def _calls(dependant: Dependant) -> Iterator[Any]:
    yield dependant.call
    for child in dependant.dependencies:
        yield from _calls(child)


@pytest.mark.parametrize("route", posts(), ids=lambda route: route.name)
def test_every_post_can_be_repeated(route: RouteContext) -> None:
    """A slice's router has the route class, and its POSTs work in the session's one transaction."""
    assert isinstance(route.original_route, IdempotentRoute), "give its router route_class=IdempotentRoute"
    assert _transaction in _calls(route.dependant), "a POST works in a Session"


def test_every_post_says_so() -> None:
    """The OpenAPI document has the header and its problems at each POST, and nowhere else."""
    operations = [one for path in APP.openapi()["paths"].values() for one in path.items()]
    assert len([method for method, _ in operations if method == "post"]) == len(posts()) > 0
    for method, operation in operations:
        names = [parameter["name"] for parameter in operation.get("parameters", [])]
        assert names.count("Idempotency-Key") == (method == "post")
        if method == "post":
            assert {"400", "409", "422"} <= set(operation["responses"])
            assert "Idempotent-Replayed" in operation["responses"]["201"]["headers"]
