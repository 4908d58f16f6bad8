"""Bearer tokens over HTTP, with a real server of keys; the app's database is not there, so 503 means let in."""

import hmac
import json
import subprocess
import sys
import time
from base64 import urlsafe_b64encode
from collections.abc import AsyncIterator, Iterator
from typing import Any
from uuid import UUID

import httpx2
import pytest
import pytest_asyncio
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from app.db.context import Context
from app.main import create_app
from app.settings import Settings
from app.tokens import Verifier
from tests.api import running, serving
from tests.issuer import Issuer, issuing
from tests.unit.test_main import settings

TENANT = UUID(int=7)
URL = "/api/v1/projects"
LET_IN = (503, "/problems/database-unavailable")


@pytest.fixture
def issuer() -> Iterator[Issuer]:
    with issuing() as made:
        yield made


@pytest_asyncio.fixture
async def client(issuer: Issuer) -> AsyncIterator[httpx2.AsyncClient]:
    async with serving(settings(**issuer.settings)) as made:
        yield made


async def ask(client: httpx2.AsyncClient, headers: dict[str, str]) -> tuple[int, str]:
    response = await client.get(URL, headers=headers)
    return response.status_code, response.json()["type"]


async def test_a_good_token_is_let_in(issuer: Issuer, client: httpx2.AsyncClient) -> None:
    """Signed by the issuer, for this service, in time; the scheme in any case."""
    assert await ask(client, issuer.bearer(str(TENANT))) == LET_IN
    assert await ask(client, {"Authorization": f"bearer {issuer.token(str(TENANT))}"}) == LET_IN
    assert issuer.asked == 1


async def test_the_context_is_what_the_claims_say(issuer: Issuer) -> None:
    """Tenant and user from the claims that are configured; a token without a user has none."""
    names = {"jwt_tenant_claim": "https://x.example/org", "jwt_user_claim": "email"}
    verifier = Verifier.of(Settings(**issuer.settings, **names), lambda _: None)
    token = issuer.token(**{"https://x.example/org": str(TENANT), "email": "ann@x.example"})
    assert await verifier(f"Bearer {token}") == Context(TENANT, "ann@x.example")
    without = issuer.token(**{"https://x.example/org": str(TENANT)})
    assert await verifier(f"Bearer {without}") == Context(TENANT, None)


@pytest.mark.parametrize("headers", [{}, {"Authorization": "Basic YTpi"}, {"Authorization": "Bearer "}])
async def test_who_sends_no_token_is_asked_for_one(client: httpx2.AsyncClient, headers: dict[str, str]) -> None:
    """401 with a bare challenge, before anything else about the request is judged (RFC 6750, 3.1)."""
    for response in (
        await client.get(URL, headers=headers),
        await client.post(URL, json={}, headers=headers),
        await client.post(URL, content=b"{", headers={"Content-Type": "application/json", **headers}),
        await client.post(URL, json={"name": "x"}, headers={"Idempotency-Key": "no key", **headers}),
        await client.patch(f"{URL}/no-uuid", json={"name": "x"}, headers=headers),
    ):
        assert (response.status_code, response.json()["type"]) == (401, "/problems/token-required")
        assert response.headers["www-authenticate"] == 'Bearer realm="plinth"'


@pytest.mark.parametrize(
    ("claims", "sentence"),
    [
        ({"aud": "another"}, "The token is not for this service."),
        ({"aud": None}, "The token cannot be verified."),
        ({"iss": "https://evil.example"}, "The token is not from the issuer this service trusts."),
        ({"exp": None}, "The token cannot be verified."),
        ({"nbf": int(time.time()) + 3600}, "The token is not valid yet."),
        ({"tenant_id": None}, "The token names no tenant."),
        ({"tenant_id": "acme"}, "The token names no tenant."),
        ({"tenant_id": 7}, "The token names no tenant."),
        ({"sub": "a\0b"}, "The token's user is no text."),
    ],
)
async def test_a_token_that_does_not_fit_is_told_why(
    issuer: Issuer, client: httpx2.AsyncClient, claims: dict[str, Any], sentence: str
) -> None:
    """401 invalid_token and one sentence, which holds nothing of the token or of the settings."""
    response = await client.get(URL, headers=issuer.bearer(**{"tenant_id": str(TENANT), **claims}))
    assert (response.status_code, response.json()["type"]) == (401, "/problems/invalid-token")
    assert response.json()["detail"] == sentence
    challenge = f'Bearer realm="plinth", error="invalid_token", error_description="{sentence}"'
    assert response.headers["www-authenticate"] == challenge


