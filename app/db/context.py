"""For whom a transaction runs. The database knows it by two settings, set for one transaction only."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID

_PLAIN = re.compile("[A-Za-z0-9_.-]*")

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


def opening(context: Context, limits: Mapping[str, str]) -> str:
    """What a transaction is begun with, as a statement without rows; "" for nothing. ``limits``: PostgreSQL's settings.

    It lasts until the transaction ends. Never for the session: another request would inherit it with the connection.
    """
    values = dict(limits)
    if not context.empty:
        values["plinth.tenant_id"] = str(context.tenant_id) if context.tenant_id else ""
        values["plinth.user_id"] = context.user_id or ""
    if not values:
        return ""
    sets = ", ".join(f"set_config({_text(name)}, {_text(value)}, true)" for name, value in values.items())
    return f"SELECT WHERE num_nulls({sets}) < 0"  # set_config is volatile: it is run, whatever comes of it


def _text(value: str) -> str:
    """A text in SQL. One that is not plain goes as hexadecimal digits, so that no quoting can be got wrong."""
    if _PLAIN.fullmatch(value):
        return f"'{value}'"
    return f"convert_from(decode('{value.encode(errors='surrogatepass').hex()}', 'hex'), 'UTF8')"
