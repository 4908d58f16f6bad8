"""Bearer tokens (RFC 6750): a JWT that the configured issuer signed for this service says who asks.

Imported only where tokens are asked for: cryptography takes memory and time to load.
"""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any
from uuid import UUID

import jwt

from app.db.context import Context
from app.errors import ExpiredToken, InvalidToken, TokenRequired
from app.jwks import Keys, fetch
from app.settings import Settings

_REQUIRED = ["exp", "iss", "aud"]
_SENTENCES: dict[type[Exception], str] = {
    jwt.ImmatureSignatureError: "The token is not valid yet.",
    jwt.InvalidAudienceError: "The token is not for this service.",
    jwt.InvalidIssuerError: "The token is not from the issuer this service trusts.",
}


class Verifier:
    """From an Authorization header to a context."""

    def __init__(self, settings: Settings, keys: Keys) -> None:
        self.keys = keys
        self._settings = settings

    @classmethod
    def of(cls, settings: Settings, told: Callable[[str], None]) -> "Verifier":
        """A verifier with the keys at the address the settings name."""
        keys = Keys(
            partial(fetch, settings.jwt_jwks_url or ""),
            algorithms=settings.jwt_algorithms,
            lifetime=settings.jwt_keys_seconds,
            told=told,
        )
        return cls(settings, keys)

    async def __call__(self, authorization: str | None) -> Context:
        """Raises TokenRequired, InvalidToken, ExpiredToken, or TokenKeysUnavailable."""
        return self._context(await self._claims(bearer(authorization)))

    async def _claims(self, token: str) -> Mapping[str, Any]:
        settings = self._settings
        try:
            header = jwt.get_unverified_header(token)
            if header.get("alg") not in settings.jwt_algorithms:  # before anything is fetched for it
                raise InvalidToken
            key = await self.keys.find(header.get("kid"))
            if key is None:
                raise InvalidToken
            return jwt.decode(
                token,
                key.public,
                algorithms=key.algorithms,
                audience=settings.jwt_audience,
                issuer=settings.jwt_issuer,
                leeway=settings.jwt_leeway,
                options={"require": _REQUIRED},
            )
        except jwt.ExpiredSignatureError:
            raise ExpiredToken from None
        except jwt.PyJWTError as failure:
            raise InvalidToken(_SENTENCES.get(type(failure))) from None

    def _context(self, claims: Mapping[str, Any]) -> Context:
        tenant, user = (claims.get(name) for name in (self._settings.jwt_tenant_claim, self._settings.jwt_user_claim))
        try:
            tenant_id = UUID(tenant)
        except (ValueError, TypeError, AttributeError):
            raise InvalidToken("The token names no tenant.") from None
        if user is not None and (not isinstance(user, str) or "\0" in user):
            raise InvalidToken("The token's user is no text.")
        return Context(tenant_id, user or None)


def bearer(authorization: str | None) -> str:
    """The token of an Authorization header."""
    scheme, _, token = (authorization or "").strip().partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise TokenRequired
    return token.strip()
