"""Statements that are made once, in a module, rather than at each call.

To build a statement, to analyse it and to find it in SQLAlchemy's cache costs more than to run it. A prepared one pays
that once; what changes from call to call are values::

    BY_ID = prepared(select(*FIELDS).where(Project.id == bindparam("project_id")))
    row = (await session.execute(BY_ID, {"project_id": project_id})).one_or_none()

It sees one tenant's rows only, as every statement of a session does. A statement that is derived from a prepared one,
and one that is not prepared, is run as ever.
"""

from typing import Any, TypeVar
from uuid import UUID

from sqlalchemy import Executable, FromClause, Insert, Select, Uuid, bindparam
from sqlalchemy.orm import with_loader_criteria
from sqlalchemy.sql.cache_key import CacheKey

from app.db.base import TenantRow

TENANT = "plinth_tenant"
"""The value that every prepared SELECT takes besides its own."""

_MADE = "_plinth_prepared"
_TENANT = bindparam(TENANT, type_=Uuid)
_ONE_TENANT = with_loader_criteria(TenantRow, lambda row: row.tenant_id == _TENANT, include_aliases=True)

Statement = TypeVar("Statement", Select[*tuple[Any, ...]], Insert)


def prepared(statement: Statement) -> Statement:
    """The same statement, quick to run by ``session.execute(statement, values)``.

    A SELECT of columns whose values are ``bindparam``s, or an INSERT whose values are its columns.
    """
    if not isinstance(statement, Select | Insert):  # another would be run without its tenant
        raise TypeError(f"Only select() and insert() can be prepared, not {type(statement).__name__}.")
    # Of the statement as it was written: to ask for its entities would need all slices, of which this is one.
    if isinstance(statement, Select) and any(isinstance(one, FromClause) for one in statement._raw_columns):
        raise TypeError("A prepared statement reads columns, not instances: name them in select().")
    made: Select[*tuple[Any, ...]] | Insert
    made = statement.options(_ONE_TENANT) if isinstance(statement, Select) else statement._clone()
    key = made._generate_cache_key()
    assert key is not None  # noqa: S101 - nothing of SQLAlchemy's own is without one
    short = CacheKey((object(),), key.bindparams, key.params)  # as good as the long one, and found at once
    made._set_memoized_attribute("_generate_cache_key", lambda: short)
    statement._set_memoized_attribute(_MADE, made)  # which is not passed on to what is derived from it
    return statement


def ready(statement: Executable, values: Any, tenant: UUID) -> tuple[Executable, dict[str, Any]] | None:
    """What a connection is given to run a prepared statement; None where it is not one."""
    made: Executable | None = getattr(statement, _MADE, None)
    if made is None or not (values is None or isinstance(values, dict)):
        return None
    if made.is_insert:
        return made, values or {}
    return made, {**(values or {}), TENANT: tenant}
