"""For whom a transaction runs. The database knows it by two settings, set for one transaction only."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from types import MappingProxyType
from uuid import UUID

from sqlalchemy import Connection, TextClause, text

_NO_LIMITS: Mapping[str, str] = MappingProxyType({})

NO_TENANT = UUID(int=0)
"""The tenant of rows that belong to nobody: what ``tenant_id`` is where no tenant is set."""

CURRENT_TENANT = f"coalesce(nullif(current_setting('plinth.tenant_id', true), '')::uuid, '{NO_TENANT}'::uuid)"
"""The tenant a statement runs for, as SQL. ``nullif``: after a transaction that had set it, the setting reads as ''."""


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


def set_context(connection: Connection, context: Context, limits: Mapping[str, str] = _NO_LIMITS) -> None:
    """Tell the database, until the transaction ends, in one round trip; ``limits`` are settings of PostgreSQL's.

    Never for the session: another request would inherit it with the connection.
    """
    values = dict(limits)
    if not context.empty:
        values["plinth.tenant_id"] = str(context.tenant_id) if context.tenant_id else ""
        values["plinth.user_id"] = context.user_id or ""
    if values:
        connection.execute(_set(tuple(values)), {f"v{number}": value for number, value in enumerate(values.values())})


@lru_cache(maxsize=8)
def _set(names: Iterable[str]) -> TextClause:
    return text("SELECT " + ", ".join(f"set_config('{name}', :v{number}, true)" for number, name in enumerate(names)))
