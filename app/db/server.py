"""What a server says of itself: its version, its role, its lineages, and the id it really makes."""

from dataclasses import dataclass
from typing import Literal

import asyncpg

from app.db.ids import id_function

OLDEST_MAJOR = 15
"""The oldest PostgreSQL this project is run on."""

IdGeneration = Literal["v4", "v7"]
IdFunction = Literal["random", "emulated", "native"]

# The search_path of a session may be anybody's: functions, types and operators are named in full.
_FACTS = """
SELECT pg_catalog.current_setting('server_version_num')::pg_catalog.int4 AS version_num,
       pg_catalog.split_part(pg_catalog.current_setting('server_version'), ' ', 1) AS version,
       pg_catalog.pg_is_in_recovery() AS in_recovery,
       pg_catalog.to_regprocedure('pg_catalog.uuidv7()') IS NOT NULL AS has_uuidv7,
       pg_catalog.to_regclass('public.alembic_version') IS NOT NULL AS has_core,
       pg_catalog.to_regclass('public.alembic_version_gated') IS NOT NULL AS has_gated,
       pg_catalog.to_regclass('public.plinth_migration_log') IS NOT NULL AS has_log,
       (SELECT prosrc FROM pg_catalog.pg_proc
         WHERE oid OPERATOR(pg_catalog.=) pg_catalog.to_regprocedure('public.plinth_id()')::pg_catalog.oid) AS id_source
"""
_SYSTEM_IDENTIFIER = "SELECT system_identifier::pg_catalog.text FROM pg_catalog.pg_control_system()"
_CORE = "SELECT version_num FROM public.alembic_version"
_GATED = "SELECT version_num FROM public.alembic_version_gated"
_CORE_LOG = "SELECT revision FROM public.plinth_migration_log WHERE lineage OPERATOR(pg_catalog.=) 'core'"
_ID = "SELECT public.plinth_id()"


@dataclass(frozen=True)
class ServerFacts:
    """One look at a server. Nothing in it is remembered from an earlier one."""

    version_num: int
    """``server_version_num``: 180003 is 18.3."""
    version: str
    system_identifier: str
    """Names the data folder: another one is another server. Empty where the role may not read it."""
    in_recovery: bool
    has_uuidv7: bool
    core_revisions: frozenset[str]
    gated_revisions: frozenset[str]
    core_log: frozenset[str]
    """Every core revision that was ever applied and not taken back."""
    id_function: IdFunction | None
    """What the body of ``plinth_id()`` is, or None where there is no such function or an unknown body."""
    id_generation: IdGeneration | None
    """The version of an id really made, or None where none could be made."""

    @property
    def major(self) -> int:
        return self.version_num // 10_000

    @property
    def id_function_broken(self) -> bool:
        """The id function needs ``uuidv7()``, which this server lacks: inserts fail until it is mended."""
        return self.id_function == "native" and not self.has_uuidv7


async def observe(connection: asyncpg.Connection) -> ServerFacts:
    """Ask the server. Reads only, in statements of their own, so that a pooler and a standby can answer too."""
    row = await connection.fetchrow(_FACTS)
    assert row is not None  # noqa: S101 - a SELECT without FROM has one row
    return ServerFacts(
        version_num=row["version_num"],
        version=row["version"],
        system_identifier=await _system_identifier(connection),
        in_recovery=row["in_recovery"],
        has_uuidv7=row["has_uuidv7"],
        core_revisions=await _column(connection, _CORE) if row["has_core"] else frozenset(),
        gated_revisions=await _column(connection, _GATED) if row["has_gated"] else frozenset(),
        core_log=await _column(connection, _CORE_LOG) if row["has_log"] else frozenset(),
        id_function=id_function(row["id_source"]),
        id_generation=await _id_generation(connection) if row["id_source"] else None,
    )


async def _column(connection: asyncpg.Connection, query: str) -> frozenset[str]:
    return frozenset(row[0] for row in await connection.fetch(query))


async def _system_identifier(connection: asyncpg.Connection) -> str:
    try:
        return str(await connection.fetchval(_SYSTEM_IDENTIFIER))
    except asyncpg.InsufficientPrivilegeError:
        return ""


async def _id_generation(connection: asyncpg.Connection) -> IdGeneration | None:
    try:
        made = await connection.fetchval(_ID)
    except (asyncpg.UndefinedFunctionError, asyncpg.InsufficientPrivilegeError):
        return None
    return "v7" if made.version == 7 else "v4"
