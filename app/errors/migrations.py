"""How a migration fails. Each has an exit code of `plinth migrate`."""

from app.errors.base import PlinthError


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
    """The connection that holds the migration lock was lost; the open transaction was rolled back. Run it again."""

    reason = "MigrationLockLost"


class TableLockNotObtained(MigrationError):
    """A revision got no lock on a table in any of its attempts; end the long transactions on it and try again."""

    exit_code = 5
    reason = "TableLockNotObtained"


class RevisionFailed(MigrationError):
    """A revision failed; the open transaction was rolled back."""

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
