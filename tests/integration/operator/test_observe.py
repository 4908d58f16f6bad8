"""Observing real servers, with secrets from an API server in memory."""

import base64
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.db.server import ServerFacts
from app.migrator.run import migrate
from app.operator import observe
from app.operator.decide import Unreachable
from app.operator.observe import Observer
from app.settings import Settings
from tests.servers.certificates import NAME, TlsServer, encrypting
from tests.servers.databases import OWNER, PASSWORD, TestDatabase
from tests.servers.fixtures import StartServer
from tests.unit.operator.api import FakeApi
from tests.unit.operator.builders import look, resource, standing


@pytest.fixture(autouse=True)
def _quickly(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(observe, "SECONDS_BETWEEN", 0)


@pytest.fixture
def tls_server(servers_folder: Path) -> Iterator[TlsServer]:
    with encrypting(servers_folder) as made:
        yield made


async def seen(tls_mode: str | None = None, **data: str) -> ServerFacts | Unreachable:
    """What the operator sees with this secret, which may hold a `ca`."""
    ca = {"ca": {"name": "owner", "key": "ca"}} if "ca" in data else {}
    of = resource(databaseSecretRef={**resource().database, "tlsMode": tls_mode, **ca})
    api = FakeApi()
    encoded = {key: base64.b64encode(value.encode()).decode() for key, value in data.items()}
    api.put("/api/v1/namespaces/shop/secrets/owner", {"metadata": {"name": "owner"}, "data": encoded})
    return (await Observer(api.client(), Settings()).observe([of]))[0].server


async def test_a_migrated_database_is_waited_for_or_migrated(database: TestDatabase) -> None:
    """On 17 there is nothing to do; on 18 the gated revision is not recorded yet."""
    facts = await seen(uri=database.owner_uri)
    assert isinstance(facts, ServerFacts)
    number = await database.fetchval("SHOW server_version_num")
    assert (facts.version_num, facts.major) == (int(number), database.server.major)
    expected = "MigrationJobRunning" if facts.major >= 18 else "WaitingForServerVersion"
    assert standing(look(resource(), facts))[1] == expected
    assert facts.system_identifier


async def test_an_applied_gated_revision_is_seen(database: TestDatabase) -> None:
    """What the Job does is what the operator waits for."""
    outcome = await migrate(database.owner_settings, "uuidv7")
    facts = await seen(uri=database.owner_uri)
    assert isinstance(facts, ServerFacts)
    assert (outcome.exit_code, standing(look(resource(), facts))[1]) in [
        (0, "Applied"),
        (8, "WaitingForServerVersion"),
    ]


async def test_a_server_without_tls_is_seen_where_the_resource_says_so(database: TestDatabase) -> None:
    """A secret in parts cannot say it itself; by default plain text is no choice."""
    place = {"host": "127.0.0.1", "port": str(database.server.port), "dbname": database.name}
    role = {"user": OWNER, "password": PASSWORD}
    assert isinstance(await seen(**place, **role), Unreachable)
    assert isinstance(await seen("disable", **place, **role), ServerFacts)


async def test_an_empty_database_waits_for_the_core_schema(empty_database: TestDatabase) -> None:
    """Whatever the version, no Job is made before the chart's own migration."""
    facts = await seen(uri=empty_database.owner_uri)
    decision = look(resource(), facts)
    assert (standing(decision)[1], decision.create) == ("CoreSchemaBehind", None)


@pytest.mark.parametrize(
    ("data", "says"),
    [
        ({"password": "wrong"}, "password authentication failed"),
        ({"dbname": "nowhere"}, "does not exist"),
        ({"port": "1"}, "Connect call failed"),
        ({"port": "seven"}, "names a host or port that cannot be"),
    ],
)
async def test_a_wrong_secret_is_told_apart(database: TestDatabase, data: dict[str, str], says: str) -> None:
    """Each mistake in its own words, and without the password."""
    uri = f"postgresql://127.0.0.1:{database.server.port}/{database.name}?sslmode=disable"
    right = {"uri": uri.replace("//", f"//{OWNER}:{PASSWORD}@")}
    assert isinstance(await seen(**right), ServerFacts)
    parts = {"dbname": database.name, "port": str(database.server.port), "password": PASSWORD} | data
    address = f"postgresql://{OWNER}:{parts['password']}@127.0.0.1:{parts['port']}/{parts['dbname']}?sslmode=disable"
    found = await seen(uri=address)
    assert isinstance(found, Unreachable)
    assert says in found.message
    assert PASSWORD not in found.message


async def test_plain_text_is_refused_where_tls_is_the_default(database: TestDatabase) -> None:
    """A secret in parts means TLS; a server without it is reported, not talked to in the clear."""
    host = {"host": "127.0.0.1", "port": str(database.server.port), "dbname": database.name}
    found = await seen(**host, user=OWNER, password=PASSWORD)
    assert isinstance(found, Unreachable)
    assert "SSL" in found.message


async def test_a_named_ca_is_asked_for(tls_server: TlsServer) -> None:
    """So the version comes over TLS, from the server that was meant, or not at all."""
    server = tls_server.server
    place = {"host": NAME, "port": str(server.port), "dbname": "postgres"}
    role = {"user": "postgres", "password": server.password}
    assert isinstance(await seen(**place, **role, ca=tls_server.ca.read_text()), ServerFacts)
    found = await seen(**place, **role, ca=tls_server.strangers_ca.read_text())
    assert isinstance(found, Unreachable)
    assert "certificate verify failed" in found.message


async def test_a_stopped_server_is_unreachable_and_comes_back(start_server: StartServer) -> None:
    """Stopped, then started at the same address."""
    server = start_server(18, prepared=False)
    uri = server.uri()
    assert isinstance(await seen(uri=uri), ServerFacts)
    server.stop()
    assert isinstance(await seen(uri=uri), Unreachable)
    server.start()
    assert isinstance(await seen(uri=uri), ServerFacts)
