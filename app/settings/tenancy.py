"""Who asks, and whether the database keeps tenants apart."""

from typing import Annotated, Self

from pydantic import Field, model_validator

from app.environment import cannot_be_changed_underway, variable
from app.settings.kinds import Group, SigningAlgorithm, TenantSource


class TenancySettings(Group):
    tenant_source: TenantSource = "none"
    """``header``: tenant and user come from ``X-Tenant-Id`` and ``X-User-Id``, which something in front must set
    and strip. ``jwt``: from a verified bearer token. Default: ``none``, one tenant for all."""

    jwt_jwks_url: str | None = None
    """Where the issuer publishes its keys, ``https://``; plain ``http://`` on loopback only, as whoever changes the
    answer makes tokens. Default: none; needed with ``tenant_source`` ``jwt``."""

    jwt_issuer: str | None = None
    """What ``iss`` of a token must be, to the letter. Default: none; needed with ``tenant_source`` ``jwt``."""

    jwt_audience: str | None = None
    """What ``aud`` of a token must be or hold: a token for another service is not one for this. Default: none; needed
    with ``tenant_source`` ``jwt``."""

    jwt_algorithms: Annotated[list[SigningAlgorithm], Field(min_length=1)] = ["RS256", "ES256"]
    """Signatures that count (JSON list), asymmetric ones only: a shared secret would let this service make tokens.
    Default: ``["RS256", "ES256"]``, what issuers use."""

    jwt_leeway: Annotated[float, Field(ge=0, le=300)] = 30
    """Seconds by which the issuer's clock may differ. Default: 30."""

    jwt_tenant_claim: str = "tenant_id"
    """The claim that holds the tenant, a UUID. Default: ``tenant_id``."""

    jwt_user_claim: str = "sub"
    """The claim that holds the user, any text; a token without it has a tenant and no user. Default: ``sub``."""

    jwt_keys_seconds: Annotated[float, Field(ge=10)] = 300
    """Seconds after which the keys are fetched again, so that a withdrawn one stops counting; the last good ones stay
    while that fails. Default: 300. An unknown key is looked for at once, but not more than once in 10 s."""

    rls_required: bool = False
    """Whether to serve only while row-level security holds: each tenant's table has it, and the role is no superuser
    and has no BYPASSRLS. Else the process ends at its start, or is not ready. Default: false, as it is off in a new
    database."""

    @model_validator(mode="after")
    def _tokens_can_be_verified(self) -> Self:
        given = {name: getattr(self, name) for name in ("jwt_jwks_url", "jwt_issuer", "jwt_audience")}
        missing = [variable(name) for name, value in given.items() if value is None]
        if self.tenant_source == "jwt" and missing:
            raise ValueError(f"PLINTH_TENANT_SOURCE is jwt, so set {', '.join(missing)} too")
        if self.tenant_source != "jwt" and len(missing) < len(given):
            raise ValueError("tokens are set up, but nobody asks for one: set PLINTH_TENANT_SOURCE to jwt")
        if self.jwt_jwks_url and not cannot_be_changed_underway(self.jwt_jwks_url):
            raise ValueError("jwt_jwks_url must be https://, or http:// on loopback")
        return self
