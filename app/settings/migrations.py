"""How the schema is migrated."""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from app.settings.kinds import Group, Seconds


class MigrationSettings(Group):
    ids_below18: Literal["v4", "v7"] = "v4"
    """What the id function makes on a server before 18: ``v4`` (random) or ``v7`` (time-ordered, by an SQL
    expression). Default: ``v4``, the server's own function. Read by the migrator alone."""

    migrate_wait_seconds: Seconds = 60
    """Seconds the migrator waits for a database that does not answer. Default: 60: a Job starts before its server."""

    migrate_lock_seconds: Seconds = 120
    """Seconds the migrator waits for another migrator. Default: 120, below the Job's deadline of 270."""

    migrate_lock_timeout: Annotated[float, Field(gt=0)] = 0.1
    """Seconds a statement of a revision waits for a table lock, while everybody else queues behind it. Default: 0.1:
    short and often leaves the 99th percentile of requests as it is, long and seldom does not."""

    migrate_statement_timeout: Seconds = 10
    """Seconds one statement of a revision may take, while everybody else waits for the locks it holds; safe forms
    have no limit, and 0 is none. Default: 10: what takes longer on a table in use is for a safe form."""

    migrate_attempts: Annotated[int, Field(ge=1)] = 15
    """How often a revision that got no table lock is tried, in growing intervals. Default: 15, about two minutes,
    below the Job's deadline of 270 seconds."""

    image: str | None = None
    """Reference of the image that runs, for the migration log. Default: none."""

    termination_log: Path = Path("/dev/termination-log")
    """File the migrator's last line is copied to where it exists: Kubernetes shows it in the pod's status."""