async def test_clocks_may_differ_by_the_leeway(issuer: Issuer, client: httpx2.AsyncClient) -> None:
    """Expired within the leeway is let in; beyond it a client is told to get a new token."""
    now = int(time.time())
    assert await ask(client, issuer.bearer(str(TENANT), exp=now - 10)) == LET_IN
    assert await ask(client, issuer.bearer(str(TENANT), iat=now + 10)) == LET_IN
    assert await ask(client, issuer.bearer(str(TENANT), exp=now - 40)) == (401, "/problems/expired-token")


def forgeries(issuer: Issuer) -> dict[str, str]:
    stranger = ec.generate_private_key(ec.SECP256R1())
    public = issuer.keys["first"].public_key()
    pem = public.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    header, payload, signature = issuer.token(str(TENANT)).split(".")
    other_payload = issuer.token(str(UUID(int=8))).split(".")[1]
    shared = f"{part(alg='HS256', kid='first')}.{payload}"
    return {
        "another key": issuer.token(str(TENANT), key=stranger),
        "an unknown key": issuer.token(str(TENANT), key=stranger, kid="unknown"),
        "no signature": f"{header}.{payload}.",
        "none as algorithm": f"{part(alg='none', kid='first')}.{payload}.",
        "the public key as a secret": f"{shared}.{encoded(hmac.digest(pem, shared.encode(), 'sha256'))}",
        "an algorithm that is not allowed": f"{part(alg='ES384', kid='first')}.{payload}.{signature}",
        "an id that is no text": f"{part(alg='ES256', kid=[1])}.{payload}.{signature}",
        "changed claims": f"{header}.{other_payload}.{signature}",
        "nonsense": "nonsense",
        "three parts": "a.b.c",
    }


def encoded(content: bytes) -> str:
    return urlsafe_b64encode(content).rstrip(b"=").decode()


def part(**header: Any) -> str:
    return encoded(json.dumps(header).encode())


async def test_forged_tokens_are_refused(issuer: Issuer, client: httpx2.AsyncClient) -> None:
    """No signature, none as algorithm, the public key as a shared secret, other keys, changed claims: 401 for all."""
    assert await ask(client, issuer.bearer(str(TENANT))) == LET_IN
    for kind, token in forgeries(issuer).items():
        answer = await ask(client, {"Authorization": f"Bearer {token}"})
        assert answer == (401, "/problems/invalid-token"), kind


async def test_an_issuer_that_is_away_is_our_fault(issuer: Issuer) -> None:
    """Without any key: 503 with Retry-After rather than 401, which would send people to log in again."""
    issuer.status = 500
    async with serving(settings(**issuer.settings)) as client:
        response = await client.get(URL, headers=issuer.bearer(str(TENANT)))
    assert (response.status_code, response.json()["type"]) == (503, "/problems/token-keys-unavailable")
    assert "retry-after" in response.headers
    assert issuer.url not in response.text


async def test_keys_outlive_their_server(issuer: Issuer, client: httpx2.AsyncClient) -> None:
    """Once fetched, tokens are verified while the issuer is away."""
    assert await ask(client, issuer.bearer(str(TENANT))) == LET_IN
    issuer.status = 500
    assert await ask(client, issuer.bearer(str(TENANT))) == LET_IN


async def test_a_token_is_verified_once_a_request(issuer: Issuer) -> None:
    """The router and the session ask for the same context."""
    app = create_app(settings(**issuer.settings))
    verified = []

    async def count(request: Any) -> Context:
        verified.append(request)
        return Context(TENANT)

    app.state.tenant_source = count
    async with running(app) as client:
        await client.get(URL)
    assert len(verified) == 1


async def test_probes_and_documentation_need_no_token(client: httpx2.AsyncClient) -> None:
    """The kubelet has none; the document says that the others do."""
    assert (await client.get("/livez")).status_code == 200
    document = (await client.get("/openapi.json")).json()
    assert document["security"] == [{"token": []}]
    assert document["components"]["securitySchemes"]["token"]["scheme"] == "bearer"
    assert "401" in document["paths"][URL]["get"]["responses"]


def test_nothing_is_loaded_for_tokens_nobody_asks_for() -> None:
    """PyJWT, cryptography and the HTTP client cost memory and time at each start."""
    script = (
        "import sys; from app.main import create_app; from app.settings import Settings\n"
        "create_app(Settings(database_url='postgresql://u@h/d'))\n"
        "print(sorted({'jwt', 'cryptography', 'httpx2', 'opentelemetry.sdk'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
