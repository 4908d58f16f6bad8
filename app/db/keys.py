"""The ids that tables hold: how many are v4 and v7, and how large and how full the index of the primary key is.

New v7 ids in a table of v4 ids land between the old ones, and the index grows faster than with ids of one kind
(docs/ids.md). Asked of servers at work, so all of it is bounded: a sample of a large table, a limit for each statement
and one for the whole look. What a role may not see is said, never guessed.
"""

import math
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any

import asyncpg

SAMPLED_PAGES = 1000
"""A table of more pages is sampled: about 8 MiB of it, where a share's standard error is at most 1.6 points."""
_STATEMENT_SECONDS = 1.0
_LOCK_SECONDS = 0.1
_LOOK_SECONDS = 10.0

_PAGE_BYTES = 8192
_LEAF_ENTRY_BYTES = 28
"""Of an index on one uuid: 8 for the entry's header, 16 for the id, 4 for the page's pointer to the entry."""
_PAGE_OVERHEAD_BYTES = 40
"""Of a B-tree's page: header and special space."""

# All queries run with the search_path on pg_catalog alone, so names of tables come out, and go in again, qualified.
# Tables are found by their defaults, which depend on the function: so those this release does not know are seen, too.
# The largest indexes first, in case the time does not suffice for all.
_TABLES = """
SELECT t.oid::regclass::text AS name, quote_ident(a.attname) AS id_column, t.oid AS table_oid, x.oid AS index_oid,
       t.reltuples::float8 AS rows_planned
  FROM pg_depend d
  JOIN pg_attrdef f ON f.oid = d.objid
  JOIN pg_attribute a ON a.attrelid = f.adrelid AND a.attnum = f.adnum
  JOIN pg_class t ON t.oid = f.adrelid AND t.relkind = 'r'
  JOIN pg_index i ON i.indrelid = t.oid AND i.indisprimary AND i.indkey::text = f.adnum::text
  JOIN pg_class x ON x.oid = i.indexrelid
 WHERE d.classid = 'pg_attrdef'::regclass AND d.refclassid = 'pg_proc'::regclass
   AND d.refobjid = to_regprocedure('public.plinth_id()')
 ORDER BY x.relpages DESC, name
"""
_SIZES = "SELECT pg_relation_size($1::oid) AS table_bytes, pg_relation_size($2::oid) AS index_bytes"
_SHARES = """
SELECT count(*) AS rows, count(*) FILTER (WHERE version = 4) AS v4, count(*) FILTER (WHERE version = 7) AS v7
  FROM (SELECT get_byte(uuid_send({id_column}), 6) >> 4 AS version FROM ONLY {name} TABLESAMPLE SYSTEM ({percent})) s
"""
# The extension's own function in whatever schema, and no other of that name.
_PGSTATINDEX = """
SELECT quote_ident(n.nspname) || '.pgstatindex' AS function
  FROM pg_extension e
  JOIN pg_depend d ON d.refclassid = 'pg_extension'::regclass AND d.refobjid = e.oid
   AND d.classid = 'pg_proc'::regclass AND d.deptype = 'e'
  JOIN pg_proc p ON p.oid = d.objid AND p.proname = 'pgstatindex'
   AND p.proargtypes::text = 'regclass'::regtype::oid::text
  JOIN pg_namespace n ON n.oid = p.pronamespace
 WHERE e.extname = 'pgstattuple'
"""
_DENSITY = "SELECT avg_leaf_density AS percent FROM {function}($1::oid)"

_PROBLEMS: dict[type[Exception], str] = {
    asyncpg.InsufficientPrivilegeError: "this role may not read all of the table",
    asyncpg.QueryCanceledError: f"not found out within {_STATEMENT_SECONDS:g} s",
    TimeoutError: "not found out within the time for a statement",
    asyncpg.LockNotAvailableError: "the table is locked by another session",
    asyncpg.UndefinedTableError: "the table was dropped meanwhile",
}


@dataclass(frozen=True)
class TableKeys:
    """The ids of one table, and the index of its primary key. None is what could not be seen."""

    table: str
    rows: int | None = None
    """Counted; estimated where `sampled`, or where there is a `problem`."""
    v4: float | None = None
    """Share of the ids looked at, 0 to 1; neither v4 nor v7 is the rest."""
    v7: float | None = None
    sampled: bool = False
    index_bytes: int | None = None
    density: float | None = None
    """How full the leaf pages are, 0 to 1: 0.9 after a rebuild or under ids in order, about 0.7 under random ones."""
    density_estimated: bool = False
    problem: str | None = None
    """Why something is not known, for people."""


