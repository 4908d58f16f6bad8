"""Where the database is, and how the API uses it."""

from math import inf
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, SecretStr, ValidationInfo, field_validator

from app.settings.kinds import Group, Ports, Seconds, SessionAttribute, TlsMode


class DatabaseSettings(Group):
    database_url: SecretStr | None = None
    """Where the database is: ``postgresql://user:password@host:5432/name``. Default: none, then the parts below
    are used. ``DATABASE_URL`` counts where neither is given. A URI wins over parts because providers hand out URIs."""

    database_host: str | None = None
    """Host name of the server, or several with commas between. Default: none. For secrets that come in parts."""

    database_port: Ports = "5432"
    """TCP port of the server, or one for each host with commas between. Default: 5432, PostgreSQL's own."""

    database_name: str | None = None
    """Name of the database. Default: none, then the user's name, as PostgreSQL does."""

    database_user: str | None = None
    """Role to log in as. Default: none."""

    database_password: SecretStr | None = None
    """Password of that role. Default: none. Give it as a file, not as a variable: variables leak."""

    database_tls_mode: TlsMode | None = None
    """``disable``, ``require``, ``verify-ca`` or ``verify-full``; ``sslmode`` in the URI wins. Default: ``verify-full``
    once a CA is named, else ``require``. There is no ``prefer``: it falls back to plain text without a word."""

    database_tls_ca: Path | None = None
    """PEM file of the CA that signed the server's certificate. Default: none, then the system's CAs are used."""

    database_pooler: Literal["none", "transaction"] = "none"
    """``transaction`` behind a pooler that gives each transaction another connection: then no start-up parameters and
    no prepared statements are used. Default: ``none``, as a direct connection can do more."""

    database_target_session_attrs: SessionAttribute = "primary"
    """What a server must be for the API and the migrator to use it, in libpq's words; ``target_session_attrs`` in the
    URI wins. Default: ``primary``: of several hosts the one that takes writes, and never a standby left behind by a
    failover. ``read-write`` would also refuse a server made read-only for a while, which can still be read."""

    database_app_role: str | None = None
    """The role the API logs in as, where the migrator uses another (the owner): the first revision grants it its
    rights. Default: none, one role for both."""

    database_pool_size: Annotated[int, Field(ge=1)] = 5
    """Connections a process keeps open. Default: 5; one process answers from one core, which few connections fill."""

    database_pool_overflow: Annotated[int, Field(ge=0)] = 5
    """Connections beyond the pool's size in a burst. Default: 5."""

    database_pool_timeout: Seconds = 1.5
    """Seconds a request waits for a connection before it is answered 503. Default: 1.5, so that the answer is there
    within 2; longer only grows the queue."""

    database_pool_patience: Annotated[float, Field(gt=0)] = 30
    """Seconds in which no request got a working connection from the pool, though the server answers, until the pool is
    replaced; and again so many without help from a new one until liveness fails. Default: 30, several statements'
    deadlines."""

    database_pool_recycle: Seconds = 300
    """Seconds after which a connection is replaced. Default: 300, so that a moved server is found again."""

    database_connect_timeout: Annotated[float, Field(gt=0)] = 3
    """Seconds for opening a connection. Default: 3: a server in the same network answers in milliseconds."""

    database_command_timeout: Annotated[float, Field(gt=0)] = 10
    """Seconds for one statement, counted by this process, so that a silent server is noticed. Default: 10."""

    database_statement_timeout: Annotated[Seconds, Field(validate_default=False)] = 8
    """Seconds after which the server ends a statement of the API; 0 leaves it to the server. Default: 8, or four
    fifths of ``database_command_timeout`` where that is less: below the timeout of this process, so that a slow
    statement costs no connection."""

    database_idle_in_transaction_timeout: Seconds = 30
    """Seconds after which the server ends a session that holds a transaction open and asks nothing; 0 leaves it to the
    server. Default: 30: a process that froze must not hold its locks for longer."""

    database_client_check_interval: Seconds = 1
    """Seconds between two looks of the server, during a statement, whether the client is still there; 0 leaves it to
    the server. Default: 1, so that nobody's statement does not run on. Left out where a server refuses it."""

    @field_validator("database_statement_timeout")
    @classmethod
    def _the_server_ends_a_slow_statement_first(cls, limit: float, info: ValidationInfo) -> float:
        if limit >= info.data.get("database_command_timeout", inf):
            raise ValueError(
                "must be below PLINTH_DATABASE_COMMAND_TIMEOUT, else each slow statement costs all connections: "
                "lower it, or raise PLINTH_DATABASE_COMMAND_TIMEOUT"
            )
        return limit

    @property
    def statement_timeout(self) -> float:
        """Seconds, 0 for none: what was asked for, else what is below the timeout of this process."""
        if "database_statement_timeout" in self.model_fields_set:
            return self.database_statement_timeout
        return min(self.database_statement_timeout, 0.8 * self.database_command_timeout)
