"""A POST with an Idempotency-Key is carried out once, on both servers."""

import asyncio
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import httpx2
import pytest
from sqlalchemy import event

from app import idempotency
from app.db import idempotency as table
from app.db.row_level_security import enable
from app.main import create_app
from tests.api import running, serving, until
from tests.servers.databases import TestDatabase, app_settings
from tests.servers.pgbouncer import PgBouncer

URL = "/api/v1/projects"
BODY = {"name": "house"}
REPLAYED = "idempotent-replayed"
TENANTS = [{"X-Tenant-Id": str(UUID(int=number)), "X-User-Id": f"user-{number}"} for number in (1, 2)]


def key(value: str | None = None) -> dict[str, str]:
    return {"Idempotency-Key": value or str(uuid4())}


def problem(response: httpx2.Response) -> tuple[int, str]:
    return response.status_code, response.json()["type"].removeprefix("/problems/")


async def count(database: TestDatabase, name: str = "projects") -> int:
    return int(await database.fetchval(f"SELECT count(*) FROM {name}"))


async def test_the_same_request_is_answered_the_same(database: TestDatabase, client: httpx2.AsyncClient) -> None:
    """One row; the second answer has status, body and headers of the first, and says that it is a replay."""
    one = key()
    first, second = [await client.post(URL, json=BODY, headers=one) for _ in range(2)]
    assert (first.status_code, REPLAYED in first.headers) == (201, False)
    assert (second.status_code, second.content, second.headers[REPLAYED]) == (201, first.content, "true")
    for name in ("etag", "location", "content-type", "content-length"):
        assert second.headers[name] == first.headers[name]
    assert await count(database) == 1


async def test_a_batch_is_answered_the_same(database: TestDatabase, client: httpx2.AsyncClient) -> None:
    """1,000 tasks, with the longest titles there are, are made once."""
    project = (await client.post(URL, json=BODY)).headers["location"]
    one, tasks = key(), {"tasks": [{"title": "\N{CJK RADICAL REPEAT}" * 200}] * 1000}
    first, second = [await client.post(f"{project}/tasks:batch", json=tasks, headers=one) for _ in range(2)]
    assert (second.content, second.headers[REPLAYED]) == (first.content, "true")
    assert await count(database, "tasks") == 1000
    assert len(first.content) < idempotency.LARGEST_ANSWER


async def test_a_key_is_for_one_request(database: TestDatabase, client: httpx2.AsyncClient) -> None:
    """422 for another body, query or path under the same key; nothing is done."""
    one = key()
    location = (await client.post(URL, json=BODY, headers=one)).headers["location"]
    others = [(URL, {"name": "other"}), (f"{URL}?a=1", BODY), (f"{location}/tasks", {"title": "roof"})]
    for url, body in others:
        assert problem(await client.post(url, json=body, headers=one)) == (422, "idempotency-key-reused")
    assert (await count(database), await count(database, "tasks")) == (1, 0)


async def test_a_malformed_key_is_told_in_one_sentence(database: TestDatabase, client: httpx2.AsyncClient) -> None:
    """400, and nothing is done; where no key is looked at, its form does not matter."""
    twice = [("Idempotency-Key", "a"), ("Idempotency-Key", "b")]
    for headers in (key("a b"), key("x" * 256), twice):
        assert problem(await client.post(URL, json=BODY, headers=headers)) == (400, "malformed-idempotency-key")
    assert await count(database) == 0
    assert (await client.get(URL, headers=key("a b"))).status_code == 200


async def test_what_fails_leaves_its_key_free(database: TestDatabase, client: httpx2.AsyncClient) -> None:
    """After a 404, a 422 or a commit that failed, the same key carries out what is sent next."""
    one = key()
    assert (await client.post(f"{URL}/{uuid4()}/tasks", json={"title": "x"}, headers=one)).status_code == 404
    assert (await client.post(URL, json={}, headers=one)).status_code == 422
    await database.fetch("ALTER TABLE projects ADD COLUMN slug text DEFAULT 'same'")
    await database.fetch("ALTER TABLE projects ADD UNIQUE (slug) DEFERRABLE INITIALLY DEFERRED")
    await client.post(URL, json=BODY)
    assert (await client.post(URL, json=BODY, headers=one)).status_code == 409
    assert await count(database, "idempotency_keys") == 0
    await database.fetch("ALTER TABLE projects DROP COLUMN slug")
    again = await client.post(URL, json=BODY, headers=one)
    assert (again.status_code, REPLAYED in again.headers) == (201, False)