async def look_at_keys(connection: asyncpg.Connection) -> list[TableKeys]:
    """All tables whose ids come from ``plinth_id()``, the ones with the largest index first."""
    deadline = time.monotonic() + _LOOK_SECONDS
    async with _bounded(connection):
        tables = await connection.fetch(_TABLES)
        pgstatindex = await connection.fetchval(_PGSTATINDEX)
    return [await _look(connection, table, pgstatindex, deadline) for table in tables]


async def _look(
    connection: asyncpg.Connection, table: asyncpg.Record, pgstatindex: str | None, deadline: float
) -> TableKeys:
    keys = TableKeys(table["name"], rows=_whole(table["rows_planned"]))
    if time.monotonic() > deadline:
        return replace(keys, problem=f"not looked at, as the others took {_LOOK_SECONDS:g} s")
    try:
        sizes = await _row(connection, _SIZES, table["table_oid"], table["index_oid"])
        keys = replace(keys, index_bytes=sizes["index_bytes"])
        keys = await _with_shares(connection, keys, table, sizes["table_bytes"] // _PAGE_BYTES)
    except tuple(_PROBLEMS) as error:
        keys = replace(keys, problem=_problem(error))
    return await _with_density(connection, keys, table["index_oid"], pgstatindex)


async def _with_shares(connection: asyncpg.Connection, keys: TableKeys, table: asyncpg.Record, pages: int) -> TableKeys:
    percent = min(100.0, 100 * SAMPLED_PAGES / max(pages, 1))
    found = await _row(
        connection, _SHARES.format(name=table["name"], id_column=table["id_column"], percent=f"{percent:.6f}")
    )
    looked_at = found["rows"]
    v4, v7 = (found[kind] / looked_at if looked_at else None for kind in ("v4", "v7"))
    return replace(keys, rows=round(looked_at * 100 / percent), v4=v4, v7=v7, sampled=percent < 100)


async def _with_density(
    connection: asyncpg.Connection, keys: TableKeys, index: int, pgstatindex: str | None
) -> TableKeys:
    """As pgstattuple sees it; an estimate where it is not installed, not allowed, or takes too long."""
    if pgstatindex is not None:
        try:
            found = await _row(connection, _DENSITY.format(function=pgstatindex), index)
        except tuple(_PROBLEMS):
            pass
        else:
            return replace(keys, density=None if math.isnan(found["percent"]) else found["percent"] / 100)
    return replace(keys, density=estimated_density(keys.rows, keys.index_bytes), density_estimated=True)


def estimated_density(rows: int | None, index_bytes: int | None) -> float | None:
    """How full an index on one uuid is, from what its entries need and what its pages could hold."""
    leaves = (index_bytes or 0) // _PAGE_BYTES - 1  # the first page holds no entries
    if not rows or leaves < 1:
        return None
    return min(1.0, rows * _LEAF_ENTRY_BYTES / (leaves * (_PAGE_BYTES - _PAGE_OVERHEAD_BYTES)))


async def _row(connection: asyncpg.Connection, query: str, *values: Any) -> asyncpg.Record:
    async with _bounded(connection):
        return await connection.fetchrow(query, *values)


@asynccontextmanager
async def _bounded(connection: asyncpg.Connection) -> AsyncIterator[None]:
    """A transaction that reads, waits for nobody, and fails rather than see only the rows of a policy."""
    async with connection.transaction(readonly=True):
        await connection.execute(
            f"SET LOCAL search_path = pg_catalog; SET LOCAL row_security = off;"
            f"SET LOCAL statement_timeout = '{_STATEMENT_SECONDS:g}s'; SET LOCAL lock_timeout = '{_LOCK_SECONDS:g}s'"
        )
        yield


def _problem(error: Exception) -> str:
    return next(sentence for kind, sentence in _PROBLEMS.items() if isinstance(error, kind))


def _whole(rows: float) -> int | None:
    """The planner's count; -1 is its word for unknown."""
    return round(rows) if rows >= 0 else None
