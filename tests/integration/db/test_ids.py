"""The id functions on real servers."""

import uuid

import asyncpg
import pytest

from app.db import ids
from app.db.server import observe
from tests.servers.databases import TestDatabase, fetch

pytestmark = pytest.mark.servers(15, 17, 18)

INSERT = "INSERT INTO projects (name) VALUES ('p') RETURNING id"


def is_18(database: TestDatabase) -> bool:
    return database.server.major >= 18


async def test_a_new_database_makes_what_its_server_can(database: TestDatabase):
    """On 17 new ids are v4, on 18 they are v7 from the first row."""
    made: uuid.UUID = await database.fetchval(INSERT)
    assert made.version == (7 if is_18(database) else 4)


async def test_the_function_is_inlined_into_the_default(database: TestDatabase):
    """The plan of an INSERT shows the server's function, not ours: the wrapper costs nothing."""
    plan = await database.fetch("EXPLAIN (VERBOSE) INSERT INTO projects (name) VALUES ('p')")
    output = next(row[0] for row in plan if "Output" in row[0])
    assert ("uuidv7()" if is_18(database) else "gen_random_uuid()") in output
    assert "plinth_id" not in output


async def test_opaque_ids_tell_nothing(database: TestDatabase):
    """Opaque ids are v4 on every server."""
    assert (await database.fetchval("SELECT plinth_opaque_id()")).version == 4


async def test_the_flip_reaches_open_prepared_statements(database: TestDatabase):
    """A connection that prepared its INSERT before the flip makes v7 ids after it, without an error."""
    if not is_18(database):
        await _native_fails_below_18(database)
        return
    await database.fetch(ids.make_random())
    connection = await asyncpg.connect(database.uri)
    try:
        insert = await connection.prepare(INSERT)
        assert (await insert.fetchval()).version == 4
        await database.fetch(ids.make_native())
        assert (await insert.fetchval()).version == 7
    finally:
        await connection.close()


async def _native_fails_below_18(database: TestDatabase) -> None:
    with pytest.raises(asyncpg.UndefinedFunctionError):
        await database.fetch(ids.make_native())


async def test_a_restored_native_body_is_mended(database: TestDatabase):
    """The native body of a dump of 18 breaks inserts on 17; mending brings them back, and leaves 18 alone."""
    await _install(database, ids.NATIVE)
    await database.fetch(ids.mend("v4", uuidv7_recorded=False))
    made = await database.fetchval(INSERT)
    assert made.version == (7 if is_18(database) else 4)


async def test_mending_never_flips_what_waits(database: TestDatabase):
    """On 18 a random body stays until the gated revision is recorded, and goes native then."""
    await _install(database, ids.RANDOM)
    await database.fetch(ids.mend("v7", uuidv7_recorded=False))
    expected = "random" if is_18(database) else "emulated"
    assert await _function(database) == expected
    await database.fetch(ids.mend("v4", uuidv7_recorded=True))
    assert await _function(database) == ("native" if is_18(database) else "random")


async def test_the_app_role_makes_ids(database: TestDatabase):
    """The role of the app, which owns nothing, inserts and reads."""
    [row] = await fetch(database.uri, INSERT)
    assert isinstance(row[0], uuid.UUID)


async def _install(database: TestDatabase, body: str) -> None:
    """As a restore does: without checking the body."""
    connection = await asyncpg.connect(database.owner_uri)
    try:
        await connection.execute("SET check_function_bodies = off")
        await connection.execute(
            f"CREATE OR REPLACE FUNCTION public.plinth_id() RETURNS uuid LANGUAGE sql VOLATILE AS $${body}$$"
        )
    finally:
        await connection.close()


async def _function(database: TestDatabase) -> str | None:
    connection = await asyncpg.connect(database.owner_uri)
    try:
        return (await observe(connection)).id_function
    finally:
        await connection.close()
