"""The id function in all its forms: what a row costs the server that gets its id from one as a column's default.

On two builds of PostgreSQL 18. The package's is without OpenSSL, so each id costs a system call, beside which the cost
of a function's form looks small; Debian's has OpenSSL, and is what the cluster's images are made of.
"""

import asyncio
from collections.abc import Iterator, Mapping
from pathlib import Path

import asyncpg

from app.db import ids
from tests.bench.database.measurements import Measurements
from tests.bench.database.rounds import COMPARED, connected, executed, rotated
from tests.cluster.console import step
from tests.figures.figure import Figure
from tests.figures.servers import running
from tests.servers.databases import TEMPLATE, TestDatabase, new_database, prepare
from tests.servers.debian import postgresql_programs

ROWS, CHUNK, ROUNDS = 1_000_000, 100_000, 3
TABLE_ROWS, TABLE_ROUNDS = 100_000, 5
NATIVE, OURS = "uuidv7()", "plinth_id()"

_SQL = "LANGUAGE sql VOLATILE AS $$SELECT pg_catalog.uuidv7()$$"
_PLPGSQL = "LANGUAGE plpgsql VOLATILE AS $$BEGIN RETURN pg_catalog.uuidv7(); END$$"
_ASKING = """LANGUAGE plpgsql VOLATILE AS $$BEGIN
  IF current_setting('server_version_num')::int >= 180000 THEN RETURN pg_catalog.uuidv7(); END IF;
  RETURN pg_catalog.gen_random_uuid();
END$$"""
FORMS: Mapping[str, str] = {
    NATIVE: "",
    OURS: "",
    "SQL, name not qualified": "LANGUAGE sql VOLATILE AS $$SELECT uuidv7()$$",
    "SQL, parsed body (RETURN)": "LANGUAGE sql VOLATILE RETURN pg_catalog.uuidv7()",
    "SQL, SET search_path": f"SET search_path = pg_catalog {_SQL}",
    "PL/pgSQL": _PLPGSQL,
    "PL/pgSQL, SET search_path": f"SET search_path = pg_catalog {_PLPGSQL}",
    "PL/pgSQL, asking for the version each time": _ASKING,
    "below18: v7": f"LANGUAGE sql VOLATILE AS $${ids.EMULATED}$$",
    "gen_random_uuid()": "",
}
"""Each as the rest of a CREATE FUNCTION; empty: the function is there, under this name."""


def insert_of(server: str) -> str:
    return f"INSERT of {ROWS:,} rows, {server}"


def copy_of(server: str) -> str:
    return f"COPY of {ROWS:,} rows, {server}"


def servers() -> dict[str, Path | None]:
    """The builds of PostgreSQL 18, and where their programs are."""
    return {"the package's 18": None, "Debian's 18": postgresql_programs(18)}


def measure(into: Measurements) -> None:
    for name, programs in servers().items():
        with running(18, programs, **COMPARED) as server, new_database(prepare(server), TEMPLATE) as database:
            asyncio.run(_on(database, name, into))


async def _on(database: TestDatabase, name: str, into: Measurements) -> None:
    async with connected(database.superuser_uri) as connection:
        tables = await _tables(connection)
        with step(f"the id function in all its forms, {name}", "figures"):
            await _all(connection, tables, name, into)
        with step(f"{insert_of(name)}, and COPY", "figures"):
            await _two(connection, tables, name, into)


async def _tables(connection: asyncpg.Connection) -> Mapping[str, str]:
    """One for each form."""
    tables = {}
    for number, (form, function) in enumerate(FORMS.items()):
        default = f"public.id_{number}()" if function else form
        if function:
            await connection.execute(f"CREATE FUNCTION {default} RETURNS pg_catalog.uuid {function}")
        tables[form] = f"keys_{number}"
        await connection.execute(
            f"CREATE UNLOGGED TABLE {tables[form]} (id uuid PRIMARY KEY DEFAULT {default}, n integer)"
        )
    return tables


async def _all(connection: asyncpg.Connection, tables: Mapping[str, str], server: str, into: Measurements) -> None:
    for number in range(TABLE_ROUNDS):
        for form in rotated([*tables], number):
            await connection.execute(f"TRUNCATE {tables[form]}")
            cost = await executed(connection, _insert(tables[form], TABLE_ROWS))
            into.add(f"INSERT, all forms, {server}", form, "µs/row", cost.server / TABLE_ROWS * 1e6)


async def _two(connection: asyncpg.Connection, tables: Mapping[str, str], server: str, into: Measurements) -> None:
    """A million rows in chunks, by turns: what happens on the machine meanwhile happens to both."""
    folder = await connection.fetchval("SHOW data_directory")
    file = f"{folder}/numbers"
    await connection.execute(f"COPY (SELECT generate_series(1, {CHUNK})) TO '{file}'")
    pair = (NATIVE, OURS)
    for number in range(ROUNDS):
        for name, way in ((insert_of(server), _insert), (copy_of(server), lambda table, _: _copy(table, file))):
            await connection.execute(f"TRUNCATE {', '.join(tables[form] for form in pair)}")
            for chunk in range(ROWS // CHUNK):
                for form in rotated(pair, number + chunk):
                    cost = await executed(connection, way(tables[form], CHUNK))
                    into.add(name, form, "µs/row", cost.server / CHUNK * 1e6)


def _insert(table: str, rows: int) -> str:
    return f"INSERT INTO {table} (n) SELECT n FROM generate_series(1, {rows}) n"


def _copy(table: str, file: str) -> str:
    return f"COPY {table} (n) FROM '{file}'"


def figures(found: Measurements) -> Iterator[Figure]:
    for server in servers():
        for name in (insert_of(server), copy_of(server)):
            yield Figure(f"{name}: plinth_id()/uuidv7()", found.ratio(name, OURS, NATIVE), "x", 1.02)
