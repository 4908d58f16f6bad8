"""Row-level security in a revision: ``op.enable_row_level_security("notes")`` and its reverse.

Where the setting ``rls_required`` is on, autogenerate writes the first for every tenant's table that lacks it, and
``alembic check`` fails until a revision has it.
"""

from typing import Any

from alembic.autogenerate import comparators, renderers
from alembic.autogenerate.api import AutogenContext
from alembic.operations import MigrateOperation, Operations
from alembic.operations.ops import UpgradeOps
from alembic.util import DispatchPriority, PriorityDispatchResult
from sqlalchemy import Connection

from app.db import row_level_security
from app.migrator.rights import quote
from app.settings import Settings

_PROTECTED = f"""
SELECT c.relname FROM pg_catalog.pg_class c
 WHERE c.relnamespace = 'public'::regnamespace AND c.relrowsecurity AND c.relforcerowsecurity
   AND EXISTS (SELECT FROM pg_catalog.pg_policy p WHERE p.polrelid = c.oid AND {row_level_security.WHOLE})
"""  # noqa: S608


class _OnTable(MigrateOperation):
    name: str

    def __init__(self, table: str) -> None:
        self.table = table

    @property
    def sql_name(self) -> str:
        return f"public.{quote(self.table)}"

    def to_diff_tuple(self) -> tuple[Any, ...]:
        return (self.name, self.table)


@Operations.register_operation("enable_row_level_security")
class EnableRowLevelSecurity(_OnTable):
    """ENABLE, FORCE and the policy. The app needs no change for it."""

    name = "enable_row_level_security"

    @classmethod
    def enable_row_level_security(cls, operations: Operations, table: str) -> None:
        """Let each tenant see and write its own rows of a table alone, the table's owner included."""
        operations.invoke(cls(table))

    def reverse(self) -> MigrateOperation:
        return DisableRowLevelSecurity(self.table)


@Operations.register_operation("disable_row_level_security")
class DisableRowLevelSecurity(_OnTable):
    """The policy gone, then neither FORCE nor ENABLE."""

    name = "disable_row_level_security"

    @classmethod
    def disable_row_level_security(cls, operations: Operations, table: str) -> None:
        """Take back `enable_row_level_security`."""
        operations.invoke(cls(table))

    def reverse(self) -> MigrateOperation:
        return EnableRowLevelSecurity(self.table)


@Operations.implementation_for(EnableRowLevelSecurity)
def _enable(operations: Operations, operation: EnableRowLevelSecurity) -> None:
    for statement in row_level_security.enable(operation.sql_name):
        operations.execute(statement)


@Operations.implementation_for(DisableRowLevelSecurity)
def _disable(operations: Operations, operation: DisableRowLevelSecurity) -> None:
    for statement in row_level_security.disable(operation.sql_name):
        operations.execute(statement)


@renderers.dispatch_for(EnableRowLevelSecurity)
@renderers.dispatch_for(DisableRowLevelSecurity)
def _render(_: AutogenContext, operation: _OnTable) -> str:
    return f"op.{operation.name}({operation.table!r})"


@comparators.dispatch_for("schema", priority=DispatchPriority.LAST)  # after the tables themselves are made
def _compare(context: AutogenContext, upgrade: UpgradeOps, _: Any) -> PriorityDispatchResult:
    settings: Settings = context.opts["settings"]
    if settings.rls_required and context.connection is not None:
        protected = _protected(context.connection)
        for table in context.sorted_tables:
            if "tenant_id" in table.columns and table.name not in protected:
                upgrade.ops.append(EnableRowLevelSecurity(table.name))
    return PriorityDispatchResult.CONTINUE


def _protected(connection: Connection) -> set[str]:
    return set(connection.exec_driver_sql(_PROTECTED).scalars())
