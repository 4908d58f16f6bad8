"""Row-level security: turned on for every table, it holds without the app's own filter; and the app asks for it."""

from collections.abc import AsyncIterator, Iterator
from typing import Any

import asyncpg
import pytest
import pytest_asyncio
from sqlalchemy import text

from app.db.context import CURRENT_TENANT, NO_TENANT, Context
from app.db.row_level_security import POLICY, require, standing
from app.db.session import Database
from app.errors import RowLevelSecurityBypassed
from app.slices.projects import queries
from app.slices.projects.models import Project
from tests.api import serving
from tests.servers.databases import OWNER, TestDatabase, fetch
from tests.tenants import HEADERS, ONE, TWO, operate, protect, tenants_tables, without_the_apps_filter

DEFINERS: set[str] = set()
"""SECURITY DEFINER functions that are allowed: there is none."""

ALL = "SELECT name FROM projects ORDER BY name"
PID = "SELECT pg_backend_pid()"


@pytest_asyncio.fixture
async def protected(database: TestDatabase) -> TestDatabase:
    """A migrated database with row-level security on every tenant's table."""
    await protect(database)
    return database


@pytest_asyncio.fixture
async def api(protected: TestDatabase) -> AsyncIterator[Database]:
    """Sessions of the app's role on one connection, which each transaction uses again, with a project a tenant."""
    made = Database.open(protected.settings.model_copy(update={"database_pool_size": 1, "database_pool_overflow": 0}))
    for who, name in ((ONE, "one"), (TWO, "two")):
        async with made.transaction(who) as session:
            await queries.create(session, {"name": name})
    yield made
    await made.close()


@pytest.fixture
def alone() -> Iterator[None]:
    with without_the_apps_filter():
        yield


async def ask(api: Database, who: Context, query: str = ALL) -> list[Any]:
    async with api.transaction(who) as session:
        return list(await session.scalars(text(query)))


async def test_without_a_tenant_there_are_no_rows_on_a_fresh_connection(protected: TestDatabase, api: Database):
    """No row and no error where the setting was never made."""
    assert await fetch(protected.uri, ALL) == []
    async with api.reading(Context()) as session:
        assert (await session.scalars(text(ALL))).all() == []


@pytest.mark.usefixtures("alone")
async def test_without_a_tenant_there_are_no_rows_on_a_used_connection(api: Database):
    """No row and no error where the connection served a tenant before, and the setting now reads as ''."""
    before = await ask(api, ONE, PID)
    assert await ask(api, Context()) == []
    async with api.reading(Context()) as session:
        assert (await session.execute(queries.select(Project.name))).all() == []
        assert (await session.scalars(text("SELECT current_setting('plinth.tenant_id', true)"))).one() == ""
    assert await ask(api, Context(), PID) == before


@pytest.mark.usefixtures("alone")
async def test_each_tenant_sees_its_own_without_the_apps_filter(api: Database):
    """The policy alone keeps tenants apart; the app's filter is a second layer."""
    assert (await ask(api, ONE), await ask(api, TWO)) == (["one"], ["two"])
    async with api.transaction(TWO) as session:
        assert (await session.execute(queries.select(Project.name))).scalars().all() == ["two"]
        changed = await session.execute(text("UPDATE projects SET name = 'mine' RETURNING name"))
        assert changed.scalars().all() == ["mine"]
        assert (await session.execute(text("DELETE FROM projects WHERE name = 'one' RETURNING id"))).all() == []


@pytest.mark.parametrize(
    "statement",
    [
        f"INSERT INTO projects (tenant_id, name) VALUES ('{TWO.tenant_id}', 'planted')",
        f"UPDATE projects SET tenant_id = '{TWO.tenant_id}'",
        f"INSERT INTO projects (tenant_id, name) VALUES ('{NO_TENANT}', 'nobody''s')",
    ],
)
async def test_no_row_can_be_given_to_another_tenant(api: Database, statement: str):
    """WITH CHECK refuses a row for somebody else."""
    with pytest.raises(Exception, match="violates row-level security policy"):
        await ask(api, ONE, statement)


