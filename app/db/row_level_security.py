"""Row-level security: the policy of a tenant's table, and whether a connection is held by it.

A tenant's table is one with a column ``tenant_id``. The policy is plain equality with a scalar subquery, which the
planner runs once a statement (an InitPlan) and looks up in the index on ``(tenant_id, id)``.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any

import asyncpg
import structlog

from app.db.connections import connect_with
from app.db.context import CURRENT_TENANT
from app.db.faults import Fault, classify
from app.errors import RowLevelSecurityBypassed
from app.settings import Settings

Opener = Callable[..., Awaitable[asyncpg.Connection]]

POLICY = "plinth_tenant"
_IS_OURS = f"tenant_id = (SELECT {CURRENT_TENANT})"


def _words(expression: str) -> str:
    """An SQL expression as the server shows it or as it is written here, less what the server writes differently."""
    different = "'::[a-z]+|(operator)?pg_catalog[.]|ascoalesce'"
    return f"regexp_replace(translate(lower({expression}), ' ()\"', ''), {different}, '', 'g')"


_WANTED = _words("'" + _IS_OURS.replace("'", "''") + "'")
WHOLE = f"""(p.polpermissive AND p.polcmd = '*' AND p.polname = '{POLICY}'
       AND {_words("pg_catalog.pg_get_expr(p.polqual, p.polrelid)")} = {_WANTED}
       AND {_words("pg_catalog.pg_get_expr(p.polwithcheck, p.polrelid)")} = {_WANTED})"""
"""Whether a row ``p`` of pg_policy is the policy as `enable` makes it."""

_STANDING = f"""
WITH tenants_table AS (
  SELECT format('%I.%I', n.nspname, c.relname) AS name, c.relowner, c.relforcerowsecurity AS forced,
         c.relrowsecurity AND EXISTS (
           SELECT FROM pg_catalog.pg_policy p WHERE p.polrelid = c.oid AND {WHOLE}) AS has_policy,
         ARRAY(SELECT format('%I on %I.%I', p.polname, n.nspname, c.relname)
                 FROM pg_catalog.pg_policy p
                WHERE p.polrelid = c.oid AND p.polpermissive AND p.polname <> '{POLICY}') AS widened
    FROM pg_catalog.pg_class c
    JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attname = 'tenant_id' AND NOT a.attisdropped
   WHERE c.relkind IN ('r', 'p') AND c.relpersistence <> 't' AND n.nspname <> 'information_schema')
SELECT rolname::text AS role, rolsuper AS superuser, rolbypassrls AS bypasses,
       ARRAY(SELECT name FROM tenants_table
              WHERE NOT forced AND pg_catalog.pg_has_role(relowner, 'MEMBER') ORDER BY 1) AS owned,
       ARRAY(SELECT name FROM tenants_table WHERE NOT (has_policy AND forced) ORDER BY 1) AS unprotected,
       ARRAY(SELECT pg_catalog.unnest(widened) FROM tenants_table ORDER BY 1) AS widened
  FROM pg_catalog.pg_roles WHERE rolname = current_user
"""  # noqa: S608 - made of the constants above

log = structlog.stdlib.get_logger("plinth.rls")


@dataclass(frozen=True)
class Standing:
    """How a connection's role and the tenants' tables stand to row-level security."""

    role: str
    superuser: bool
    bypasses: bool
    owned: Sequence[str] = ()
    """Tables without FORCE whose owner the role is, or may become."""
    unprotected: Sequence[str] = ()
    """Tables that lack ENABLE, FORCE, or our policy, for all commands with its condition in USING and WITH CHECK."""
    widened: Sequence[str] = ()
    """Other permissive policies, also for a single command, as ``name on table``: what any of them allows is open."""

    @property
    def flaw(self) -> str | None:
        """Why a tenant's rows would be open to another, in one sentence; None where they are not."""
        if self.superuser:
            return f"the role {self.role} is a superuser, whom row-level security never holds."
        if self.bypasses:
            return f"the role {self.role} has BYPASSRLS: take it away by ALTER ROLE {self.role} NOBYPASSRLS."
        if self.owned:
            return f"the role {self.role} owns {_listed(self.owned)} without FORCE ROW LEVEL SECURITY; {_MEND}"
        if self.unprotected:
            return f"{_listed(self.unprotected)} lacks ENABLE, FORCE or the policy {POLICY} with its condition; {_MEND}"
        if self.widened:
            return f"{_listed(self.widened, 'policy')} opens more than {POLICY} does: drop it, or make it RESTRICTIVE."
        return None


_MEND = "turn it on in a revision by op.enable_row_level_security()."


def _listed(names: Sequence[str], kind: str = "table") -> str:
    more = f" (and {len(names) - 1} more)" if len(names) > 1 else ""
    return f"the {kind} {names[0]}{more}"


async def standing(connection: asyncpg.Connection) -> Standing:
    """Ask the catalog, in one statement that reads no table's rows."""
    async with connection.transaction():  # a pooler may give statements outside of one to two servers
        row = await connection.fetchrow(_STANDING)
    assert row is not None  # noqa: S101 - the role that asks is there
    return Standing(**row)


async def require(connection: asyncpg.Connection) -> None:
    """Raise RowLevelSecurityBypassed where this connection could see another tenant's rows."""
    flaw = (await standing(connection)).flaw
    if flaw is not None:
        raise RowLevelSecurityBypassed(f"PLINTH_RLS_REQUIRED is on, but {flaw}")


def required(open_connection: Opener, *, within: float) -> Opener:
    """An opener whose connections are all held by row-level security: no request is served on another.

    ``within``: seconds for opening one and asking it. Why one is refused is logged, as clients are not told.
    """

    async def open_held(*arguments: Any, **options: Any) -> asyncpg.Connection:
        async with asyncio.timeout(within):
            connection = await open_connection(*arguments, **options)
            try:
                await require(connection)
            except BaseException as failure:
                connection.terminate()
                _say(failure)
                raise
        return connection

    return open_held


def _say(failure: BaseException) -> None:
    if isinstance(failure, RowLevelSecurityBypassed):
        log.error("a connection is not used", error=str(failure))


async def require_at_start(settings: Settings) -> None:
    """As `require`, on a connection of its own. A database that does not answer stops no start: each new connection
    is asked again, before it serves a request.
    """
    try:
        async with asyncio.timeout(settings.readiness_timeout):
            connection = await connect_with(settings, application_name="plinth-start")
            try:
                await require(connection)
            finally:
                connection.terminate()
    except Exception as failure:
        if (fault := classify(failure)) in {None, Fault.PROGRAMMING}:
            raise
        log.warning("row-level security is not checked yet", kind=fault)


def enable(table: str) -> list[str]:
    """Statements that turn it on for a table, given as SQL writes it; done twice they change nothing."""
    return [
        f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY",
        f"DROP POLICY IF EXISTS {POLICY} ON {table}",
        f"CREATE POLICY {POLICY} ON {table} USING ({_IS_OURS}) WITH CHECK ({_IS_OURS})",
    ]


def disable(table: str) -> list[str]:
    """Statements that turn it off, the policy included."""
    return [
        f"DROP POLICY IF EXISTS {POLICY} ON {table}",
        f"ALTER TABLE {table} NO FORCE ROW LEVEL SECURITY, DISABLE ROW LEVEL SECURITY",
    ]
