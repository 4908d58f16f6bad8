"""Who asks: the tenant and the user of a request, from where the settings say they can be trusted."""

from collections.abc import Awaitable, Callable
from uuid import UUID

from fastapi import Request

from app.db.context import Context
from app.errors import MalformedTenant

TENANT_HEADER = "X-Tenant-Id"
USER_HEADER = "X-User-Id"
_CONTEXT = "plinth.context"

Source = Callable[[Request], Awaitable[Context]]


async def get_context(request: Request) -> Context:
    """The context of a request, found once. Raises what the configured source raises."""
    known: Context | None = request.scope.get(_CONTEXT)
    if known is None:
        source: Source = request.app.state.tenant_source
        known = request.scope[_CONTEXT] = await source(request)
    return known


async def nobody(_: Request) -> Context:
    return Context()


async def from_headers(request: Request) -> Context:
    """What something in front says. Raises MalformedTenant where it says nothing."""
    try:
        tenant = UUID(request.headers.get(TENANT_HEADER, ""))
    except ValueError:
        raise MalformedTenant from None
    return Context(tenant, request.headers.get(USER_HEADER) or None)


def from_token(verify: Callable[[str | None], Awaitable[Context]]) -> Source:
    async def verified(request: Request) -> Context:
        return await verify(request.headers.get("Authorization"))

    return verified