async def test_without_tenants_the_api_has_nobodys_rows(protected: TestDatabase, api: Database):
    """With tenant_source none the API works as before, on the rows of no tenant, and shows none of a tenant's."""
    async with serving(protected.settings) as client:
        assert (await client.get("/api/v1/projects")).json()["items"] == []
        assert (await client.post("/api/v1/projects", json={"name": "nobody's"})).status_code == 201
        shown = (await client.get("/api/v1/projects")).json()["items"]
    assert [item["name"] for item in shown] == ["nobody's"]
    assert await ask(api, ONE) == ["one"]


async def test_both_slices_work_as_before(protected: TestDatabase):
    """Not a line of a slice knows of it: create, batch, list, change and delete, for each tenant apart."""
    settings = protected.settings.model_copy(update={"tenant_source": "header", "rls_required": True})
    async with serving(settings) as client:
        for who in (ONE, TWO):
            headers = HEADERS[who]
            url = (await client.post("/api/v1/projects", json={"name": "p"}, headers=headers)).headers["location"]
            batch = {"tasks": [{"title": "a"}, {"title": "b"}]}
            assert (await client.post(f"{url}/tasks:batch", json=batch, headers=headers)).status_code == 201
            tasks = (await client.get(f"{url}/tasks", headers=headers)).json()["items"]
            assert len(tasks) == 2
            other = HEADERS[TWO if who is ONE else ONE]
            assert (await client.post(f"{url}/tasks", json={"title": "x"}, headers=other)).status_code == 404
            gone = await client.delete(url, headers=headers | {"If-Match": "*"})
            assert gone.status_code == 204
            assert (await client.get(f"/api/v1/tasks/{tasks[0]['id']}", headers=headers)).status_code == 404


async def test_every_tenants_table_has_all_of_it(protected: TestDatabase):
    """ENABLE, FORCE, and the one policy with USING and WITH CHECK on every table with a tenant."""
    query = """SELECT c.relname, relrowsecurity AND relforcerowsecurity AND polqual IS NOT NULL
                      AND polwithcheck IS NOT NULL AND polpermissive AND polname = $1 AS whole
                 FROM pg_class c LEFT JOIN pg_policy p ON p.polrelid = c.oid WHERE c.relname = ANY($2) ORDER BY 1"""
    tables = await tenants_tables(protected)
    assert {"projects", "tasks"} <= set(tables)
    assert await protected.fetch(query, POLICY, tables) == [(name, True) for name in tables]


async def around(database: TestDatabase) -> set[str]:
    """Views that run as their owner, copies of rows, and functions that run as their owner."""
    query = """
        SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND (relkind = 'm' OR (relkind = 'v'
           AND NOT coalesce(reloptions, '{}') && ARRAY['security_invoker=true', 'security_invoker=on']))
        UNION ALL SELECT proname FROM pg_proc WHERE prosecdef AND pronamespace = 'public'::regnamespace"""
    return {row[0] for row in await database.fetch(query)}


async def test_no_view_or_function_goes_around_it(database: TestDatabase):
    """Views run as who asks, nothing keeps a copy, and functions that run as their owner are listed here."""
    assert await around(database) == DEFINERS
    await database.fetch("CREATE VIEW held WITH (security_invoker = true) AS SELECT name FROM projects")
    await database.fetch("CREATE VIEW plain AS SELECT name FROM projects")
    await database.fetch("CREATE MATERIALIZED VIEW kept AS SELECT name FROM projects")
    await database.fetch(
        "CREATE FUNCTION owners() RETURNS bigint SECURITY DEFINER RETURN (SELECT count(*) FROM projects)"
    )
    assert await around(database) == {*DEFINERS, "plain", "kept", "owners"}


async def test_it_can_be_turned_on_twice_and_off_again(protected: TestDatabase):
    """The operations are repeatable, and off is as before: no policy, neither ENABLE nor FORCE."""
    await protect(protected)
    for _ in range(2):
        await operate(protected, "disable_row_level_security")
    assert await protected.fetch("SELECT * FROM pg_policy") == []
    assert await protected.fetchval("SELECT bool_or(relrowsecurity OR relforcerowsecurity) FROM pg_class") is False


async def flaw_of(uri: str) -> str | None:
    connection = await asyncpg.connect(uri)
    try:
        return (await standing(connection)).flaw
    finally:
        await connection.close()


