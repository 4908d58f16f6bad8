"""A PostgreSQL server with TLS, whose certificate a test chooses."""

import asyncio
import datetime
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import trustme

from app.db.packaged import PackagedServer, as_unprivileged
from tests.api import until
from tests.servers.databases import fetch

NAME = "localhost"
_PAST = datetime.datetime(2020, 1, 1, tzinfo=datetime.UTC)


@dataclass(frozen=True)
class TlsServer:
    """``ca`` is the file of the CA that signs its certificates; ``strangers_ca`` that of another."""

    server: PackagedServer
    ca: Path
    strangers_ca: Path
    authority: trustme.CA

    def uri(self, *parameters: str, host: str = NAME) -> str:
        query = "&".join(parameters)
        return f"postgresql://postgres:{self.server.password}@{host}:{self.server.port}/postgres?{query}"

    def present(self, name: str = NAME, *, expired: bool = False) -> None:
        """Show this certificate from now on. Not from within an event loop."""
        _install(self.server, self.authority.issue_cert(name, not_after=_PAST if expired else None))
        self._reload()

    @contextmanager
    def demanding(self) -> Iterator[None]:
        """Refuse the superuser without a certificate of the CA. Not from within an event loop."""
        rules = self.server.data / "pg_hba.conf"
        before = rules.read_text()
        rules.write_text(f"hostssl all postgres all scram-sha-256 clientcert=verify-full\n{before}")
        self._reload()
        try:
            yield
        finally:
            rules.write_text(before)
            self._reload()

    def _reload(self) -> None:
        """Have the server read its files again; ends when new sessions see it."""
        asyncio.run(self._reloaded())

    async def _reloaded(self) -> None:
        uri, loaded = self.server.uri(), "SELECT pg_conf_load_time()"
        before = (await fetch(uri, loaded))[0][0]
        await fetch(uri, "SELECT pg_reload_conf()")

        async def seen() -> bool:
            return bool((await fetch(uri, loaded))[0][0] > before)

        await until(seen)

    def client_certificate(self, folder: Path, user: str) -> tuple[Path, Path]:
        """A certificate and its key for a client, as files."""
        made = self.authority.issue_cert(f"{user}.example", common_name=user)
        certificate, key = folder / "client.crt", folder / "client.key"
        made.cert_chain_pems[0].write_to_path(certificate)
        made.private_key_pem.write_to_path(key)
        return certificate, key


@contextmanager
def encrypting(folder: Path) -> Iterator[TlsServer]:
    """A PostgreSQL 17 that speaks TLS: the package of 18 is built without OpenSSL, so it cannot."""
    authority, stranger = trustme.CA(), trustme.CA()
    files = {"ca": authority, "strangers_ca": stranger}
    paths = {name: folder / f"{name}.crt" for name in files}
    for name, made in files.items():
        made.cert_pem.write_to_path(paths[name])
    server = PackagedServer(17, folder / "tls").create()
    server.options = {
        "ssl": "on",
        "ssl_ca_file": str(paths["ca"]),
        "ssl_cert_file": str(server.data / "server.crt"),
        "ssl_key_file": str(server.data / "server.key"),
        "fsync": "off",
    }
    _install(server, authority.issue_cert(NAME))
    server.start()
    try:
        yield TlsServer(server, **paths, authority=authority)
    finally:
        server.stop("SIGQUIT")
        shutil.rmtree(server.data)


def _install(server: PackagedServer, certificate: trustme.LeafCert) -> None:
    pairs = {"server.crt": certificate.cert_chain_pems[0], "server.key": certificate.private_key_pem}
    for name, pem in pairs.items():
        path = server.data / name
        path.write_bytes(pem.bytes())
        path.chmod(0o600)
        if user := as_unprivileged().get("user"):
            shutil.chown(path, user)
