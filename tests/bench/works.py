"""The work: what is asked, of whom, and beside what it is measured."""

import itertools
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from tests.bench.client import request
from tests.bench.ground import TENANT, Ground, Rows
from tests.bench.sites import Site

PROJECTS = "/api/v1/projects"
_AS_TENANT = {"X-Tenant-Id": str(TENANT), "X-User-Id": "user-1"}
_numbers = itertools.count(1)

Requests = Callable[[Ground, int], list[bytes]]
"""So many requests, for one round."""


@dataclass(frozen=True)
class Cell:
    """One of those that are measured side by side."""

    label: str
    site: Site
    requests: Requests
    status: int = 200


@dataclass(frozen=True)
class Work:
    name: str
    title: str
    count: int
    """Requests of a round."""
    cells: tuple[Cell, ...]


def _whose(ground: Ground, tenant: bool) -> tuple[Rows, Mapping[str, str]]:
    return (ground.tenants, _AS_TENANT) if tenant else (ground.nobodys, {})


def reads(*, tenant: bool = False) -> Requests:
    def make(ground: Ground, count: int) -> list[bytes]:
        rows, headers = _whose(ground, tenant)
        ids = itertools.islice(itertools.cycle(rows.ids), count)
        return [request("GET", f"{PROJECTS}/{project}", headers=headers) for project in ids]

    return make


def creates(*, keys: bool = False) -> Requests:
    def make(_: Ground, count: int) -> list[bytes]:
        numbers = list(itertools.islice(_numbers, count))
        headers = [{"Idempotency-Key": f"bench-{number}"} if keys else {} for number in numbers]
        bodies = [json.dumps({"name": f"made {number}"}).encode() for number in numbers]
        return [request("POST", PROJECTS, body, header) for body, header in zip(bodies, headers, strict=True)]

    return make


def lists(*, last: bool = False, tenant: bool = False) -> Requests:
    """The first page of 100, or the thousandth."""

    def make(ground: Ground, count: int) -> list[bytes]:
        rows, headers = _whose(ground, tenant)
        cursor = f"&cursor={rows.page_1000}" if last else ""
        return [request("GET", f"{PROJECTS}?limit=100{cursor}", headers=headers)] * count

    return make


def updates() -> Requests:
    """Of projects that are as they were made, so that their ETag is known."""

    def make(ground: Ground, count: int) -> list[bytes]:
        ids = [ground.nobodys.unchanged.pop() for _ in range(count)]
        body = json.dumps({"name": "changed"}).encode()
        return [request("PATCH", f"{PROJECTS}/{project}", body, {"If-Match": '"1"'}) for project in ids]

    return make


def batches(size: int = 1000) -> Requests:
    def make(ground: Ground, count: int) -> list[bytes]:
        body = json.dumps({"tasks": [{"title": f"task {number}"} for number in range(size)]}).encode()
        return [request("POST", f"{PROJECTS}/{ground.nobodys.ids[0]}/tasks:batch", body)] * count

    return make


def gets(path: str) -> Requests:
    def make(_: Ground, count: int) -> list[bytes]:
        return [request("GET", path)] * count

    return make


def _three(name: str, title: str, count: int, requests: Requests, status: int = 200) -> Work:
    """Floor, textbook and app beside each other."""
    cells = (
        Cell("floor", Site("floor"), requests, status),
        Cell("textbook", Site("textbook"), requests, status),
        Cell("plinth", Site("plinth"), requests, status),
    )
    return Work(name, title, count, cells)


def _tenants(name: str, title: str, count: int, requests: Requests) -> Work:
    """The rivals' own transaction with a tenant filter, beside the app with tenants, without and with RLS."""
    cells = (
        Cell("floor", Site("floor", tenants=True), requests),
        Cell("textbook", Site("textbook", tenants=True), requests),
        Cell("plinth", Site("plinth", tenants=True), requests),
        Cell("plinth-rls", Site("plinth", tenants=True, protected=True), requests),
    )
    return Work(name, title, count, cells)


_PLINTH = Site("plinth")
WORKS = {
    work.name: work
    for work in (
        _three("read", "read by id", 1000, reads()),
        _three("create", "create", 600, creates(), 201),
        _three("list", "list of 100, page 1", 400, lists()),
        _three("list-1000", "list of 100, page 1,000", 200, lists(last=True)),
        _three("update", "update with If-Match", 400, updates()),
        _three("batch", "batch of 1,000", 8, batches(), 201),
        _tenants("read-tenant", "read by id, with tenants", 600, reads(tenant=True)),
        _tenants("list-tenant", "list of 100, page 1, with tenants", 200, lists(tenant=True)),
        _tenants("list-1000-tenant", "list of 100, page 1,000, with tenants", 200, lists(last=True, tenant=True)),
        Work(
            "idempotent",
            "create with an Idempotency-Key",
            400,
            (
                Cell("without", _PLINTH, creates(), 201),
                Cell("with", _PLINTH, creates(keys=True), 201),
            ),
        ),
        Work(
            "probes",
            "probes",
            2000,
            (Cell("livez", _PLINTH, gets("/livez")), Cell("readyz", _PLINTH, gets("/readyz"))),
        ),
    )
}
