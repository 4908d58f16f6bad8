"""Who asks: the tenant and the user of a request, from where the settings say they can be trusted."""

from uuid import UUID

from fastapi import Request

from app.db.context import Context
from app.errors import MalformedTenant
from app.settings import Settings

TENANT_HEADER = "X-Tenant-Id"
USER_HEADER = "X-User-Id"


async def get_context(request: Request) -> Context:
    """The context of a request. Raises MalformedTenant where a header is the source and it holds no UUID.

    Asynchronous although it waits for nothing: FastAPI would run a plain function in a thread.
    """
    settings: Settings = request.app.state.settings
    if settings.tenant_source == "none":
        return Context()
    try:
        tenant = UUID(request.headers.get(TENANT_HEADER, ""))
    except ValueError:
        raise MalformedTenant from None
    return Context(tenant, request.headers.get(USER_HEADER) or None)
