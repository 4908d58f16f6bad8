"""Two tenants at once, on a pool of two, with cancellations and rollbacks: never a row of the other."""

import asyncio
import json
import os
import random
from collections import Counter
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from app.db.context import Context
from app.main import create_app
from tests.api import running, serving
from tests.issuer import issuing
from tests.servers.databases import TestDatabase, fetch
from tests.tenants import HEADERS, ONE, TWO, protect, without_the_apps_filter

REQUESTS = 10_000 if os.environ.get("LONG") == "1" else 1_500
AT_ONCE = 8
URL = "/api/v1/projects"
NOWHERE = UUID(int=9)


@dataclass
class Tenants:
    """Sends requests in turns of both tenants, and keeps what was answered."""

    app: Any
    chance: random.Random = field(default_factory=lambda: random.Random(49))  # noqa: S311 - repeatable, no secret
    known: dict[Context, list[str]] = field(default_factory=lambda: {ONE: [], TWO: []})
    outcomes: Counter[str] = field(default_factory=Counter)
    foreign: list[Any] = field(default_factory=list)

    async def run(self, requests: int) -> None:
        left = iter(range(requests))

        async def worker() -> None:
            for number in left:
                await self.one(ONE if number % 2 else TWO)

        await asyncio.gather(*(worker() for _ in range(AT_ONCE)))

    async def one(self, who: Context) -> None:
        """One request, which is cancelled now and then in the middle of whatever it does."""
        method, url, body = self.choose(who)
        asking = asyncio.create_task(self.send(who, method, url, body))
        if self.chance.random() < 0.05:
            await asyncio.wait({asking}, timeout=self.chance.random() * 0.01)
            asking.cancel()
        await asyncio.wait({asking})
        if asking.cancelled():
            self.outcomes["cancelled"] += 1
            return
        status, answer = asking.result()
        self.outcomes[str(status)] += 1
        self.look(who, status, answer)

    def choose(self, who: Context) -> tuple[str, str, Any]:
        """Creates, lists, reads; and what ends in a rollback, or asks for a row of the other."""
        mine = self.known[who][-50:] or [str(NOWHERE)]
        others = self.known[TWO if who is ONE else ONE][-50:] or [str(NOWHERE)]
        url = f"{URL}/{self.chance.choice(mine)}"
        return self.chance.choices(
            [
                ("POST", URL, {"name": who.user_id}),
                ("GET", f"{URL}?limit=20", None),
                ("GET", url, None),
                ("POST", f"{url}/tasks", {"title": who.user_id}),
                ("GET", f"{url}/tasks", None),
                ("POST", f"{URL}/{NOWHERE}/tasks", {"title": who.user_id}),  # rolled back by its foreign key
                ("PATCH", url, {"name": "never"}),  # rolled back by its If-Match
                ("GET", f"{URL}/{self.chance.choice(others)}", None),
                ("POST", f"{URL}/{self.chance.choice(others)}/tasks", {"title": who.user_id}),
            ],
            weights=[2, 4, 3, 2, 2, 1, 1, 2, 1],
        )[0]

    async def send(self, who: Context, method: str, url: str, body: Any) -> tuple[int, Any]:
        """Straight into the app: a client library would be most of the time."""
        path, _, query = url.partition("?")
        headers = {**HEADERS[who], "If-Match": '"99"', "Content-Type": "application/json"}
        scope = {
            "type": "http", "http_version": "1.1", "method": method, "scheme": "http", "path": path, "root_path": "",
            "query_string": query.encode(), "headers": [(k.lower().encode(), v.encode()) for k, v in headers.items()],
            "server": ("api", 80), "client": ("test", 1), "state": {},
        }  # fmt: skip
        sent: list[Any] = []

        async def receive() -> Any:
            return {"type": "http.request", "body": json.dumps(body).encode() if body else b""}

        async def send(message: Any) -> None:
            sent.append(message)

        await self.app(scope, receive, send)
        return sent[0]["status"], json.loads(b"".join(part.get("body", b"") for part in sent[1:]))

    def look(self, who: Context, status: int, answer: Any) -> None:
        """Every row that was answered says whose it is."""
        items = answer.get("items", [answer]) if status < 300 else []
        for item in items:
            marks = {item["created_by"], item.get("name", item.get("title"))}
            if marks != {who.user_id}:
                self.foreign.append((who.user_id, item))
        if status == 201 and "name" in answer:
            self.known[who].append(answer["id"])


async def interleave(database: TestDatabase, requests: int) -> Tenants:
    """Requests of both tenants on a pool of two, under row-level security, and with the app's own filter off."""
    await protect(database)
    settings = database.settings.model_copy(
        update={
            "tenant_source": "header", "rls_required": True, "database_pool_timeout": 60.0,
            "database_pool_size": 2, "database_pool_overflow": 0,
        }
    )  # fmt: skip
    tenants = Tenants(create_app(settings))
    with without_the_apps_filter():
        async with running(tenants.app):
            await tenants.run(requests)
    assert sum(tenants.outcomes.values()) == requests
    assert set(tenants.outcomes) == {"200", "201", "404", "412", "cancelled"}, tenants.outcomes
    assert min(tenants.outcomes.values()) > requests / 100, tenants.outcomes
    return tenants


async def test_interleaved_requests_never_meet_the_others_rows(database: TestDatabase) -> None:
    """With the app's own filter off: 0 foreign rows seen, 0 written, every request answered."""
    tenants = await interleave(database, REQUESTS)
    assert tenants.foreign == []
    assert await misplaced(database) == 0


async def test_a_tokens_tenant_and_user_reach_the_row(database: TestDatabase) -> None:
    """What the issuer signed is whose the row is, and whose rows are shown; other headers say nothing."""
    await protect(database)
    with issuing() as issuer:
        settings = database.settings.model_copy(update=issuer.settings | {"rls_required": True})
        async with serving(settings) as client:
            first, second = (issuer.bearer(str(who.tenant_id), sub=who.user_id) for who in (ONE, TWO))
            made = await client.post(URL, json={"name": "one"}, headers=first | {"X-Tenant-Id": str(TWO.tenant_id)})
            assert (made.status_code, made.json()["created_by"]) == (201, ONE.user_id)
            assert (await client.get(made.headers["location"], headers=first)).status_code == 200
            assert (await client.get(made.headers["location"], headers=second | HEADERS[ONE])).status_code == 404
    assert (await fetch(database.superuser_uri, "SELECT tenant_id FROM projects"))[0][0] == ONE.tenant_id


async def misplaced(database: TestDatabase) -> int:
    """Rows whose tenant is not the one whose user made them, as a superuser sees them."""
    query = """
        SELECT count(*) FROM (SELECT tenant_id, created_by, name AS mark FROM projects
                               UNION ALL SELECT tenant_id, created_by, title FROM tasks) AS rows
         WHERE (tenant_id, created_by, mark) NOT IN (($1, $2, $2), ($3, $4, $4))"""
    values = (ONE.tenant_id, ONE.user_id, TWO.tenant_id, TWO.user_id)
    return int((await fetch(database.superuser_uri, query, *values))[0][0])
