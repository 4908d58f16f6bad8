"""What a server says of itself: its version, its role, its lineages, and the id it really makes."""

from dataclasses import dataclass
from typing import Any, Literal

import asyncpg

from app.db.ids import UUIDV7, id_function

OLDEST_MAJOR = 15
"""The oldest PostgreSQL this project is run on."""

IdGeneration = Literal["v4", "v7"]
IdFunction = Literal["random", "emulated", "native"]

# The search_path of a session may be anybody's: functions, types and operators are named in full.
_SCHEMA = """
SELECT pg_catalog.pg_is_in_recovery() AS in_recovery,
       pg_catalog.to_regprocedure('pg_catalog.uuidv7()') IS NOT NULL AS has_uuidv7,
       (SELECT prosrc FROM pg_catalog.pg_proc
         WHERE oid OPERATOR(pg_catalog.=) pg_catalog.to_regprocedure('public.plinth_id()')::pg_catalog.oid
       ) AS id_source,
       {core} AS core_revisions,
       {log} AS core_log
"""
_CORE = "ARRAY(SELECT version_num::pg_catalog.text FROM public.alembic_version)"
_CORE_LOG = (
    "ARRAY(SELECT revision::pg_catalog.text FROM public.plinth_migration_log"
    " WHERE lineage OPERATOR(pg_catalog.=) 'core')"
)
_NONE = "ARRAY[]::pg_catalog.text[]"
_TABLES = """
SELECT pg_catalog.to_regclass('public.alembic_version') IS NOT NULL AS has_core,
       pg_catalog.to_regclass('public.plinth_migration_log') IS NOT NULL AS has_log
"""
_SERVER = """
SELECT pg_catalog.current_setting('server_version_num')::pg_catalog.int4 AS version_num,
       pg_catalog.split_part(pg_catalog.current_setting('server_version'), ' ', 1) AS version,
       pg_catalog.to_regclass('public.alembic_version_gated') IS NOT NULL AS has_gated
"""
_SYSTEM_IDENTIFIER = "SELECT system_identifier::pg_catalog.text FROM pg_catalog.pg_control_system()"
_GATED = "SELECT version_num FROM public.alembic_version_gated"
_ID = "SELECT public.plinth_id()"


@dataclass(frozen=True, kw_only=True)
class SchemaFacts:
    """What readiness depends on."""

    in_recovery: bool
    has_uuidv7: bool
    core_revisions: frozenset[str]
    core_log: frozenset[str]
    """Every core revision that was ever applied and not taken back."""
    id_function: IdFunction | None
    """What the body of ``plinth_id()`` is, or None where there is no such function or an unknown body."""

    @property
    def id_function_broken(self) -> bool:
        """The id function needs ``uuidv7()``, which this server lacks: inserts fail until it is mended."""
        return self.id_function == "native" and not self.has_uuidv7


@dataclass(frozen=True, kw_only=True)
class ServerFacts(SchemaFacts):
    """One look at a server. Nothing in it is remembered from an earlier one."""

    version_num: int
    """``server_version_num``: 180003 is 18.3."""
    version: str
    system_identifier: str
    """Names the data folder: another one is another server. Empty where the role may not read it."""
    gated_revisions: frozenset[str]
    id_generation: IdGeneration | None
    """The version of an id really made, or None where none could be made."""

    @property
    def major(self) -> int:
        return self.version_num // 10_000

    @property
    def core_revision(self) -> str:
        """The core revision, for people."""
        return ",".join(sorted(self.core_revisions))

    def has_applied(self, revision: str) -> bool:
        """Whether a gated revision is recorded and, if it is ``uuidv7``, new ids are native."""
        native = self.id_function == "native" and not self.id_function_broken
        return revision in self.gated_revisions and (native or revision != UUIDV7)


async def observe(connection: asyncpg.Connection) -> ServerFacts:
    """Ask the server. Reads only, in statements of their own, so that a pooler and a standby can answer too."""
    server = await connection.fetchrow(_SERVER)
    schema = await _schema(connection)
    assert server is not None  # noqa: S101 - a SELECT without FROM has one row
    return ServerFacts(
        **_schema_facts(schema),
        version_num=server["version_num"],
        version=server["version"],
        system_identifier=await _system_identifier(connection),
        gated_revisions=await _column(connection, _GATED) if server["has_gated"] else frozenset(),
        id_generation=await _id_generation(connection) if schema["id_source"] else None,
    )


async def glance(connection: asyncpg.Connection) -> SchemaFacts:
    """Ask only what readiness depends on: one statement on a migrated database."""
    return SchemaFacts(**_schema_facts(await _schema(connection)))


def _schema_facts(row: asyncpg.Record) -> dict[str, Any]:
    return {
        "in_recovery": row["in_recovery"],
        "has_uuidv7": row["has_uuidv7"],
        "core_revisions": frozenset(row["core_revisions"]),
        "core_log": frozenset(row["core_log"]),
        "id_function": id_function(row["id_source"]),
    }


async def _schema(connection: asyncpg.Connection) -> asyncpg.Record:
    """A migrated database answers at once; one without our tables is asked first which it has."""
    try:
        return await connection.fetchrow(_SCHEMA.format(core=_CORE, log=_CORE_LOG))
    except asyncpg.UndefinedTableError:
        there = await connection.fetchrow(_TABLES)
    core, log = (_CORE if there["has_core"] else _NONE), (_CORE_LOG if there["has_log"] else _NONE)
    return await connection.fetchrow(_SCHEMA.format(core=core, log=log))


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
