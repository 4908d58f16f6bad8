"""TLS with real servers: a refusal is a refusal, and never plain text.

Only the package of PostgreSQL 17 is built with OpenSSL: the handshakes are done with it. That of 18 has none, and is
the server that cannot encrypt. The client's side, which is what is tested, is the same for both.
"""

import asyncio
import shutil
from collections.abc import Iterator
from pathlib import Path
from uuid import UUID

import asyncpg
import pytest
from pydantic import SecretStr
from sqlalchemy import literal_column, select

from app.db.connections import Connector
from app.db.context import Context
from app.db.faults import Fault, classify
from app.db.prepared import prepared
from app.db.session import Database
from app.settings import Settings
from tests.servers.certificates import TlsServer, encrypting
from tests.servers.databases import TestDatabase

INSIDE = prepared(
    select(
        literal_column("(SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid())").label("encrypted"),
        literal_column("concat_ws(' ', current_setting('plinth.tenant_id'), current_setting('plinth.user_id'))").label(
            "who"
        ),
    )
)
VERIFYING = ("verify-ca", "verify-full")


@pytest.fixture(scope="module")
def tls_server(servers_folder: Path) -> Iterator[TlsServer]:
    with encrypting(servers_folder) as made:
        yield made


@pytest.fixture
def right(tls_server: TlsServer) -> Iterator[TlsServer]:
    """The server with the certificate it should have, also after the test."""
    yield tls_server
    tls_server.present()


@pytest.fixture
def demanding(tls_server: TlsServer) -> Iterator[TlsServer]:
    """The server while it wants to see a certificate."""
    with tls_server.demanding():
        yield tls_server


def settings(uri: str, **changes: object) -> Settings:
    return Settings.model_validate({"database_url": SecretStr(uri), **changes})


async def encrypted(connector: Connector) -> bool:
    """Whether the server says that the connection is."""
    connection = await connector()
    try:
        return bool(await connection.fetchval("SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()"))
    finally:
        await connection.close()


async def refused(uri: str, **changes: object) -> Fault | None:
    """How a connection was refused."""
    with pytest.raises(OSError) as caught:  # noqa: PT011 - what is asked is its kind
        await Connector(settings(uri, **changes), "test")()
    return classify(caught.value)


@pytest.mark.parametrize("mode", ["require", *VERIFYING])
async def test_the_right_ca_is_trusted(right: TlsServer, mode: str):
    """With its own CA every mode connects, encrypted; `sslmode` in the URI wins over the setting."""
    uri = right.uri(f"sslmode={mode}")
    assert await encrypted(Connector(settings(uri, database_tls_ca=right.ca, database_tls_mode="disable"), "test"))


async def test_encrypted_without_a_word(right: TlsServer):
    """Without any setting the connection is encrypted, and with a CA named it is verified in full."""
    assert await encrypted(Connector(settings(right.uri()), "test"))
    assert await encrypted(Connector(settings(right.uri(), database_tls_ca=right.ca), "test"))
    assert await refused(right.uri(), database_tls_ca=right.strangers_ca) is Fault.TLS


async def test_a_transaction_begins_with_its_statement_encrypted_too(right: TlsServer):
    """What is sent ahead of a statement is never written past the encryption."""
    api = Database.open(settings(right.uri(), database_pool_size=1, database_pool_overflow=0))
    seen = []
    for _ in range(3):  # the first has a BEGIN of its own
        async with api.transaction(Context(UUID(int=7), "it's")) as session:
            seen.append(tuple((await session.execute(INSIDE)).one()))
    await api.close()
    assert seen == [(True, f"{UUID(int=7)} it's")] * 3


@pytest.mark.parametrize("mode", ["require", *VERIFYING])
async def test_a_strangers_ca_is_refused(right: TlsServer, mode: str):
    """A certificate of another CA is refused in every mode that has a CA to compare with."""
    assert await refused(right.uri(f"sslmode={mode}", f"sslrootcert={right.strangers_ca}")) is Fault.TLS


@pytest.mark.parametrize(("mode", "verdict"), [("verify-ca", None), ("verify-full", Fault.TLS)])
async def test_another_name_is_refused_by_verify_full_alone(right: TlsServer, mode: str, verdict: Fault | None):
    """verify-ca asks who signed it, verify-full also for whom."""
    await asyncio.to_thread(right.present, "elsewhere.example")
    uri = right.uri(f"sslmode={mode}", f"sslrootcert={right.ca}")
    if verdict is None:
        assert await encrypted(Connector(settings(uri), "test"))
    else:
        assert await refused(uri) is verdict


@pytest.mark.parametrize("mode", VERIFYING)
async def test_an_expired_certificate_is_refused(right: TlsServer, mode: str):
    """Both verifying modes look at the date."""
    await asyncio.to_thread(right.present, expired=True)
    assert await refused(right.uri(f"sslmode={mode}", f"sslrootcert={right.ca}")) is Fault.TLS


@pytest.mark.parametrize("mode", ["require", *VERIFYING])
async def test_a_server_without_tls_is_refused(database: TestDatabase, mode: str):
    """What demands TLS never becomes plain text: 17 has it turned off here, 18 was built without."""
    assert await refused(database.uri.replace("sslmode=disable", f"sslmode={mode}")) is Fault.TLS


@pytest.mark.parametrize("in_the_uri", [False, True], ids=["setting", "uri"])
async def test_a_replaced_ca_is_read_again(right: TlsServer, tmp_path: Path, in_the_uri: bool):
    """A CA file that changes on disk counts for the next connection; one that is broken does not."""
    ca = tmp_path / "ca.crt"
    shutil.copy(right.strangers_ca, ca)
    named = settings(right.uri(f"sslrootcert={ca}")) if in_the_uri else settings(right.uri(), database_tls_ca=ca)
    connector = Connector(named, "test")
    with pytest.raises(OSError, match="certificate verify failed"):
        await connector()
    shutil.copy(right.ca, ca)
    assert await encrypted(connector)
    ca.write_text("half of a certif")
    assert await encrypted(connector)


async def test_direct_negotiation(right: TlsServer):
    """`sslnegotiation=direct` in the URI saves a round trip with a server of 17 or later."""
    assert await encrypted(Connector(settings(right.uri("sslnegotiation=direct")), "test"))


async def test_a_clients_certificate_is_shown(demanding: TlsServer, tmp_path: Path):
    """`sslcert` and `sslkey` of the URI are the client's certificate, which the server may demand."""
    certificate, key = demanding.client_certificate(tmp_path, "postgres")
    uri = demanding.uri(f"sslcert={certificate}", f"sslkey={key}")
    assert await encrypted(Connector(settings(uri), "test"))
    with pytest.raises(asyncpg.InvalidAuthorizationSpecificationError, match="valid client certificate"):
        await Connector(settings(demanding.uri()), "test")()


async def test_a_clients_replaced_certificate_is_read_again(demanding: TlsServer, tmp_path: Path):
    """As a CA: certificates are short-lived, and their files are written again under a running process."""
    certificate, key = demanding.client_certificate(tmp_path, "somebody")
    connector = Connector(settings(demanding.uri(f"sslcert={certificate}", f"sslkey={key}")), "test")
    with pytest.raises(asyncpg.InvalidAuthorizationSpecificationError):
        await connector()
    demanding.client_certificate(tmp_path, "postgres")
    assert await encrypted(connector)
