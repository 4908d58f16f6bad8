"""What a connection does about TLS. There is no falling back to plain text."""

import os
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from app.errors import SettingsError
from app.settings import TlsMode


@dataclass(frozen=True)
class ClientCertificate:
    """What the client shows of itself, as PEM files; without ``key`` the certificate's file holds that too."""

    certificate: Path
    key: Path | None = None
    password: str | None = None


def tls(
    mode: TlsMode | None, ca: Path | None, client: ClientCertificate | None = None
) -> ssl.SSLContext | Literal[False]:
    """What asyncpg shall do: a context, or False for plain text. Raises SettingsError where a file cannot be used."""
    mode = mode or ("verify-full" if ca else "require")
    if mode == "disable":
        return False
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.set_alpn_protocols(["postgresql"])  # without it a server refuses sslnegotiation=direct
    # As in libpq, `require` with a CA at hand verifies it.
    verify = mode != "require" or ca is not None
    context.check_hostname = mode == "verify-full"
    context.verify_mode = ssl.CERT_REQUIRED if verify else ssl.CERT_NONE
    if verify:
        _trust(context, ca)
    if client is not None:
        _show(context, client)
    return context


@contextmanager
def in_memory(pem: str | None) -> Iterator[Path | None]:
    """A CA that is in no file: OpenSSL reads it from one, and a pod with a read-only root may have no folder for it."""
    if pem is None:
        yield None
        return
    with os.fdopen(os.memfd_create("ca"), "w") as file:
        print(pem, file=file, flush=True)
        yield Path(f"/proc/self/fd/{file.fileno()}")


def _trust(context: ssl.SSLContext, ca: Path | None) -> None:
    if ca is None:
        context.load_default_certs()
        return
    try:
        context.load_verify_locations(cafile=ca)
    except OSError as error:
        raise SettingsError(f"The CA file {ca} cannot be used: {error.strerror or error}.") from None


def _show(context: ssl.SSLContext, client: ClientCertificate) -> None:
    try:
        # A password is always given: without one OpenSSL would ask for it on the terminal.
        context.load_cert_chain(client.certificate, client.key, password=client.password or "")
    except OSError as error:
        raise SettingsError(
            f"The client certificate {client.certificate} (sslcert, sslkey, sslpassword) cannot be used: "
            f"{error.strerror or error}."
        ) from None
