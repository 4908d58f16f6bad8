"""What a gated revision states of itself in its own file, and how it is refused where that does not hold.

`minimum_server_version`, an integer major, is required. Optional are `preconditions`, a tuple of `Precondition`, and
`verify`, an SQL expression that is true once the revision has done its work on this server: it is asked after the
revision ran, and where a recorded revision's is no longer true (a restore, say), `upgrade` runs again.
"""

from dataclasses import dataclass
from typing import Any

import asyncpg
from alembic import op

from app.migrator.rights import literal

REFUSED = "PLNTH"
"""SQLSTATE of a revision that refuses: not in this situation, and nothing was done."""


@dataclass(frozen=True)
class Precondition:
    """An SQL expression that must be true, and the sentence for the reader where it is not."""

    sql: str
    otherwise: str


@dataclass(frozen=True)
class GatedRevision:
    """A gated revision, as its file states it."""

    name: str
    minimum_server_version: int
    preconditions: tuple[Precondition, ...] = ()
    verify: str | None = None

    @classmethod
    def of(cls, module: Any) -> "GatedRevision":
        return cls(
            name=module.revision,
            minimum_server_version=int(module.minimum_server_version),
            preconditions=tuple(getattr(module, "preconditions", ())),
            verify=getattr(module, "verify", None),
        )


@dataclass(frozen=True)
class Standing:
    """How a database stands to a gated revision: the first precondition it lacks, and whether its work is there."""

    lacking: Precondition | None = None
    verified: bool = True


async def observe_gated(connection: asyncpg.Connection, revision: GatedRevision) -> Standing:
    """Ask what the revision's file asks for; only of a server that is new enough to understand."""
    lacking = None
    for one in revision.preconditions:
        if (wrong := await _untrue(connection, one.sql)) is not None:
            lacking = Precondition(one.sql, f"{one.otherwise} ({wrong})" if wrong else one.otherwise)
            break
    verified = revision.verify is None or await _untrue(connection, revision.verify) is None
    return Standing(lacking, verified)


async def _untrue(connection: asyncpg.Connection, sql: str) -> str | None:
    """None where the expression is true; else the server's complaint, or nothing where it is just not true."""
    try:
        return None if await connection.fetchval(f"SELECT ({sql})") else ""
    except asyncpg.SyntaxOrAccessError as error:
        return str(error)


def require(minimum_server_version: int, *preconditions: Precondition) -> None:
    """Refuse, within the revision's own transaction; asked by SQL, so that the bare alembic and `--sql` refuse too."""
    version = Precondition(
        f"pg_catalog.current_setting('server_version_num')::int >= {minimum_server_version * 10_000}",
        f"this gated revision needs PostgreSQL {minimum_server_version}; upgrade the server first",
    )
    for one in (version, *preconditions):
        op.execute(_refusal(one))


def _refusal(one: Precondition) -> str:
    return f"""DO $plinth$ BEGIN
  IF ({one.sql}) IS NOT TRUE THEN
    RAISE EXCEPTION USING ERRCODE = '{REFUSED}', MESSAGE = {literal(one.otherwise)};
  END IF;
END $plinth$"""
