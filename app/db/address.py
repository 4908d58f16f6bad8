"""Where a database is, and how a connection to it is opened. No SQLAlchemy here: the operator uses this too."""

import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, cast, get_args
from urllib.parse import SplitResult, parse_qsl, urlencode, urlsplit

import asyncpg

from app.errors import SettingsError
from app.settings import Settings, TlsMode

_SCHEMES = ("postgresql", "postgres")
# What libpq understands in a URI and asyncpg would send to the server as a parameter.
_LIBPQ_ONLY = frozenset(
    {
        "channel_binding", "connect_timeout", "gssencmode", "keepalives", "keepalives_count",
        "keepalives_idle", "keepalives_interval", "load_balance_hosts", "sslnegotiation", "tcp_user_timeout",
    }
)  # fmt: skip


@dataclass(frozen=True)
class Address:
    """A database's address. ``str()`` of it holds no password."""

    options: Mapping[str, Any] = field(repr=False)
    """Keyword arguments of ``asyncpg.connect``, the password among them."""
    place: str
    """``host:port/database``, for people."""
    pooler: Literal["none", "transaction"] = "none"
    """Whether a transaction pooler stands in between: then nothing may outlive a transaction."""

    def __str__(self) -> str:
        return self.place


def address(settings: Settings) -> Address:
    """The address the settings name. Raises SettingsError where they name none, or one that cannot work."""
    if settings.database_url is not None:
        return from_uri(
            settings.database_url.get_secret_value(),
            tls_mode=settings.database_tls_mode,
            tls_ca=settings.database_tls_ca,
            pooler=settings.database_pooler,
        )
    if settings.database_host is None:
        raise SettingsError(
            "No database is configured: set PLINTH_DATABASE_URL (or DATABASE_URL), or PLINTH_DATABASE_HOST and the "
            "other parts, or mount the secret that holds them."
        )
    password = settings.database_password
    return from_parts(
        host=settings.database_host,
        port=settings.database_port,
        database=settings.database_name,
        user=settings.database_user,
        password=password.get_secret_value() if password else None,
        tls_mode=settings.database_tls_mode,
        tls_ca=settings.database_tls_ca,
        pooler=settings.database_pooler,
    )


def from_uri(
    uri: str,
    *,
    tls_mode: TlsMode | None = None,
    tls_ca: Path | None = None,
    pooler: Literal["none", "transaction"] = "none",
) -> Address:
    """The address a ``postgresql://`` URI names; its ``sslmode`` and ``sslrootcert`` win over the arguments."""
    parts = urlsplit(uri.strip())
    scheme = parts.scheme.partition("+")[0]  # SQLAlchemy's postgresql+asyncpg:// means the same place
    if scheme not in _SCHEMES:
        raise SettingsError("The database URI must begin with postgresql://.")
    if parts.fragment or "@" in parts.path + parts.query:
        raise SettingsError("The database URI cannot be read: percent-encode the special characters in its password.")
    query = {key: value for key, value in parse_qsl(parts.query) if key not in _LIBPQ_ONLY}
    mode, root = query.pop("sslmode", None), query.pop("sslrootcert", None)
    ca = Path(root) if root else tls_ca
    dsn = parts._replace(scheme="postgresql", query=urlencode(query)).geturl()
    options = {"dsn": dsn, "ssl": tls(_mode(mode) if mode else tls_mode, ca)}
    return Address(options, _place(parts), pooler)


def from_parts(
    *,
    host: str,
    port: int,
    database: str | None,
    user: str | None,
    password: str | None,
    tls_mode: TlsMode | None = None,
    tls_ca: Path | None = None,
    pooler: Literal["none", "transaction"] = "none",
) -> Address:
    """The address that host, port, database and role name."""
    hosts = host.split(",")
    options = {
        "host": hosts if len(hosts) > 1 else host,
        "port": [port] * len(hosts) if len(hosts) > 1 else port,
        "database": database,
        "user": user,
        "password": password,
        "ssl": tls(tls_mode, tls_ca),
    }
    return Address(options, f"{host}:{port}/{database or user}", pooler)


def tls(mode: TlsMode | None, ca: Path | None) -> ssl.SSLContext | Literal[False]:
    """What asyncpg shall do about TLS: a context, or False for plain text. Never a silent fallback."""
    mode = mode or ("verify-full" if ca else "require")
    if mode == "disable":
        return False
    try:
        context = ssl.create_default_context(cafile=ca)
    except OSError as error:
        raise SettingsError(f"The CA file {ca} cannot be used: {error.strerror or error}.") from None
    # As in libpq, `require` with a CA at hand verifies it.
    context.check_hostname = mode == "verify-full"
    if mode == "require" and ca is None:
        context.verify_mode = ssl.CERT_NONE
    return context


async def connect(
    place: Address,
    *,
    application_name: str,
    connect_timeout: float,
    command_timeout: float | None = None,
    server_settings: Mapping[str, str] | None = None,
) -> asyncpg.Connection:
    """Open a connection. Raises what asyncpg, the socket layer and asyncio raise; see app.db.faults."""
    options = dict(place.options)
    if place.pooler == "none":
        options["server_settings"] = {"application_name": application_name, **(server_settings or {})}
    else:
        options["statement_cache_size"] = 0
    return await asyncpg.connect(**options, timeout=connect_timeout, command_timeout=command_timeout)


async def connect_with(settings: Settings, *, application_name: str) -> asyncpg.Connection:
    """Open a connection to the database the settings name, with their deadlines."""
    return await connect(
        address(settings),
        application_name=application_name,
        connect_timeout=settings.database_connect_timeout,
        command_timeout=settings.database_command_timeout,
    )


def _mode(sslmode: str) -> TlsMode:
    if sslmode not in get_args(TlsMode):
        raise SettingsError(
            f"sslmode={sslmode} in the database URI is refused, as it may fall back to plain text; "
            f"use one of {', '.join(get_args(TlsMode))}."
        )
    return cast("TlsMode", sslmode)


def _place(parts: SplitResult) -> str:
    hosts = parts.netloc.rpartition("@")[2] or dict(parse_qsl(parts.query)).get("host", "localhost")
    if ":" not in hosts:
        hosts = f"{hosts}:5432"
    return f"{hosts}{parts.path or '/'}"
