"""What tries a release: the pod of `helm test`, and the command in the notes."""

import subprocess
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from tests.chart.conftest import Notes, Render
from tests.chart.rendered import EXTERNAL, Object, Rendered, container
from tests.listening import listening

TOKENS = {
    "settings": {
        "tenant_source": "jwt",
        "jwt_jwks_url": "https://i.example/jwks",
        "jwt_issuer": "https://i.example",
        "jwt_audience": "plinth",
    }
}


def answering(status: int) -> ThreadingHTTPServer:
    """A release that is ready, and answers a POST with this."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(status)
            self.end_headers()

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
            """Say nothing."""

    return ThreadingHTTPServer(("127.0.0.1", 0), Handler)


@pytest.mark.parametrize(("status", "code", "says"), [(401, 0, "wants tokens"), (503, 1, "HTTP Error 503")])
def test_helm_test_passes_where_only_a_token_is_missing(render: Render, status: int, code: int, says: str) -> None:
    """Without a token readiness is all there is to try; any other refusal fails the test."""
    done = tried(render(EXTERNAL, TOKENS), status)
    assert done.returncode == code, done.stderr
    assert says in done.stdout + done.stderr


def test_helm_test_tries_readiness_alone_where_no_examples_are_served(render: Render, notes: Notes) -> None:
    """A release of one's own has no projects to make, and its notes name none."""
    values: Object = {"settings": {"examples": False}}
    done = tried(render(EXTERNAL, values), 404)
    assert done.returncode == 0, done.stderr
    assert "serves no examples" in done.stdout
    assert "/readyz" in notes(EXTERNAL, values)
    assert "projects" not in notes(EXTERNAL, values)
    assert tried(render(EXTERNAL), 404).returncode == 1


def tried(release: Rendered, status: int) -> subprocess.CompletedProcess[str]:
    """Its test, on a server that answers a POST with this."""
    script, _, *more = container(release.pods()["plinth-test"])["args"]
    server = answering(status)
    with listening(server):
        argv = [sys.executable, "-c", script, f"http://127.0.0.1:{server.server_port}", *more]
        return subprocess.run(argv, capture_output=True, text=True, check=False)


@pytest.mark.parametrize(("values", "token"), [({}, False), (TOKENS, True)])
def test_the_notes_know_whether_a_token_is_needed(notes: Notes, values: Object, token: bool) -> None:
    """The command that tries the API sends one where the release wants tokens."""
    (command,) = [line for line in notes(EXTERNAL, values).splitlines() if "  curl " in line]
    assert ("-H 'Authorization: Bearer ...' -H" in command) is token
