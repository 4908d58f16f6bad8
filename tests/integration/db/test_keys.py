"""What ids the tables hold, asked of real servers."""

import time

import asyncpg
import pytest

from app.db import ids, keys
from app.db.keys import TableKeys, look_at_keys
from tests.servers.databases import APP, TestDatabase

ORDERED = ids.EMULATED.removeprefix("SELECT ")  # not as a subquery: that is run once for all rows
MIXED = f"""
INSERT INTO projects (id, name)
SELECT CASE WHEN n <= 30 THEN gen_random_uuid() ELSE {ORDERED} END, 'p' FROM generate_series(1, 40) n
"""


async def look(uri: str) -> dict[str, TableKeys]:
    connection = await asyncpg.connect(uri)
    try:
        return {one.table: one for one in await look_at_keys(connection)}
    finally:
        await connection.close()


async def test_each_table_tells_its_shares(database: TestDatabase):
    """30 random and 10 ordered ids: counted, as the table is small."""
    await database.fetch(MIXED)
    found = await look(database.uri)
    projects = found["public.projects"]
    assert (projects.rows, projects.v4, projects.v7, projects.sampled) == (40, 0.75, 0.25, False)
    assert (found["public.tasks"].rows, found["public.tasks"].v4, found["public.tasks"].density) == (0, None, None)


async def test_a_table_this_release_does_not_know_is_seen(database: TestDatabase):
    """Tables are found by their default; one with ids of another source is not listed."""
    await database.fetch('CREATE TABLE "Odd name" ("Key" uuid PRIMARY KEY DEFAULT public.plinth_id())')
    await database.fetch("CREATE TABLE other (id uuid PRIMARY KEY DEFAULT gen_random_uuid())")
    await database.fetch('INSERT INTO "Odd name" DEFAULT VALUES')
    found = await look(database.uri)
    assert {'public."Odd name"', "public.projects", "public.tasks"} <= set(found)
    assert "public.other" not in found
    assert found['public."Odd name"'].rows == 1


async def test_a_large_table_is_sampled(database: TestDatabase, monkeypatch: pytest.MonkeyPatch):
    """Beyond the limit of pages only some are read, and the count is an estimate near the truth."""
    monkeypatch.setattr(keys, "SAMPLED_PAGES", 100)
    await database.fetch(ids.make_random())
    await database.fetch("INSERT INTO projects (name) SELECT 'p' FROM generate_series(1, 20000)")
    projects = (await look(database.uri))["public.projects"]
    assert projects.sampled
    assert projects.rows == pytest.approx(20000, rel=0.4)
    assert (projects.v4, projects.v7) == (1, 0)


async def test_density_is_estimated_or_measured(database: TestDatabase):
    """The app's role gets an estimate; who may use pgstattuple gets what it says; they agree, random ids near 0.7."""
    await database.fetch(ids.make_random())
    for _ in range(20):
        await database.fetch("INSERT INTO projects (name) SELECT 'p' FROM generate_series(1, 1000)")
    estimated = (await look(database.uri))["public.projects"]
    await _as_superuser(database, "CREATE SCHEMA stats", "CREATE EXTENSION pgstattuple SCHEMA stats")
    assert (await look(database.uri))["public.projects"] == estimated
    measured = (await look(database.superuser_uri))["public.projects"]
    assert (estimated.density_estimated, measured.density_estimated) == (True, False)
    assert estimated.density is not None
    assert measured.density == pytest.approx(0.7, abs=0.1)
    assert estimated.density == pytest.approx(measured.density, abs=0.03)


async def test_a_missing_right_is_said(database: TestDatabase):
    """A role that may not read a table still learns the index's size, and why nothing more."""
    await database.fetch(MIXED)
    await database.fetch(f"REVOKE SELECT ON projects FROM {APP}")
    projects = (await look(database.uri))["public.projects"]
    assert projects.problem == "this role may not read all of the table"
    assert projects.index_bytes
    assert (projects.v4, projects.v7) == (None, None)


async def test_a_policy_is_no_sample(database: TestDatabase):
    """Where row-level security would show the role a part of the rows, shares are unknown, not wrong."""
    await database.fetch(MIXED)
    await database.fetch("ALTER TABLE projects ENABLE ROW LEVEL SECURITY")
    assert (await look(database.uri))["public.projects"].problem == "this role may not read all of the table"


async def test_a_locked_table_delays_nobody(database: TestDatabase):
    """A migration holds a table: it is said, the others are seen."""
    holder = await asyncpg.connect(database.owner_uri)
    transaction = holder.transaction()
    await transaction.start()
    await holder.execute("LOCK TABLE projects IN ACCESS EXCLUSIVE MODE")
    found = await look(database.uri)
    await transaction.rollback()
    await holder.close()
    assert found["public.projects"].problem == "the table is locked by another session"
    assert found["public.tasks"].problem is None


async def test_the_look_is_bounded(database: TestDatabase, monkeypatch: pytest.MonkeyPatch):
    """A statement that takes too long, and tables the time does not suffice for, are said."""
    monkeypatch.setattr(keys, "_SHARES", "SELECT pg_sleep(60) -- {id_column} {name} {percent}")
    monkeypatch.setattr(keys, "_STATEMENT_SECONDS", 0.05)
    began = time.monotonic()
    found = await look(database.uri)
    assert time.monotonic() - began < 10
    assert "not found out within" in str(found["public.projects"].problem)
    monkeypatch.setattr(keys, "_LOOK_SECONDS", -1.0)
    assert "not looked at" in str((await look(database.uri))["public.tasks"].problem)


async def test_an_empty_database_has_no_tables(empty_database: TestDatabase):
    """Before the first migration there is nothing to say."""
    assert await look(empty_database.owner_uri) == {}


async def _as_superuser(database: TestDatabase, *statements: str) -> None:
    connection = await asyncpg.connect(database.superuser_uri)
    try:
        for statement in statements:
            await connection.execute(statement)
    finally:
        await connection.close()
