"""The one error tree.

PlinthError                      500  internal
├── SettingsError                500  exit 2
├── BadRequest                   400  bad-request
│   ├── MalformedCursor          400  malformed-cursor
│   ├── MalformedTenant          400  malformed-tenant
│   └── MalformedIdempotencyKey  400  malformed-idempotency-key
├── Unauthenticated              401  unauthenticated
│   ├── TokenRequired            401  token-required
│   ├── InvalidToken             401  invalid-token
│   └── ExpiredToken             401  expired-token
├── NotFound                     404  not-found
├── Conflict                     409  conflict
│   ├── IdempotencyKeyInUse      409  idempotency-key-in-use
│   └── IdempotencyAnswerNotKept 409  idempotency-answer-not-kept
├── PreconditionFailed           412  precondition-failed
├── PayloadTooLarge              413  payload-too-large
├── IdempotencyKeyReused         422  idempotency-key-reused
├── PreconditionRequired         428  precondition-required
├── DatabaseUnavailable          503  database-unavailable
│   ├── DatabaseBusy             503  database-busy
│   └── RowLevelSecurityBypassed 503  database-unavailable, exit 2
├── TokenKeysUnavailable         503  token-keys-unavailable
└── MigrationError               -    exit codes of `plinth migrate`
    ├── MigrationUsageError      exit 2
    ├── DatabaseNotReachable     exit 3
    ├── MigrationLockNotObtained exit 4
    │   └── MigrationLockLost    exit 4
    ├── TableLockNotObtained     exit 5
    ├── RevisionFailed           exit 6
    ├── Diverged                 exit 7
    ├── Refused                  exit 8
    │   └── CoreSchemaBehind     exit 8
    ├── NotPersisted             exit 9
    └── Interrupted              exit 1

Each class knows its HTTP status, its problem type (``/problems/<slug>``) and its exit code. The message is one
sentence for the reader who must act.
"""

from typing import ClassVar


class PlinthError(Exception):
    """Something went wrong that this program did not expect."""

    status: ClassVar[int] = 500
    slug: ClassVar[str] = "internal"
    title: ClassVar[str] = "Internal error"
    retry_after: ClassVar[bool] = False
    exit_code: ClassVar[int] = 1
    reason: ClassVar[str] = "Internal"

    def __init__(self, message: str | None = None) -> None:
        super().__init__(message or " ".join((type(self).__doc__ or "").split()))


class SettingsError(PlinthError):
    """A setting is missing or wrong."""

    exit_code = 2
    reason = "Settings"


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


class PreconditionRequired(PlinthError):
    """This change needs an If-Match header with the ETag of the resource as it was read."""

    status = 428
    slug = "precondition-required"
    title = "Precondition required"


class DatabaseUnavailable(PlinthError):
    """The database cannot be used right now; try again."""

    status = 503
    slug = "database-unavailable"
    title = "Database unavailable"
    retry_after = True
    exit_code = 3
    reason = "DatabaseUnavailable"


class DatabaseBusy(DatabaseUnavailable):
    """The database is too busy to take this request right now; try again."""

    slug = "database-busy"
    title = "Database busy"


class RowLevelSecurityBypassed(DatabaseUnavailable):
    """The database cannot be used as it is set up; those who run this service can see why."""

    exit_code = 2
    reason = "RowLevelSecurityBypassed"


class TokenKeysUnavailable(PlinthError):
    """Tokens cannot be verified right now, as their issuer does not answer; try again."""

    status = 503
    slug = "token-keys-unavailable"
    title = "Token keys unavailable"
    retry_after = True


class MigrationError(PlinthError):
    """The migration failed."""

    reason = "MigrationFailed"


class MigrationUsageError(MigrationError):
    """The migration was asked for in a way that cannot be."""

    exit_code = 2
    reason = "Usage"


class DatabaseNotReachable(MigrationError):
    """The database could not be reached in time."""

    exit_code = 3
    reason = "DatabaseNotReachable"


class MigrationLockNotObtained(MigrationError):
    """Another migrator held the lock all the time."""

    exit_code = 4
    reason = "MigrationLockNotObtained"


class MigrationLockLost(MigrationLockNotObtained):
    """The connection that holds the migration lock was lost; the revision under way was rolled back. Run it again."""

    reason = "MigrationLockLost"


class TableLockNotObtained(MigrationError):
    """A revision got no lock on a table in any of its attempts; end the long transactions on it and try again."""

    exit_code = 5
    reason = "TableLockNotObtained"


class RevisionFailed(MigrationError):
    """A revision failed; its transaction was rolled back."""

    exit_code = 6
    reason = "RevisionFailed"


class Diverged(MigrationError):
    """The database holds revisions this image does not know, and its log does not say they follow this image's."""

    exit_code = 7
    reason = "Diverged"


class Refused(MigrationError):
    """The migration is not allowed in this situation."""

    exit_code = 8
    reason = "Refused"


class CoreSchemaBehind(Refused):
    """The core schema is behind; the core revisions go first."""

    reason = "CoreSchemaBehind"


class Interrupted(MigrationError):
    """The migration was ended from outside (SIGTERM or SIGINT); what was committed stays. Run it again."""

    reason = "Interrupted"


class NotPersisted(MigrationError):
    """The migration seemed to succeed, but a new connection does not see it."""

    exit_code = 9
    reason = "NotPersisted"
