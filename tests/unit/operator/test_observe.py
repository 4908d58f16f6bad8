"""What is made of a secret, and what is said when a database cannot be observed."""

import asyncio
import base64
import ssl
from typing import Any

import asyncpg
import pytest
from lightkube import ApiError

from app.db.server import ServerFacts
from app.errors import SettingsError
from app.operator import observe
from app.operator.decide import Unreachable
from app.operator.observe import Observer
from app.settings import Settings
from tests.unit.operator.api import FakeApi
from tests.unit.operator.builders import KEYS, resource, server

LIMITS = Settings(database_connect_timeout=1, database_command_timeout=2)
SECRET = "/api/v1/namespaces/shop/secrets/owner"


def secret(api: FakeApi, **data: str) -> None:
    encoded = {key: base64.b64encode(value.encode()).decode() for key, value in data.items()}
    api.put(SECRET, {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "owner"}, "data": encoded})


class Answers:
    """Stands in for the server: gives one answer after the other, then the last one for ever."""

    def __init__(self, *answers: ServerFacts | Exception) -> None:
        self.left = list(answers)
        self.asked = 0

    async def __call__(self, _of: Any) -> ServerFacts:
        self.asked += 1
        answer = self.left.pop(0) if len(self.left) > 1 else self.left[0]
        if isinstance(answer, Exception):
            raise answer
        return answer


@pytest.fixture
def api() -> FakeApi:
    return FakeApi()


@pytest.fixture
def observer(api: FakeApi, monkeypatch: pytest.MonkeyPatch) -> Observer:
    monkeypatch.setattr(observe, "SECONDS_BETWEEN", 0)
    return Observer(api.client(), LIMITS)


async def test_a_ca_is_read_from_memory_and_makes_verification_full(api: FakeApi, observer: Observer) -> None:
    """There need be no folder to write to."""
    secret(api, host="db", **{"ca.crt": "no certificate"})
    ref = {"name": "owner", "keys": KEYS, "ca": {"name": "owner", "key": "ca.crt"}}
    seen = (await observer.observe([resource(databaseSecretRef=ref)]))[0].server
    assert isinstance(seen, Unreachable)
    assert "CA file /proc/self/fd/" in seen.message


@pytest.mark.parametrize(
    ("error", "says"),
    [
        (SettingsError("secrets owner not found."), "secrets owner not found."),
        (asyncpg.InvalidPasswordError("password authentication failed for user"), "password authentication failed"),
        (ConnectionRefusedError(111, "Connection refused"), "Connection refused"),
        (TimeoutError(), "timeout."),
        (ssl.SSLCertVerificationError(1, "the certificate is not valid for 's3cret@db'."), "certificate is not valid."),
        (ValueError("invalid literal s3cret"), "its address cannot be understood."),
    ],
)
async def test_a_failed_observation_says_why(
    observer: Observer, monkeypatch: pytest.MonkeyPatch, error: Exception, says: str
) -> None:
    """One sentence that names the secret, and nothing that may hold a password."""
    monkeypatch.setattr(Observer, "_facts", Answers(error))
    seen = (await observer.observe([resource()]))[0].server
    assert isinstance(seen, Unreachable)
    assert seen.message.startswith("The database of Secret owner cannot be used: ")
    assert says in seen.message
    assert "s3cret" not in seen.message


