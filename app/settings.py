"""Every setting of the API, the migrator and the operator, in one flat class.

A setting is the environment variable ``PLINTH_<NAME>``, or a file of that name in the folder
``PLINTH_SECRETS_DIR``; the variable wins. The text under each field gives its meaning, unit and reason.
"""

import difflib
import os
import re
from ipaddress import IPv4Network, IPv6Network
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, SecretStr, ValidationError, model_validator
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, EnvSettingsSource, PydanticBaseSettingsSource, SettingsConfigDict
from pydantic_settings import SettingsError as SourceError

from app.errors import SettingsError

PREFIX = "PLINTH_"
SECRETS_DIR = "PLINTH_SECRETS_DIR"
DEFAULT_SECRETS_DIR = "/run/secrets/plinth"

# What Kubernetes adds to a pod for each Service of its namespace; a Service named plinth makes PLINTH_PORT.
_SERVICE_LINK = re.compile(r"^PLINTH_(.*_)?(SERVICE_HOST|SERVICE_PORT(_.*)?|PORT(_\d+_.*)?)$")
_SERVICE_LINK_VALUE = re.compile(r"^(tcp|udp|sctp)://[\[\]\w.:]+$")

Port = Annotated[int, Field(ge=0, le=65535)]
Seconds = Annotated[float, Field(ge=0)]
TlsMode = Literal["disable", "require", "verify-ca", "verify-full"]


class _DatabaseUrl(PydanticBaseSettingsSource):
    """``DATABASE_URL``, the name other tools use, where no ``PLINTH_`` source says anything."""

    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[object, str, bool]:
        return None, field_name, False

    def __call__(self) -> dict[str, object]:
        url = os.environ.get("DATABASE_URL")
        return {"database_url": url} if url else {}


