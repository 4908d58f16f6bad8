"""What the database cannot do now."""

from app.errors.base import PlinthError


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
