"""Every setting of the API, the migrator and the operator, in one flat class.

A setting is the environment variable ``PLINTH_<NAME>``, or a file of that name in the folder
``PLINTH_SECRETS_DIR``; the variable wins. The text under each field gives its meaning, unit and reason.
"""

import os
import re
from ipaddress import IPv4Network, IPv6Network
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import BeforeValidator, Field, PrivateAttr, SecretStr, ValidationError, model_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict, SettingsError as SourceError

from app.environment import (
    DEFAULT_SECRETS_DIR,
    PREFIX,
    SECRETS_DIR,
    DatabaseUrl,
    cannot_be_changed_underway,
    mounted_version,
    refuse_unknown,
    sentence,
    variable,
    without_service_links,
)
from app.errors import SettingsError

Port = Annotated[int, Field(ge=0, le=65535)]
Seconds = Annotated[float, Field(ge=0)]
SigningAlgorithm = Literal["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"]
TenantSource = Literal["none", "header", "jwt"]
Ports = Annotated[str, BeforeValidator(str), Field(pattern=r"^\d{1,5}(,\d{1,5})*$")]
TlsMode = Literal["disable", "require", "verify-ca", "verify-full"]
SessionAttribute = Literal["any", "read-write", "read-only", "primary", "standby", "prefer-standby"]


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

    database_connect_timeout: Seconds = 3
    """Seconds for opening a connection. Default: 3: a server in the same network answers in milliseconds."""

    database_command_timeout: Seconds = 10
    """Seconds for one statement, counted by this process, so that a silent server is noticed. Default: 10."""

    database_statement_timeout: Seconds = 8
    """Seconds after which the server ends a statement of the API; 0 leaves it to the server. Default: 8, below the
    timeout of this process, so that a slow statement costs no connection."""

    database_idle_in_transaction_timeout: Seconds = 30
    """Seconds after which the server ends a session that holds a transaction open and asks nothing; 0 leaves it to the
    server. Default: 30: a process that froze must not hold its locks for longer."""

    database_client_check_interval: Seconds = 1
    """Seconds between two looks of the server, during a statement, whether the client is still there; 0 leaves it to
    the server. Default: 1, so that nobody's statement does not run on. Left out where a server refuses it."""

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

    idempotency_hours: Annotated[float, Field(gt=0)] = 24
    """Hours for which a POST with the same ``Idempotency-Key`` gets the first one's answer instead of being carried out
    again. Default: 24, longer than a client retries; the answers are stored that long."""

    trusted_proxies: list[IPv4Network | IPv6Network] = []
    """Networks of proxies whose ``X-Forwarded-For`` and ``-Proto`` are believed (JSON list). Default: none."""

    tenant_source: TenantSource = "none"
    """``header``: tenant and user come from ``X-Tenant-Id`` and ``X-User-Id``, which something in front must set
    and strip. ``jwt``: from a verified bearer token. Default: ``none``, one tenant for all."""

    jwt_jwks_url: str | None = None
    """Where the issuer publishes its keys, ``https://``; plain ``http://`` on loopback only, as whoever changes the
    answer makes tokens. Default: none; needed with ``tenant_source`` ``jwt``."""

    jwt_issuer: str | None = None
    """What ``iss`` of a token must be, to the letter. Default: none; needed with ``tenant_source`` ``jwt``."""

    jwt_audience: str | None = None
    """What ``aud`` of a token must be or hold: a token for another service is not one for this. Default: none; needed
    with ``tenant_source`` ``jwt``."""

    jwt_algorithms: Annotated[list[SigningAlgorithm], Field(min_length=1)] = ["RS256", "ES256"]
    """Signatures that count (JSON list), asymmetric ones only: a shared secret would let this service make tokens.
    Default: ``["RS256", "ES256"]``, what issuers use."""

    jwt_leeway: Annotated[float, Field(ge=0, le=300)] = 30
    """Seconds by which the issuer's clock may differ. Default: 30."""

    jwt_tenant_claim: str = "tenant_id"
    """The claim that holds the tenant, a UUID. Default: ``tenant_id``."""

    jwt_user_claim: str = "sub"
    """The claim that holds the user, any text; a token without it has a tenant and no user. Default: ``sub``."""

    jwt_keys_seconds: Annotated[float, Field(ge=10)] = 300
    """Seconds after which the keys are fetched again, so that a withdrawn one stops counting; the last good ones stay
    while that fails. Default: 300. An unknown key is looked for at once, but not more than once in 10 s."""

    rls_required: bool = False
    """Whether to serve only while row-level security holds: each tenant's table has it, and the role is no superuser
    and has no BYPASSRLS. Else the process ends at its start, or is not ready. Default: false, as it is off in a new
    database."""

    tracing: bool = False
    """Whether to send OpenTelemetry traces by OTLP over HTTP; where to, the standard ``OTEL_*`` variables say. Needs
    ``plinth[otel]``. Default: false."""

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

    migrate_lock_timeout: Annotated[float, Field(gt=0)] = 0.1
    """Seconds a statement of a revision waits for a table lock, while everybody else queues behind it. Default: 0.1:
    short and often leaves the 99th percentile of requests as it is, long and seldom does not."""

    migrate_statement_timeout: Seconds = 0
    """Seconds one statement of a revision may take; 0 is no limit. Default: 0: the Job's deadline is the limit."""

    migrate_attempts: Annotated[int, Field(ge=1)] = 15
    """How often a revision that got no table lock is tried, in growing intervals. Default: 15, about two minutes,
    below the Job's deadline of 270 seconds."""

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

    _folder: Path | None = PrivateAttr(None)

    @property
    def mounted(self) -> Path | None:
        """The secret folder these settings were read from, if any: what is in it may change."""
        return self._folder

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        return init_settings, without_service_links(env_settings), file_secret_settings, DatabaseUrl(settings_cls)

    @model_validator(mode="after")
    def _readiness_deadline_fits(self) -> Self:
        if self.readiness_timeout > self.readiness_interval:
            raise ValueError("readiness_timeout must not exceed readiness_interval")
        return self

    @model_validator(mode="after")
    def _tokens_can_be_verified(self) -> Self:
        given = {name: getattr(self, name) for name in ("jwt_jwks_url", "jwt_issuer", "jwt_audience")}
        missing = [variable(name) for name, value in given.items() if value is None]
        if self.tenant_source == "jwt" and missing:
            raise ValueError(f"PLINTH_TENANT_SOURCE is jwt, so set {', '.join(missing)} too")
        if self.tenant_source != "jwt" and len(missing) < len(given):
            raise ValueError("tokens are set up, but nobody asks for one: set PLINTH_TENANT_SOURCE to jwt")
        if self.jwt_jwks_url and not cannot_be_changed_underway(self.jwt_jwks_url):
            raise ValueError("jwt_jwks_url must be https://, or http:// on loopback")
        return self


def load_settings() -> Settings:
    """Read the settings from the environment and the secret folder.

    Raises SettingsError with one sentence a person can act on.
    """
    refuse_unknown(Settings.model_fields)
    folder = Path(os.environ.get(SECRETS_DIR, DEFAULT_SECRETS_DIR))
    mounted = folder.is_dir()
    try:
        settings = Settings(_secrets_dir=mounted_version(folder) if mounted else None)
    except ValidationError as error:
        raise SettingsError(sentence(error)) from None
    except SourceError as error:  # a list that is no JSON
        field = re.search(r'field "(\w+)"', str(error))
        raise SettingsError(f"{variable(field[1]) if field else error} must be a JSON list.") from None
    settings._folder = folder if mounted else None
    return settings