async def test_a_role_that_is_held_has_no_flaw(protected: TestDatabase):
    """The app's role, and the owner too as FORCE holds it."""
    assert await flaw_of(protected.uri) is None
    assert await flaw_of(protected.owner_uri) is None


@pytest.mark.parametrize(
    ("statement", "sentence"),
    [
        (
            "ALTER TABLE projects DISABLE ROW LEVEL SECURITY",
            "the table public.projects lacks ENABLE, FORCE or the policy",
        ),
        ("ALTER TABLE tasks NO FORCE ROW LEVEL SECURITY", "the table public.tasks lacks ENABLE, FORCE or the policy"),
        (f"DROP POLICY {POLICY} ON tasks", "the table public.tasks lacks ENABLE, FORCE or the policy"),
        ("CREATE TABLE notes (tenant_id uuid)", "the table public.notes lacks ENABLE, FORCE or the policy"),
        ("CREATE TABLE a AS TABLE projects; CREATE TABLE b AS TABLE projects", "public.a (and 1 more) lacks"),
        (
            f"ALTER POLICY {POLICY} ON tasks RENAME TO other",
            f"public.tasks lacks ENABLE, FORCE or the policy {POLICY} with its condition;",
        ),
        (f"ALTER POLICY {POLICY} ON tasks USING (true)", f"public.tasks lacks ENABLE, FORCE or the policy {POLICY}"),
        (f"ALTER POLICY {POLICY} ON tasks WITH CHECK (true)", "public.tasks lacks ENABLE, FORCE or the policy"),
        (
            f"ALTER POLICY {POLICY} ON tasks USING (tenant_id = (SELECT {CURRENT_TENANT}) OR version = 1)",
            "public.tasks lacks ENABLE, FORCE or the policy",
        ),
    ],
)
async def test_a_table_that_is_open_is_named(protected: TestDatabase, statement: str, sentence: str):
    """What was turned off, and a new table that nobody thought of, is told in one sentence."""
    for one in statement.split("; "):
        await protected.fetch(one)
    connection = await asyncpg.connect(protected.uri)
    with pytest.raises(RowLevelSecurityBypassed) as caught:
        await require(connection)
    await connection.close()
    assert sentence in str(caught.value)
    assert "op.enable_row_level_security()" in str(caught.value)


@pytest.mark.parametrize("command", ["ALL", "SELECT", "INSERT", "UPDATE", "DELETE"])
async def test_a_policy_that_opens_more_is_named(protected: TestDatabase, command: str):
    """Permissive policies add up, so that another one opens rows that ours does not; a restrictive one cannot."""
    allows = "WITH CHECK (true)" if command == "INSERT" else "USING (true)"
    await protected.fetch("CREATE POLICY fewer ON tasks AS RESTRICTIVE USING (true)")
    assert await flaw_of(protected.uri) is None
    await protected.fetch(f"CREATE POLICY more ON tasks FOR {command} {allows}")
    assert "the policy more on public.tasks opens more than" in str(await flaw_of(protected.uri))


async def test_a_role_that_goes_around_is_named(protected: TestDatabase):
    """A superuser, a role with BYPASSRLS, and the owner of a table without FORCE, or a member of the owner."""
    assert "the role postgres is a superuser" in str(await flaw_of(protected.superuser_uri))
    member = f"member_{protected.name}"
    uri = protected.server.uri(protected.name, member, "x")
    await fetch(protected.superuser_uri, f"CREATE ROLE {member} LOGIN BYPASSRLS PASSWORD 'x'")
    try:
        assert f"the role {member} has BYPASSRLS" in str(await flaw_of(uri))
        await fetch(protected.superuser_uri, f"ALTER ROLE {member} NOBYPASSRLS")
        await fetch(protected.superuser_uri, f"GRANT {OWNER} TO {member}")
        assert await flaw_of(uri) is None
        await protected.fetch("ALTER TABLE tasks NO FORCE ROW LEVEL SECURITY")
        for who, its in ((member, uri), (OWNER, protected.owner_uri)):
            assert f"the role {who} owns the table public.tasks without FORCE" in str(await flaw_of(its))
    finally:
        await fetch(protected.superuser_uri, f"DROP ROLE {member}")