async def assert_one_is_carried_out(client: httpx2.AsyncClient, tenant: dict[str, str]) -> None:
    headers = key() | tenant
    answers = await asyncio.gather(*(client.post(URL, json=BODY, headers=headers) for _ in range(8)))
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.content for answer in answers}) == 1
    assert sum(REPLAYED in answer.headers for answer in answers) == 7


async def test_of_the_same_request_at_once_one_is_carried_out(
    database: TestDatabase, client: httpx2.AsyncClient
) -> None:
    """Eight at the same moment: one row, eight equal answers, seven of them replays."""
    for _ in range(10):
        await assert_one_is_carried_out(client, {})
    assert await count(database) == 10


@pytest.mark.parametrize("source", ["none", "header"])
async def test_through_a_transaction_pooler_it_is_the_same(
    database: TestDatabase, pgbouncer: PgBouncer, monkeypatch: pytest.MonkeyPatch, source: str
) -> None:
    """A real PgBouncer: nothing that is needed lives longer than the transaction."""
    monkeypatch.setattr(table, "SWEEP_EVERY", 1)
    settings = app_settings(pgbouncer.uri(database.name), database_pooler="transaction", tenant_source=source)
    async with serving(settings) as client:
        for _ in range(5):
            await assert_one_is_carried_out(client, TENANTS[0] if source == "header" else {})
    assert await count(database) == 5


