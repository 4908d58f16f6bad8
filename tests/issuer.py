"""A small issuer of tokens: signs them, and serves its keys over HTTP on loopback."""

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ssl import SSLContext
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import ec
from jwt.algorithms import ECAlgorithm

from tests.listening import listening

AUDIENCE, ISSUER = "plinth", "https://issuer.example"


class Issuer:
    """Its keys by id, what it answers, and how often it was asked."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.asked = 0
        self.status = 200
        self.keys: dict[str, Any] = {}
        self.extra: list[dict[str, Any]] = []
        self.rotate("first")

    def rotate(self, kid: str) -> None:
        """Sign with a new key from now on; the others stay published."""
        self.kid = kid
        self.keys[kid] = ec.generate_private_key(ec.SECP256R1())

    def document(self) -> dict[str, Any]:
        published = [
            {**ECAlgorithm.to_jwk(key.public_key(), as_dict=True), "kid": kid, "use": "sig"}
            for kid, key in self.keys.items()
        ]
        return {"keys": [*self.extra, *published]}

    def token(self, tenant: Any = None, *, key: Any = None, alg: str = "ES256", kid: Any = None, **claims: Any) -> str:
        """A token for a tenant; further claims win, and None leaves one out."""
        now = int(time.time())
        whole = {
            "iss": ISSUER,
            "aud": AUDIENCE,
            "iat": now,
            "exp": now + 60,
            "sub": "ann",
            "tenant_id": tenant,
        } | claims
        payload = {name: value for name, value in whole.items() if value is not None}
        return jwt.encode(payload, key or self.keys[self.kid], alg, headers={"kid": kid or self.kid})

    def bearer(self, tenant: Any = None, **options: Any) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token(tenant, **options)}"}

    @property
    def settings(self) -> dict[str, Any]:
        return {
            "tenant_source": "jwt",
            "jwt_jwks_url": self.url,
            "jwt_issuer": ISSUER,
            "jwt_audience": AUDIENCE,
        }


@contextmanager
def issuing(tls: SSLContext | None = None) -> Iterator[Issuer]:
    """An issuer that answers."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            issuer.asked += 1
            self.send_response(issuer.status)
            self.end_headers()
            self.wfile.write(json.dumps(issuer.document()).encode())

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    if tls:
        server.socket = tls.wrap_socket(server.socket, server_side=True)
    issuer = Issuer(f"http{'s' if tls else ''}://127.0.0.1:{server.server_port}/jwks.json")
    with listening(server):
        yield issuer
