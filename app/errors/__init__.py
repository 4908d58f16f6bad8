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
├── UnacceptableValue            422  unacceptable-value
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

from app.errors.base import PlinthError as PlinthError, SettingsError as SettingsError
from app.errors.database import (
    DatabaseBusy as DatabaseBusy,
    DatabaseUnavailable as DatabaseUnavailable,
    RowLevelSecurityBypassed as RowLevelSecurityBypassed,
)
from app.errors.migrations import (
    CoreSchemaBehind as CoreSchemaBehind,
    DatabaseNotReachable as DatabaseNotReachable,
    Diverged as Diverged,
    Interrupted as Interrupted,
    MigrationError as MigrationError,
    MigrationLockLost as MigrationLockLost,
    MigrationLockNotObtained as MigrationLockNotObtained,
    MigrationUsageError as MigrationUsageError,
    NotPersisted as NotPersisted,
    Refused as Refused,
    RevisionFailed as RevisionFailed,
    TableLockNotObtained as TableLockNotObtained,
)
from app.errors.requests import (
    BadRequest as BadRequest,
    Conflict as Conflict,
    ExpiredToken as ExpiredToken,
    IdempotencyAnswerNotKept as IdempotencyAnswerNotKept,
    IdempotencyKeyInUse as IdempotencyKeyInUse,
    IdempotencyKeyReused as IdempotencyKeyReused,
    InvalidToken as InvalidToken,
    MalformedCursor as MalformedCursor,
    MalformedIdempotencyKey as MalformedIdempotencyKey,
    MalformedTenant as MalformedTenant,
    NotFound as NotFound,
    PayloadTooLarge as PayloadTooLarge,
    PreconditionFailed as PreconditionFailed,
    PreconditionRequired as PreconditionRequired,
    TokenKeysUnavailable as TokenKeysUnavailable,
    TokenRequired as TokenRequired,
    UnacceptableValue as UnacceptableValue,
    Unauthenticated as Unauthenticated,
)