class Settings(BaseSettings):
    """The settings, read once at start and frozen."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, frozen=True, extra="forbid", use_attribute_docstrings=True, env_ignore_empty=True
    )

    database_url: SecretStr | None = None
    """Where the database is: ``postgresql://user:password@host:5432/name``. Default: none, then the parts below
    are used. ``DATABASE_URL`` counts where neither is given. A URI wins over parts because providers hand out URIs."""

    database_host: str | None = None
    """Host name of the server, or several with commas between. Default: none. For secrets that come in parts."""

    database_port: Port = 5432
    """TCP port of the server. Default: 5432, PostgreSQL's own."""

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

    database_app_role: str | None = None
    """The role the API logs in as, where the migrator uses another (the owner): the first revision grants it its
    rights. Default: none, one role for both."""

    database_pool_size: Annotated[int, Field(ge=1)] = 5
    """Connections a process keeps open. Default: 5; one process answers from one core, which few connections fill."""

    database_pool_overflow: Annotated[int, Field(ge=0)] = 5
    """Connections beyond the pool's size in a burst. Default: 5."""

    database_pool_timeout: Seconds = 2
    """Seconds a request waits for a connection before it is answered 503. Default: 2: longer only grows the queue."""

    database_pool_recycle: Seconds = 300
    """Seconds after which a connection is replaced. Default: 300, so that a moved server is found again."""

    database_connect_timeout: Seconds = 3
    """Seconds for opening a connection. Default: 3: a server in the same network answers in milliseconds."""

    database_command_timeout: Seconds = 10
    """Seconds for one statement, counted by this process, so that a silent server is noticed. Default: 10."""

    http_host: str = "0.0.0.0"  # noqa: S104 - a container is reached from outside of itself
    """Address to listen on. Default: all, as a pod must."""

    http_port: Port = 8000
    """Port of the API and the probes. Default: 8000."""

    metrics_port: Port = 9090
    """Port of ``/metrics``; 0 turns it off. Default: 9090, apart from the API so that no ingress publishes it."""

    drain_seconds: Seconds = 5
    """Seconds in which requests are still accepted after SIGTERM, while endpoints forget this pod. Default: 5."""

    shutdown_seconds: Seconds = 20
    """Seconds that requests in flight get to finish after the drain. Default: 20, below the grace period of 30."""

    cors_origins: list[str] = []
    """Origins whose browsers may call the API (JSON list). Default: none."""

    body_limit_bytes: Annotated[int, Field(ge=1024)] = 1_048_576
    """Largest request body in bytes; a larger one is answered 413. Default: 1 MiB: bodies are read into memory."""

    trusted_proxies: list[IPv4Network | IPv6Network] = []
    """Networks of proxies whose ``X-Forwarded-For`` and ``-Proto`` are believed (JSON list). Default: none."""

    tenant_source: Literal["none", "header"] = "none"
    """``header``: tenant and user come from ``X-Tenant-Id`` and ``X-User-Id``, which something in front must set
    and strip. Default: ``none``, one tenant for all."""

    log_format: Literal["auto", "json", "text"] = "auto"
    """``json``, ``text``, or ``auto``: text in a terminal. Default: ``auto``."""

    log_level: Literal["debug", "info", "warning", "error"] = "info"
    """The least severe level that is logged. Default: ``info``."""

    readiness_mode: Literal["database", "process", "fail-open"] = "database"
    """What ``/readyz`` depends on. ``database``: the server and its schema. ``fail-open``: the schema, and faults of
    this process, but not a server that does not answer. ``process``: never the database. Default: ``database``."""

    readiness_interval: Annotated[float, Field(gt=0)] = 2
    """Seconds between two checks of the database. Default: 2, so that two failed ones are noticed within 5 s."""

    readiness_timeout: Annotated[float, Field(gt=0)] = 1.5
    """Deadline of one check in seconds. Default: 1.5, below the kubelet's."""

    ids_below18: Literal["v4", "v7"] = "v4"
    """What the id function makes on a server before 18: ``v4`` (random) or ``v7`` (time-ordered, by an SQL
    expression). Default: ``v4``, the server's own function. Read by the migrator alone."""

    migrate_wait_seconds: Seconds = 60
    """Seconds the migrator waits for a database that does not answer. Default: 60: a Job starts before its server."""

    migrate_lock_seconds: Seconds = 120
    """Seconds the migrator waits for another migrator. Default: 120, below the Job's deadline of 270."""

    migrate_lock_timeout: Annotated[float, Field(gt=0)] = 3
    """Seconds a statement of a revision waits for a table lock: everybody else queues behind it. Default: 3."""

    migrate_statement_timeout: Seconds = 0
    """Seconds one statement of a revision may take; 0 is no limit. Default: 0: the Job's deadline is the limit."""

    migrate_attempts: Annotated[int, Field(ge=1)] = 5
    """How often a revision that got no table lock is tried. Default: 5."""

    image: str | None = None
    """Reference of the image that runs, for the migration log. Default: none."""

    termination_log: Path = Path("/dev/termination-log")
    """File the migrator's last line is copied to where it exists: Kubernetes shows it in the pod's status."""

    operator_namespaces: list[str] = []
    """Namespaces the operator watches (JSON list): none is its own, ``["*"]`` all. Default: its own."""

    operator_health_port: Port = 8080
    """Port of the operator's ``/livez``. Default: 8080."""

    operator_metrics_port: Port = 9090
    """Port of the operator's ``/metrics``; 0 turns it off. Default: 9090."""

    operator_kubernetes_verify_strict: bool = True
    """Whether the API server's certificate is verified as strictly as Python 3.13 does. Default: true. Some clusters'
    CAs lack ``keyUsage`` and are refused then; ``false`` verifies them as other clients do."""

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        if isinstance(env_settings, EnvSettingsSource):
            # A Service named plinth-metrics makes PLINTH_METRICS_PORT=tcp://..., which is no setting of ours.
            links = {name for name, value in env_settings.env_vars.items() if _SERVICE_LINK_VALUE.match(value or "")}
            env_settings.env_vars = {name: value for name, value in env_settings.env_vars.items() if name not in links}
        return init_settings, env_settings, file_secret_settings, _DatabaseUrl(settings_cls)

    @model_validator(mode="after")
    def _readiness_deadline_fits(self) -> Self:
        if self.readiness_timeout > self.readiness_interval:
            raise ValueError("readiness_timeout must not exceed readiness_interval")
        return self


def variable(name: str) -> str:
    """The environment variable of a setting."""
    return PREFIX + name.upper()


def load_settings() -> Settings:
    """Read the settings from the environment and the secret folder.

    Raises SettingsError with one sentence a person can act on.
    """
    _refuse_unknown(os.environ)
    folder = Path(os.environ.get(SECRETS_DIR, DEFAULT_SECRETS_DIR))
    try:
        return Settings(_secrets_dir=folder if folder.is_dir() else None)
    except ValidationError as error:
        raise SettingsError(_sentence(error)) from None
    except SourceError as error:  # a list that is no JSON
        field = re.search(r'field "(\w+)"', str(error))
        raise SettingsError(f"{variable(field[1]) if field else error} must be a JSON list.") from None


def _refuse_unknown(environment: "os._Environ[str]") -> None:
    known = {variable(name) for name in Settings.model_fields} | {SECRETS_DIR}
    for name in environment:
        if name.startswith(PREFIX) and name not in known and not _SERVICE_LINK.match(name):
            near = difflib.get_close_matches(name, known, n=1)
            hint = f"; did you mean {near[0]}?" if near else "; see the list of settings in app/settings.py."
            raise SettingsError(f"There is no setting {name}{hint}")


def _sentence(error: ValidationError) -> str:
    """All problems in one line; the values are left out, as they may be secret."""
    problems = []
    for problem in error.errors(include_url=False, include_input=False):
        where = variable(str(problem["loc"][0])) if problem["loc"] else "Settings"
        problems.append(f"{where}: {problem['msg'].removeprefix('Value error, ')}")
    return "; ".join(problems) + "."
