"""What the migrator's role may do on this database, and what the app's role has been granted."""

from dataclasses import dataclass
from typing import Literal

import asyncpg

from app.errors import Refused
from app.migrator import rights

# Asked on a session whose search_path is anybody's: everything is named in full.
_FACTS = """
SELECT current_user AS name,
       pg_catalog.to_regnamespace('public') IS NOT NULL AS has_public,
       pg_catalog.has_schema_privilege(pg_catalog.to_regnamespace('public')::pg_catalog.oid, 'CREATE') AS may_create,
       pg_catalog.current_setting('default_transaction_read_only')::pg_catalog.bool AS read_only,
       pg_catalog.current_setting('session_replication_role') AS replication_role
"""

AppRole = Literal["none", "missing", "ungranted", "granted"]


@dataclass(frozen=True)
class RoleFacts:
    """The migrator's role, as the server sees it."""

    name: str = "owner"
    has_public: bool = True
    may_create: bool = True
    read_only: bool = False
    replication_role: str = "origin"
    app_role: AppRole = "none"
    """``none`` where the app has no role of its own."""


async def observe_role(connection: asyncpg.Connection, app_role: str | None) -> RoleFacts:
    row = await connection.fetchrow(_FACTS)
    assert row is not None  # noqa: S101 - a SELECT without FROM has one row
    return RoleFacts(
        name=row["name"],
        has_public=row["has_public"],
        may_create=bool(row["may_create"]),
        read_only=row["read_only"],
        replication_role=row["replication_role"],
        app_role=await _app_role(connection, app_role, row["name"]),
    )


async def _app_role(connection: asyncpg.Connection, app_role: str | None, own: str) -> AppRole:
    if app_role in {None, own}:
        return "none"
    answer: AppRole = await connection.fetchval(rights.STATE, app_role)
    return answer


def check_role(role: RoleFacts, app_role: str | None) -> None:
    """Refuse where the role could only do half of it, before anything is done."""
    if role.app_role == "missing":
        raise Refused(
            f'The app\'s role "{app_role}" (PLINTH_DATABASE_APP_ROLE) does not exist on this server; '
            "create it, then run this again."
        )
    if role.read_only:
        raise Refused(
            f'Transactions of the role "{role.name}" are read-only on this database (default_transaction_read_only); '
            "find out why, turn that off, then run this again."
        )
    if role.replication_role != "origin":
        raise Refused(
            f'The role "{role.name}" runs with session_replication_role = {role.replication_role}, in which foreign '
            "keys are not checked; reset that for the role, then run this again."
        )
    if not role.has_public:
        raise Refused("This database has no schema public; create it (CREATE SCHEMA public), then run this again.")
    if not role.may_create:
        raise Refused(
            f'The role "{role.name}" may not create in the schema public; let the database\'s owner run '
            f'GRANT CREATE ON SCHEMA public TO "{role.name}", or migrate with the role that owns the database.'
        )
