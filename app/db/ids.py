"""The id functions in the database. Tables' defaults call ``plinth_id()`` and never change; only its body does.

The body is plain ``LANGUAGE sql``, one expression, schema-qualified and without ``SET``: so the planner inlines it, and
it costs what the function inside costs. It is a string, not a parsed body, so that a dump of PostgreSQL 18 still
restores on 17. Which body is right is asked of the server by the statement itself: the same SQL is right everywhere.
"""

from typing import Literal

UUIDV7 = "uuidv7"
"""The gated revision that makes new ids native, after which the core lineage keeps them so."""

RANDOM = "SELECT pg_catalog.gen_random_uuid()"
NATIVE = "SELECT pg_catalog.uuidv7()"
# UUIDv7 before 18: 48 bits of milliseconds, 12 of their fraction, then random. The clock is read once; sub-microsecond
# order in float8. No guard against a clock set back, or two calls within a microsecond. Operators are named in full, as
# an inlined body meets the search_path of whoever inserts.
_TICKS = "pg_catalog.date_part('epoch', pg_catalog.clock_timestamp()) OPERATOR(pg_catalog.*) 4096000"
EMULATED = (
    "SELECT (overlay('0' OPERATOR(pg_catalog.||) pg_catalog.to_hex("  # noqa: S608 - made of the constant above
    f"({_TICKS})::pg_catalog.int8) placing '7' from 13 for 0)"
    " OPERATOR(pg_catalog.||) pg_catalog.substr(pg_catalog.gen_random_uuid()::pg_catalog.text, 20))::pg_catalog.uuid"
)
_EMULATED_BY_0_1_0 = (
    "SELECT (overlay('0' || pg_catalog.to_hex("
    "(pg_catalog.date_part('epoch', pg_catalog.clock_timestamp()) * 4096000)::pg_catalog.int8"
    ") placing '7' from 13 for 0)"
    " || pg_catalog.substr(pg_catalog.gen_random_uuid()::pg_catalog.text, 20))::pg_catalog.uuid"
)
_BELOW_18 = {"v4": RANDOM, "v7": EMULATED}

_SOURCE = (
    "(SELECT prosrc FROM pg_catalog.pg_proc"
    " WHERE oid OPERATOR(pg_catalog.=) pg_catalog.to_regprocedure('public.plinth_id()')::pg_catalog.oid)"
)
IS_NATIVE = f"{_SOURCE} OPERATOR(pg_catalog.=) '{NATIVE}'"
"""SQL: whether ``plinth_id()`` is the server's own ``uuidv7()``."""

_HAS_UUIDV7 = "pg_catalog.to_regprocedure('pg_catalog.uuidv7()') IS NOT NULL"


def id_function(source: str | None) -> Literal["random", "emulated", "native"] | None:
    """What a body of ``plinth_id()`` makes, or None where it is none of ours."""
    match (source or "").strip():
        case body if body == NATIVE:
            return "native"
        case body if body in {EMULATED, _EMULATED_BY_0_1_0}:
            return "emulated"
        case body if body == RANDOM:
            return "random"
    return None


def create_functions(below18: Literal["v4", "v7"]) -> list[str]:
    """Make both functions: ids native where the server can, opaque ids always random.

    An id of version 7 tells when it was made, so tokens and keys given to strangers come from the second.
    """
    below = _literal(_BELOW_18[below18])
    return [
        _set_body(f"CASE WHEN {_HAS_UUIDV7} THEN {_literal(NATIVE)} ELSE {below} END"),
        _create("plinth_opaque_id", _literal(RANDOM)),
        "COMMENT ON FUNCTION public.plinth_id() IS 'Ids of rows; time-ordered where the server can'",
        "COMMENT ON FUNCTION public.plinth_opaque_id() IS 'Ids that tell nothing, for tokens and keys'",
    ]


def make_native() -> str:
    """Switch ``plinth_id()`` to the server's own ``uuidv7()``. Takes no lock on any table."""
    return _set_body(_literal(NATIVE))


def make_random() -> str:
    """Switch ``plinth_id()`` back to UUIDv4."""
    return _set_body(_literal(RANDOM))


def mend(below18: Literal["v4", "v7"], *, uuidv7_recorded: bool) -> str:
    """Correct the body of ``plinth_id()`` where it cannot or must not stay, and touch nothing else.

    Native on a server without ``uuidv7()`` (a restore, a dump of 18 on 17) and a changed choice below 18 go to the body
    for below 18; on a server that has ``uuidv7()`` only a recorded gated revision makes it native, so that a migration
    never flips what waits for approval.
    """
    native = _literal(NATIVE) if uuidv7_recorded else "source"
    wanted = f"CASE WHEN {_HAS_UUIDV7} THEN {native} ELSE {_literal(_BELOW_18[below18])} END"
    return _set_body(wanted, only_existing=True)


def _set_body(wanted: str, *, only_existing: bool = False) -> str:
    """One statement that sets the body to an SQL expression's value, and writes nothing where it is that already."""
    existing = "source IS NOT NULL AND " if only_existing else ""
    return f"""DO $plinth$
DECLARE
  source pg_catalog.text := {_SOURCE};
  wanted pg_catalog.text := {wanted};
BEGIN
  IF {existing}wanted IS DISTINCT FROM source THEN
    EXECUTE pg_catalog.format('{_create("plinth_id", "%L")}', wanted);
  END IF;
END $plinth$"""


def _create(function: str, body: str) -> str:
    return f"CREATE OR REPLACE FUNCTION public.{function}() RETURNS pg_catalog.uuid LANGUAGE sql VOLATILE AS {body}"


def _literal(sql: str) -> str:
    return "'" + sql.replace("'", "''") + "'"
