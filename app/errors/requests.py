"""What is wrong with a request, and what cannot be known of it."""

from typing import ClassVar

from app.errors.base import PlinthError


class BadRequest(PlinthError):
    """The request cannot be understood."""

    status = 400
    slug = "bad-request"
    title = "Bad request"


class MalformedCursor(BadRequest):
    """The cursor is not one this service gave out; leave it away to start from the first page."""

    slug = "malformed-cursor"
    title = "Malformed cursor"


class MalformedTenant(BadRequest):
    """The header X-Tenant-Id must be there and hold a UUID."""

    slug = "malformed-tenant"
    title = "Malformed tenant"


class MalformedIdempotencyKey(BadRequest):
    """There may be one header Idempotency-Key, of 1 to 255 letters, digits and ._~+/=:@- (a UUID does well)."""

    slug = "malformed-idempotency-key"
    title = "Malformed idempotency key"


class Unauthenticated(PlinthError):
    """It is not known who asks."""

    status = 401
    slug = "unauthenticated"
    title = "Unauthenticated"
    code: ClassVar[str] = ""
    """RFC 6750's; none where no token came at all."""

    @property
    def challenge(self) -> str:
        """The value of ``WWW-Authenticate``."""
        told = f', error="{self.code}", error_description="{self}"' if self.code else ""
        return f'Bearer realm="plinth"{told}'


class TokenRequired(Unauthenticated):
    """Send a token with the request, as Authorization: Bearer and the token."""

    slug = "token-required"
    title = "Token required"


class InvalidToken(Unauthenticated):
    """The token cannot be verified."""

    slug = "invalid-token"
    title = "Invalid token"
    code = "invalid_token"


class ExpiredToken(Unauthenticated):
    """The token has expired; send the request again with a new one."""

    slug = "expired-token"
    title = "Expired token"
    code = "invalid_token"


class NotFound(PlinthError):
    """There is nothing at this address."""

    status = 404
    slug = "not-found"
    title = "Not found"


class Conflict(PlinthError):
    """The request contradicts what is stored."""

    status = 409
    slug = "conflict"
    title = "Conflict"


class IdempotencyKeyInUse(Conflict):
    """Another request with this Idempotency-Key is still being worked on; try again, with the same key."""

    slug = "idempotency-key-in-use"
    title = "Idempotency key in use"
    retry_after = True


class IdempotencyAnswerNotKept(Conflict):
    """The request with this Idempotency-Key was carried out, but its answer was too large to keep; read the result."""

    slug = "idempotency-answer-not-kept"
    title = "Answer not kept"


class PreconditionFailed(PlinthError):
    """The resource has changed since it was read; read it again and repeat the change with its new ETag."""

    status = 412
    slug = "precondition-failed"
    title = "Precondition failed"


class PayloadTooLarge(PlinthError):
    """The request body is larger than this service accepts."""

    status = 413
    slug = "payload-too-large"
    title = "Payload too large"


class IdempotencyKeyReused(PlinthError):
    """This Idempotency-Key belongs to another request; a new request needs a new key."""

    status = 422
    slug = "idempotency-key-reused"
    title = "Idempotency key reused"


class UnacceptableValue(PlinthError):
    """A value in the request is one the database cannot hold or compare."""

    status = 422
    slug = "unacceptable-value"
    title = "Unacceptable value"


class PreconditionRequired(PlinthError):
    """This change needs an If-Match header with the ETag of the resource as it was read."""

    status = 428
    slug = "precondition-required"
    title = "Precondition required"


class TokenKeysUnavailable(PlinthError):
    """Tokens cannot be verified right now, as their issuer does not answer; try again."""

    status = 503
    slug = "token-keys-unavailable"
    title = "Token keys unavailable"
    retry_after = True
