"""For whom a transaction runs. The database knows it by two settings, set for one transaction only."""

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import Connection, text

NO_TENANT = UUID(int=0)
"""The tenant of rows that belong to nobody: what ``tenant_id`` is where no tenant is set."""

CURRENT_TENANT = f"coalesce(nullif(current_setting('plinth.tenant_id', true), '')::uuid, '{NO_TENANT}'::uuid)"
"""The tenant a statement runs for, as SQL. ``nullif``: after a transaction that had set it, the setting reads as ''."""

_SET = text("SELECT set_config('plinth.tenant_id', :tenant, true), set_config('plinth.user_id', :user, true)")


@dataclass(frozen=True)
class Context:
    """The tenant and the user of a request; None where there is none."""

    tenant_id: UUID | None = None
    user_id: str | None = None

    @property
    def tenant(self) -> UUID:
        return self.tenant_id or NO_TENANT

    @property
    def empty(self) -> bool:
        return self.tenant_id is None and self.user_id is None


def set_context(connection: Connection, context: Context) -> None:
    """Tell the database, until the transaction ends.

    Never for the session: another request would inherit it with the connection.
    """
    if not context.empty:
        tenant = str(context.tenant_id) if context.tenant_id else ""
        connection.execute(_SET, {"tenant": tenant, "user": context.user_id or ""})
