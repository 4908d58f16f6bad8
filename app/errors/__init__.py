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

from app.errors.base import PlinthError as PlinthError
from app.errors.base import SettingsError as SettingsError
from app.errors.database import DatabaseBusy as DatabaseBusy
from app.errors.database import DatabaseUnavailable as DatabaseUnavailable
from app.errors.database import RowLevelSecurityBypassed as RowLevelSecurityBypassed
from app.errors.migrations import CoreSchemaBehind as CoreSchemaBehind
from app.errors.migrations import DatabaseNotReachable as DatabaseNotReachable
from app.errors.migrations import Diverged as Diverged
from app.errors.migrations import Interrupted as Interrupted
from app.errors.migrations import MigrationError as MigrationError
from app.errors.migrations import MigrationLockLost as MigrationLockLost
from app.errors.migrations import MigrationLockNotObtained as MigrationLockNotObtained
from app.errors.migrations import MigrationUsageError as MigrationUsageError
from app.errors.migrations import NotPersisted as NotPersisted
from app.errors.migrations import Refused as Refused
from app.errors.migrations import RevisionFailed as RevisionFailed
from app.errors.migrations import TableLockNotObtained as TableLockNotObtained
from app.errors.requests import BadRequest as BadRequest
from app.errors.requests import Conflict as Conflict
from app.errors.requests import ExpiredToken as ExpiredToken
from app.errors.requests import IdempotencyAnswerNotKept as IdempotencyAnswerNotKept
from app.errors.requests import IdempotencyKeyInUse as IdempotencyKeyInUse
from app.errors.requests import IdempotencyKeyReused as IdempotencyKeyReused
from app.errors.requests import InvalidToken as InvalidToken
from app.errors.requests import MalformedCursor as MalformedCursor
from app.errors.requests import MalformedIdempotencyKey as MalformedIdempotencyKey
from app.errors.requests import MalformedTenant as MalformedTenant
from app.errors.requests import NotFound as NotFound
from app.errors.requests import PayloadTooLarge as PayloadTooLarge
from app.errors.requests import PreconditionFailed as PreconditionFailed
from app.errors.requests import PreconditionRequired as PreconditionRequired
from app.errors.requests import TokenKeysUnavailable as TokenKeysUnavailable
from app.errors.requests import TokenRequired as TokenRequired
from app.errors.requests import Unauthenticated as Unauthenticated
