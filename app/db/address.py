"""Where a database is. No SQLAlchemy here: the operator uses this too."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, NamedTuple, cast, get_args
from urllib.parse import SplitResult, parse_qsl, unquote, urlencode, urlsplit

from app.db.tls import ClientCertificate, tls
from app.errors import SettingsError
from app.settings import SessionAttribute, Settings, TlsMode

_SCHEMES = ("postgresql", "postgres")
_PORT = 5432
# What libpq understands in a URI and asyncpg would send to the server as a parameter.
_LIBPQ_ONLY = frozenset(
    {
        "channel_binding", "connect_timeout", "gssencmode", "keepalives", "keepalives_count", "keepalives_idle",
        "keepalives_interval", "load_balance_hosts", "sslcertmode", "sslcompression", "sslsni", "tcp_user_timeout",
    }
)  # fmt: skip
# What would be passed over without a word, although somebody relies on it.
_REFUSED = frozenset({"sslcrl", "sslcrldir", "ssl_min_protocol_version", "ssl_max_protocol_version", "requiressl"})


class Host(NamedTuple):
    """One of the servers an address names; a name that begins with ``/`` is the folder of a socket."""

    name: str
    port: int

    def __str__(self) -> str:
        return f"[{self.name}]:{self.port}" if ":" in self.name else f"{self.name}:{self.port}"


@dataclass(frozen=True)
class Address:
    """A database's address. ``str()`` of it holds no password."""

    options: Mapping[str, Any] = field(repr=False)
    """Keyword arguments of ``asyncpg.connect`` besides the host, the password among them."""
    hosts: tuple[Host, ...]
    """In the order they are tried; none: asyncpg's own default."""
    database: str
    """Its name, for people."""
    target: SessionAttribute = "primary"
    """What a server must be."""
    pooler: Literal["none", "transaction"] = "none"
    """Whether a transaction pooler stands in between: then nothing may outlive a transaction."""
    files: tuple[Path, ...] = ()
    """What was read for it: the CA, the client's certificate and its key."""

    def __str__(self) -> str:
        return f"{','.join(map(str, self.hosts)) or 'localhost'}/{self.database}"


def address(settings: Settings) -> Address:
    """The address the settings name. Raises SettingsError where they name none, or one that cannot work."""
    if settings.database_url is not None:
        return from_uri(
            settings.database_url.get_secret_value(),
            tls_mode=settings.database_tls_mode,
            tls_ca=settings.database_tls_ca,
            target=settings.database_target_session_attrs,
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
        target=settings.database_target_session_attrs,
        pooler=settings.database_pooler,
    )


def from_uri(
    uri: str,
    *,
    tls_mode: TlsMode | None = None,
    tls_ca: Path | None = None,
    target: SessionAttribute = "primary",
    pooler: Literal["none", "transaction"] = "none",
) -> Address:
    """The address a ``postgresql://`` URI names; what its parameters say wins over the arguments."""
    parts = _split(uri.strip())
    query = {key: value for key, value in parse_qsl(parts.query) if key not in _LIBPQ_ONLY}
    if refused := sorted(_REFUSED & query.keys()):
        raise SettingsError(f"{', '.join(refused)} in the database URI is not supported: leave it out.")
    mode, root = query.pop("sslmode", None), query.pop("sslrootcert", None)
    if mode:
        tls_mode = cast("TlsMode", _one_of(TlsMode, "sslmode", mode, "it may fall back to plain text"))
    ca, client = Path(root) if root else tls_ca, _client_certificate(query)
    context = tls(tls_mode, ca, client)
    if wanted := query.pop("target_session_attrs", None):
        target = cast("SessionAttribute", _one_of(SessionAttribute, "target_session_attrs", wanted, "it means nothing"))
    hosts = _hosts(unquote(parts.netloc.rpartition("@")[2]) or query.get("host", ""), query.get("port", ""))
    dsn = parts._replace(scheme="postgresql", query=urlencode(query)).geturl()
    options, database = {"dsn": dsn, "ssl": context}, unquote(parts.path.lstrip("/"))
    return Address(options, hosts, database, target, pooler, _files(ca, client))


def from_parts(
    *,
    host: str,
    port: int | str,
    database: str | None,
    user: str | None,
    password: str | None,
    tls_mode: TlsMode | None = None,
    tls_ca: Path | None = None,
    target: SessionAttribute = "primary",
    pooler: Literal["none", "transaction"] = "none",
) -> Address:
    """The address that host, port, database and role name; host and port may be lists with commas between."""
    options = {"database": database, "user": user, "password": password, "ssl": tls(tls_mode, tls_ca)}
    return Address(options, _hosts(host, str(port)), database or user or "", target, pooler, _files(tls_ca))


def _split(uri: str) -> SplitResult:
    try:
        parts = urlsplit(uri)
    except ValueError:
        raise SettingsError("The database URI cannot be read: write an IPv6 address as [::1].") from None
    scheme = parts.scheme.partition("+")[0]  # SQLAlchemy's postgresql+asyncpg:// means the same place
    if scheme not in _SCHEMES:
        raise SettingsError("The database URI must begin with postgresql://.")
    if parts.fragment or "@" in parts.path + parts.query or parts.netloc.count("@") > 1:
        raise SettingsError("The database URI cannot be read: percent-encode the special characters in its password.")
    return parts


def _hosts(hosts: str, ports: str) -> tuple[Host, ...]:
    """``a:1,b`` and ``5432`` or ``1,2``; a port beside its host wins."""
    names = [one.strip() for one in hosts.split(",")] if hosts else []
    listed = [one.strip() for one in ports.split(",")] if ports else [""]
    if len(listed) not in {1, len(names)}:
        raise SettingsError(f"The database's address has {len(names)} hosts and {len(listed)} ports: give one or all.")
    numbers = listed * len(names) if len(listed) == 1 else listed
    return tuple(_host(name, number) for name, number in zip(names, numbers, strict=True))


def _host(name: str, port: str) -> Host:
    bare, own = name, ""
    if name.startswith("["):
        bare, closed, rest = name[1:].partition("]")
        colon, own = rest[:1], rest[1:]
        bare = bare if closed and colon in {"", ":"} else ""
    elif name.count(":") == 1:
        bare, _, own = name.partition(":")
    number = own or port or str(_PORT)
    if not bare or not number.isdecimal() or not 0 < int(number) < 65536:
        raise SettingsError("The database's address names a host or port that cannot be: write host:port,host:port.")
    return Host(bare, int(number))


def _client_certificate(query: dict[str, str]) -> ClientCertificate | None:
    certificate, key, password = (query.pop(name, None) for name in ("sslcert", "sslkey", "sslpassword"))
    if certificate is None:
        if key or password:
            raise SettingsError("sslkey or sslpassword in the database URI needs sslcert beside it.")
        return None
    return ClientCertificate(Path(certificate), Path(key) if key else None, password)


def _files(ca: Path | None, client: ClientCertificate | None = None) -> tuple[Path, ...]:
    named = [ca, *((client.certificate, client.key) if client else ())]
    return tuple(file for file in named if file)


def _one_of(choices: Any, name: str, value: str, why: str) -> str:
    if value not in get_args(choices):
        raise SettingsError(
            f"{name}={value} in the database URI is refused, as {why}; use one of {', '.join(get_args(choices))}."
        )
    return value