async def test_failures_in_a_row_are_counted_until_one_succeeds(
    observer: Observer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only a row of them is reported."""
    known = resource(status={"serverVersionNum": 170003, "systemIdentifier": "700"})
    answers = Answers(OSError("a"), OSError("b"), server(17), OSError("c"))
    monkeypatch.setattr(Observer, "_facts", answers)
    seen = [(await observer.observe([known]))[0].server for _ in range(4)]
    assert [one.times if isinstance(one, Unreachable) else 0 for one in seen] == [1, 2, 0, 1]


async def test_a_version_as_known_is_asked_once(observer: Observer, monkeypatch: pytest.MonkeyPatch) -> None:
    """At rest a poll is one connection."""
    answers = Answers(server(17))
    monkeypatch.setattr(Observer, "_facts", answers)
    known = resource(status={"serverVersionNum": 170003, "systemIdentifier": "700"})
    assert (await observer.observe([known, known]))[0].stable
    assert answers.asked == 1


async def test_nonsense_in_one_status_is_no_reason_not_to_look(
    observer: Observer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Others share the database."""
    monkeypatch.setattr(Observer, "_facts", Answers(server(17)))
    odd = resource(status={"serverVersionNum": [17]})
    assert all(seen.stable for seen in await observer.observe([resource(), odd]))


@pytest.mark.parametrize(
    ("answers", "stable"),
    [
        ([server(18)], True),
        ([server(18), server(17)], False),
        ([server(18), server(18), server(17)], False),
        ([server(18), server(18, system_identifier="701"), server(18)], False),
        ([server(18), server(18, in_recovery=True), server(18)], False),
        ([server(18), server(18, core_revisions=frozenset()), server(18)], False),
    ],
)
async def test_a_new_version_counts_after_three_equal_observations(
    observer: Observer, monkeypatch: pytest.MonkeyPatch, answers: list[ServerFacts], stable: bool
) -> None:
    """Two servers behind one Service are noticed."""
    asked = Answers(*answers)
    monkeypatch.setattr(Observer, "_facts", asked)
    known = resource(status={"serverVersionNum": 170003, "systemIdentifier": "700"})
    assert (await observer.observe([known]))[0].stable is stable
    assert asked.asked == 3


@pytest.mark.parametrize("code", [403, 404])
async def test_a_secret_that_cannot_be_read_is_the_databases_failure(
    api: FakeApi, observer: Observer, code: int
) -> None:
    """Missing or forbidden: the API server's words are shown."""
    api.fail = lambda _method, path: (code, {"message": "not for you"}) if path == SECRET else None
    seen = (await observer.observe([resource()]))[0].server
    assert isinstance(seen, Unreachable)
    assert "not for you" in seen.message


async def test_the_secret_is_read_again_at_each_look(api: FakeApi, observer: Observer) -> None:
    """What a rotation wrote is tried before the old value is reported a second time."""
    secret(api, password="p")
    first = (await observer.observe([resource()]))[0].server
    secret(api, uri="postgresql://u:p@127.0.0.1:1/x?sslmode=disable")
    second = (await observer.observe([resource()]))[0].server
    assert isinstance(first, Unreachable)
    assert isinstance(second, Unreachable)
    assert ("neither the key" in first.message, "Connect call failed" in second.message) == (True, True)


async def test_a_failure_of_the_api_server_is_not_the_databases(api: FakeApi, observer: Observer) -> None:
    """It is raised, and the round is repeated."""
    api.fail = lambda _method, path: (500, {}) if path == SECRET else None
    with pytest.raises(ApiError):
        await observer.observe([resource()])


async def test_a_silent_server_is_given_up(api: FakeApi, observer: Observer) -> None:
    """Something that accepts and never answers costs the connect timeout, not the round."""
    hold = asyncio.Event()

    async def accept(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await hold.wait()
        writer.close()

    listener = await asyncio.start_server(accept, "127.0.0.1", 0)
    port = listener.sockets[0].getsockname()[1]
    secret(api, uri=f"postgresql://u:p@127.0.0.1:{port}/x?sslmode=disable")
    async with asyncio.timeout(5):
        seen = (await observer.observe([resource()]))[0].server
    assert isinstance(seen, Unreachable)
    hold.set()
    listener.close()
    await listener.wait_closed()


async def test_jobs_are_given_to_the_resource_that_owns_them(
    api: FakeApi, observer: Observer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A resource made again under an old name does not inherit the old one's Jobs."""
    monkeypatch.setattr(Observer, "_facts", Answers(server(17)))
    meta = {"name": "a-0123abcd-1", "ownerReferences": [{"apiVersion": "v1", "kind": "x", "name": "x", "uid": "old"}]}
    api.put("/apis/batch/v1/namespaces/shop/jobs/a-0123abcd-1", {"metadata": meta})
    new = resource()
    old = new.model_copy(update={"uid": "old"})
    seen = [[job.name for job in each.jobs] for each in await observer.observe([old, new])]
    assert seen == [["a-0123abcd-1"], []]


async def test_the_ca_is_read_from_its_own_secret(api: FakeApi, observer: Observer) -> None:
    """A key that is missing there is named."""
    secret(api, uri="postgresql://u:p@db/x")
    ref = {"name": "owner", "keys": KEYS, "ca": {"name": "owner", "key": "ca.crt"}}
    seen = (await observer.observe([resource(databaseSecretRef=ref)]))[0].server
    assert isinstance(seen, Unreachable)
    assert "ca.crt" in seen.message