async def test_who_waits_too_long_is_told_to_come_back(
    database: TestDatabase, client: httpx2.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """409 with Retry-After while the first is at work; afterwards the answer of the first."""
    monkeypatch.setattr(table, "PATIENCE", "200ms")
    one = key()
    locking = await asyncpg.connect(database.owner_uri)
    await locking.execute("BEGIN; LOCK TABLE projects")
    first = asyncio.create_task(client.post(URL, json=BODY, headers=one))
    await until(lambda: database.fetchval("SELECT count(*) FROM pg_locks WHERE NOT granted"))
    waited = await client.post(URL, json=BODY, headers=one)
    assert (*problem(waited), "retry-after" in waited.headers) == (409, "idempotency-key-in-use", True)
    await locking.close()
    assert (await client.post(URL, json=BODY, headers=one)).content == (await first).content
    assert await count(database) == 1


async def test_patience_ends_with_the_claim(database: TestDatabase) -> None:
    """What the request does afterwards waits for locks as long as it would without a key."""
    seen: list[str] = []
    app = create_app(database.settings)
    async with running(app) as client:
        engine = app.state.database.engine.sync_engine

        @event.listens_for(engine, "before_cursor_execute")
        def look(connection: Any, cursor: Any, statement: str, *_: Any) -> None:
            if "INTO projects" in statement:
                cursor.execute("SELECT current_setting('lock_timeout')")
                seen.append(cursor.fetchone()[0])

        await client.post(URL, json=BODY, headers=key())
        await client.post(URL, json=BODY)
    assert seen[0] == seen[1]


async def test_a_key_costs_two_statements_and_none_without(database: TestDatabase) -> None:
    """A claim and the stored answer; without the header the table need not even be there."""
    app = create_app(database.settings)
    async with running(app) as client:
        statements: list[str] = []
        engine = app.state.database.engine.sync_engine
        event.listen(engine, "before_cursor_execute", lambda *args: statements.append(args[2]))
        assert (await client.post(URL, json=BODY, headers=key())).status_code == 201
        assert len(statements) == 3
        await database.fetch("DROP TABLE idempotency_keys")
        assert (await client.post(URL, json=BODY)).status_code == 201
        assert len(statements) == 4


async def test_an_expired_key_is_free(database: TestDatabase, client: httpx2.AsyncClient) -> None:
    """After its hours a key carries out what is sent with it, also another request."""
    one = key()
    await client.post(URL, json=BODY, headers=one)
    lifetime = await database.fetchval("SELECT expires_at - created_at FROM idempotency_keys")
    assert lifetime.total_seconds() == 24 * 3600
    await database.fetch("UPDATE idempotency_keys SET expires_at = now() - interval '1 second'")
    other, again = [await client.post(URL, json={"name": "other"}, headers=one) for _ in range(2)]
    assert (other.status_code, REPLAYED in other.headers, again.headers[REPLAYED]) == (201, False, "true")
    assert await count(database) == 2


async def test_expired_keys_are_swept_by_those_who_come_after(
    database: TestDatabase, client: httpx2.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A bounded number at a time, the oldest first, none of another tenant, and not those another request looks at."""
    monkeypatch.setattr(table, "SWEEP_EVERY", 1)
    expired = """INSERT INTO idempotency_keys (tenant_id, key, fingerprint, expires_at)
        SELECT $1, n, '', now() - n * interval '1 minute' FROM generate_series(1, $2) n"""
    await database.fetch(expired, UUID(int=0), 70)
    await database.fetch(expired, UUID(int=1), 3)
    locking = await asyncpg.connect(database.owner_uri)
    await locking.execute("BEGIN; SELECT FROM idempotency_keys WHERE key = '70' FOR UPDATE")
    assert (await client.post(URL, json=BODY, headers=key("21"))).status_code == 201
    await locking.close()
    left = await database.fetch("SELECT key FROM idempotency_keys WHERE tenant_id = $1", UUID(int=0))
    assert {row["key"] for row in left} == {*(str(number) for number in range(1, 19)), "21", "70"}
    assert (await client.post(URL, json=BODY, headers=key())).status_code == 201
    assert await count(database, "idempotency_keys") == 2 + 3


async def test_an_answer_too_large_is_not_kept_but_its_key_is(
    database: TestDatabase, client: httpx2.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The work is done once; who asks again is told that it is done."""
    monkeypatch.setattr(idempotency, "LARGEST_ANSWER", 10)
    one = key()
    assert (await client.post(URL, json=BODY, headers=one)).status_code == 201
    assert problem(await client.post(URL, json=BODY, headers=one)) == (409, "idempotency-answer-not-kept")
    assert await count(database) == 1


@pytest.mark.parametrize("statements", [[], enable("idempotency_keys")], ids=["filtered", "row-level-security"])
async def test_a_key_is_its_tenants_and_its_users(database: TestDatabase, statements: list[str]) -> None:
    """The same key in two tenants is two keys; another user of the tenant is not shown the answer."""
    for statement in statements:
        await database.fetch(statement)
    one = key()
    async with serving(database.settings.model_copy(update={"tenant_source": "header"})) as client:
        first = [await client.post(URL, json=BODY, headers=one | tenant) for tenant in TENANTS]
        second = [await client.post(URL, json=BODY, headers=one | tenant) for tenant in TENANTS]
        other = await client.post(URL, json=BODY, headers=one | TENANTS[0] | {"X-User-Id": "user-3"})
    assert [answer.content for answer in first] == [answer.content for answer in second]
    assert [REPLAYED in answer.headers for answer in first + second] == [False, False, True, True]
    assert first[0].json()["id"] != first[1].json()["id"]
    assert problem(other) == (422, "idempotency-key-reused")


async def test_other_methods_do_not_look_at_a_key(client: httpx2.AsyncClient) -> None:
    """PATCH and DELETE have If-Match: a second time they find another version."""
    one = key()
    url = (await client.post(URL, json=BODY, headers=one)).headers["location"]
    changed = await client.patch(url, json={"name": "b"}, headers=one | {"If-Match": '"1"'})
    assert (changed.status_code, changed.json()["name"]) == (200, "b")
