"""Ids below 18, by choice: v4 or an emulated v7, changed by a migration of one function, at any time, both ways."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Literal
from uuid import RFC_4122, UUID

import asyncpg
import pytest

from app.db import ids
from app.migrator.run import migrate
from tests.processes import plinth
from tests.servers.databases import APP, TestDatabase, fetch

Choice = Literal["v4", "v7"]
FUNCTION: dict[Choice, str] = {"v4": ids.RANDOM, "v7": ids.EMULATED}
INSERT = "INSERT INTO projects (name) SELECT 'p' FROM generate_series(1, $1::int) RETURNING id"
BODY = "SELECT prosrc FROM pg_proc WHERE oid = 'public.plinth_id()'::regprocedure"
# Everything a migration could change but for the function: tables and their defaults, and both lineages' records.
REST = """
SELECT (SELECT array_agg(c::text ORDER BY oid) FROM pg_class c WHERE relnamespace = 'public'::regnamespace)::text
       || (SELECT array_agg(pg_get_expr(adbin, adrelid) ORDER BY oid) FROM pg_attrdef)::text
       || (SELECT array_agg(l ORDER BY revision) FROM plinth_migration_log l)::text
"""


async def choose(database: TestDatabase, choice: Choice) -> str:
    outcome = await migrate(database.owner_settings.model_copy(update={"ids_below18": choice}))
    assert outcome.exit_code == 0, outcome
    return outcome.outcome


async def install(database: TestDatabase, body: str) -> None:
    """What a server below 18 had, on whichever runs."""
    await database.fetch(
        f"CREATE OR REPLACE FUNCTION public.plinth_id() RETURNS uuid LANGUAGE sql VOLATILE AS $${body}$$"
    )


async def make(database: TestDatabase, count: int = 1) -> list[UUID]:
    return [row["id"] for row in await fetch(database.uri, INSERT, count)]
