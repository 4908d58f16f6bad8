"""An issuer's keys: which count, and when they are fetched."""

import asyncio
import socket
import ssl
from pathlib import Path
from typing import Any

import httpx2
import pytest
import trustme

from app import jwks
from app.errors import TokenKeysUnavailable
from app.jwks import NO_KEYS_SECONDS, UNKNOWN_KEY_SECONDS, Keys, parse
from tests.issuer import Issuer, issuing

ALLOWED = ["RS256", "ES256"]


class Server:
    """An issuer without a network: what it answers, how often it was asked, and the time."""

    def __init__(self) -> None:
        self.issuer = Issuer("")
        self.down = False
        self.asked = 0
        self.now = 1000.0
        self.keys = Keys(self.fetch, algorithms=ALLOWED, lifetime=300, clock=lambda: self.now)

    async def fetch(self) -> Any:
        self.asked += 1
        await asyncio.sleep(0)
        if self.down:
            raise ConnectionRefusedError
        return self.issuer.document()


@pytest.fixture
def server() -> Server:
    return Server()


async def test_keys_are_fetched_once(server: Server) -> None:
    """A hundred requests at once, before there is any key, cost one fetch."""
    found = await asyncio.gather(*(server.keys.find("first") for _ in range(100)))
    assert None not in found
    assert server.asked == 1


async def test_a_new_key_is_found_at_once(server: Server) -> None:
    """A token signed by a key that was not there yet has it looked for."""
    await server.keys.find("first")
    server.issuer.rotate("second")
    server.now += UNKNOWN_KEY_SECONDS
    assert await server.keys.find("second") is not None
    assert server.asked == 2


async def test_made_up_ids_do_not_flood_the_issuer(server: Server) -> None:
    """However many unknown ids come, the issuer is asked once in ten seconds."""
    for number in range(500):
        assert await server.keys.find(f"made-up-{number}") is None
        server.now += 0.1
    assert server.asked <= 1 + 50 / UNKNOWN_KEY_SECONDS


async def test_the_last_good_keys_stay(server: Server) -> None:
    """While the issuer is away, known keys count however old, without a wait; an unknown one cannot be judged."""
    await server.keys.find("first")
    server.down = True
    server.now += 10_000
    assert await server.keys.find("first") is not None
    with pytest.raises(TokenKeysUnavailable):
        await server.keys.find("second")
    assert await server.keys.find("first") is not None
    assert server.asked == 2


async def test_without_any_keys_it_cannot_be_told(server: Server) -> None:
    """An issuer that never answered is a fault of ours, tried again soon."""
    server.down = True
    with pytest.raises(TokenKeysUnavailable):
        await server.keys.find("first")
    server.down = False
    with pytest.raises(TokenKeysUnavailable):
        await server.keys.find("first")
    server.now += NO_KEYS_SECONDS
    assert await server.keys.find("first") is not None


async def test_a_withdrawn_key_stops_counting(server: Server) -> None:
    """After their time the keys are fetched again, behind a request's back."""
    await server.keys.find("first")
    server.issuer.rotate("second")
    del server.issuer.keys["first"]
    server.now += 301
    assert await server.keys.find("first") is not None
    await asyncio.sleep(0.01)
    assert await server.keys.find("first") is None
    assert server.asked == 2


async def test_a_cancelled_request_does_not_cancel_the_fetch(server: Server) -> None:
    """Others wait for the same answer."""
    first = asyncio.create_task(server.keys.find("first"))
    second = asyncio.create_task(server.keys.find("first"))
    await asyncio.sleep(0)
    first.cancel()
    assert await second is not None


async def test_a_token_without_an_id_means_the_only_key(server: Server) -> None:
    """With several keys it means none."""
    assert await server.keys.find(None) is not None
    server.issuer.rotate("second")
    server.now += UNKNOWN_KEY_SECONDS
    await server.keys.find("second")
    assert await server.keys.find(None) is None


@pytest.mark.parametrize(
    "entry",
    [
        {"kty": "oct", "k": "c2VjcmV0"},
        {"kty": "oct", "k": "c2VjcmV0", "alg": "HS256"},
        {"kty": "RSA", "n": "AQAB", "e": "!"},
        {"kty": "EC", "alg": "ES384"},
        {"use": "enc"},
        {"kty": "unheard"},
        {},
    ],
)
def test_what_cannot_verify_is_passed_over(server: Server, entry: dict[str, Any]) -> None:
    """Symmetric, broken, not allowed, for encryption, unknown: none hides the good key beside it."""
    good = server.issuer.document()["keys"][0]
    other = {"kid": "other", **({**good, **entry, "kid": "other"} if entry.get("use") else entry)}
    assert set(parse({"keys": [other, good]}, ALLOWED)) == {"first"}


async def test_a_server_that_does_not_answer_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also one that takes the connection and says nothing."""
    monkeypatch.setattr(jwks, "FETCH_SECONDS", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as silent, pytest.raises(TimeoutError):
        await jwks.fetch(f"http://127.0.0.1:{silent.getsockname()[1]}/")


async def test_keys_come_over_tls(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Where SSL_CERT_FILE names the CA of the issuer's server, and not otherwise."""
    authority = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    (ca := tmp_path / "ca.pem").write_bytes(authority.cert_pem.bytes())
    with issuing(context) as issuer:
        with pytest.raises(httpx2.ConnectError, match="CERTIFICATE_VERIFY_FAILED"):
            await jwks.fetch(issuer.url)
        monkeypatch.setenv("SSL_CERT_FILE", str(ca))
        assert set(parse(await jwks.fetch(issuer.url), ALLOWED)) == {"first"}


@pytest.mark.parametrize("document", [{}, [], {"keys": "none"}, {"keys": []}, {"keys": ["a"]}, None])
def test_an_answer_without_keys_is_a_failure(document: Any) -> None:
    """It replaces nothing that is known."""
    with pytest.raises(ValueError, match="no key"):
        parse(document, ALLOWED)
