"""Ids below 18, by choice: v4, or a v7 made by an expression; changed by a migration of one function, both ways."""

import json
from itertools import pairwise
from typing import Literal
from uuid import RFC_4122, UUID

import asyncpg
import pytest

from app.db import ids
from app.migrator.run import migrate
from tests.processes import plinth
from tests.servers.databases import APP, TestDatabase, fetch

Choice = Literal["v4", "v7"]
BODIES: dict[Choice, str] = {"v4": ids.RANDOM, "v7": ids.EMULATED}
BODY = "SELECT prosrc FROM pg_proc WHERE oid = 'public.plinth_id()'::regprocedure"
# What a migration could change beside the function: tables, indexes, defaults, the record of revisions.
REST = """
SELECT (SELECT array_agg((oid, relname, relfilenode)::text ORDER BY oid) FROM pg_class)::text
    || (SELECT array_agg(pg_get_expr(adbin, adrelid) ORDER BY oid) FROM pg_attrdef)::text
    || (SELECT array_agg(l ORDER BY revision) FROM plinth_migration_log l)::text
"""


def is_18(database: TestDatabase) -> bool:
    return database.server.major >= 18


async def choose(database: TestDatabase, choice: Choice) -> str:
    outcome = await migrate(database.owner_settings.model_copy(update={"ids_below18": choice}))
    assert outcome.exit_code == 0, outcome
    return outcome.outcome


async def install(database: TestDatabase, body: str) -> None:
    """As it was before the server became this one."""
    await database.fetch(
        f"CREATE OR REPLACE FUNCTION public.plinth_id() RETURNS uuid LANGUAGE sql VOLATILE AS $${body}$$"
    )


async def make(database: TestDatabase, count: int) -> list[UUID]:
    """Ids as the app's role makes them, in one statement."""
    insert = "INSERT INTO projects (name) SELECT 'p' FROM generate_series(1, $1::int) RETURNING id"
    return [row["id"] for row in await fetch(database.uri, insert, count)]


async def test_the_choice_is_changed_both_ways(database: TestDatabase):
    """Below 18 each change replaces the function and nothing else; on 18 it stays native: nothing to do."""
    rest = await database.fetchval(REST)
    for choice in ("v7", "v4", "v7"):
        assert await choose(database, choice) == ("nothing" if is_18(database) else "applied")
        assert await choose(database, choice) == "nothing"
        assert await database.fetchval(BODY) == (ids.NATIVE if is_18(database) else BODIES[choice])
    assert await database.fetchval(REST) == rest


async def test_the_choice_waits_for_no_table(database: TestDatabase):
    """It can be changed at any time: also while somebody holds every table."""
    holder = await asyncpg.connect(database.owner_uri)
    transaction = holder.transaction()
    await transaction.start()
    await holder.execute("LOCK TABLE projects, tasks IN ACCESS EXCLUSIVE MODE")
    outcome = await choose(database, "v7")
    await transaction.rollback()
    await holder.close()
    assert outcome == ("nothing" if is_18(database) else "applied")
    assert {made.version for made in await make(database, 10)} == {7}


def test_the_command_changes_the_choice(database: TestDatabase):
    """`plinth status` finds the function wanting, `plinth migrate` mends it; on 18 neither has anything to say."""
    settings = {"database_url": database.owner_uri, "database_app_role": APP, "ids_below18": "v7"}
    assert plinth("status", **settings).returncode == (0 if is_18(database) else 10)
    done = plinth("migrate", **settings)
    assert done.returncode == 0, done.stderr
    line = json.loads(done.stdout.splitlines()[-1])
    assert (line["outcome"], line["revisions"]) == ("nothing" if is_18(database) else "applied", [])
    assert plinth("status", **settings).returncode == 0


async def test_ids_are_v7_in_order(database: TestDatabase):
    """100,000 ids: version and variant as RFC 9562 says, none twice, none smaller than the one before."""
    await install(database, ids.EMULATED)
    inversions = []
    while len(inversions) < 3 and 0 not in inversions:  # again, as a clock set back in between is a stated limit
        made = await make(database, 100_000)
        assert {(one.version, one.variant) for one in made} == {(7, RFC_4122)}
        assert len(set(made)) == len(made)
        inversions.append(sum(after < before for before, after in pairwise(made)))
    assert 0 in inversions, inversions


async def test_ids_tell_the_servers_time(database: TestDatabase):
    """The first 48 bits are the milliseconds of the server's clock; 18 reads them as the time."""
    await install(database, ids.EMULATED)
    clock = "SELECT (extract(epoch FROM clock_timestamp()) * 1000)::bigint"
    before, [made], after = await database.fetchval(clock), await make(database, 1), await database.fetchval(clock)
    assert before - 1 <= made.int >> 80 <= after + 1
    if is_18(database):
        told = await database.fetchval("SELECT extract(epoch FROM uuid_extract_timestamp($1)) * 1000", made)
        assert told == made.int >> 80


async def test_the_expression_is_inlined_into_the_default(database: TestDatabase):
    """The plan of an INSERT shows what the function does, not the function."""
    await install(database, ids.EMULATED)
    plan = await database.fetch("EXPLAIN (VERBOSE) INSERT INTO projects (name) VALUES ('p')")
    output = next(row[0] for row in plan if "Output" in row[0])
    assert "clock_timestamp()" in output
    assert "plinth_id" not in output


@pytest.mark.parametrize("choice", ["v4", "v7"])
async def test_the_flip_to_native_works_from_either(database: TestDatabase, choice: Choice):
    """On 18 the gated revision ends with native ids, which follow the emulated ones; below it changes nothing."""
    await install(database, BODIES[choice])
    old = await make(database, 100)
    outcome = await migrate(database.owner_settings, "uuidv7")
    assert outcome.exit_code == (0 if is_18(database) else 8)
    assert await database.fetchval(BODY) == (ids.NATIVE if is_18(database) else BODIES[choice])
    new = await make(database, 100)
    assert {one.version for one in new} == {7 if is_18(database) or choice == "v7" else 4}
    if choice == "v7":
        assert old + new == sorted(old + new)


@pytest.mark.parametrize("choice", ["v4", "v7"])
async def test_opaque_ids_are_v4_under_either(database: TestDatabase, choice: Choice):
    """What strangers get tells nothing, whatever is chosen for rows."""
    await choose(database, choice)
    assert (await database.fetchval("SELECT public.plinth_opaque_id()")).version == 4
