"""The client that retries, against a server that answers as it is told."""

import ast
import re
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread
from typing import Any
from urllib.error import HTTPError

import pytest

from tests import retrying
from tests.e2e.creates import Rows, compare
from tests.retrying import create

ROOT = Path(__file__).parents[2]
Answer = tuple[int, dict[str, str], str]
MADE: Answer = (201, {"Content-Length": "11"}, '{"id": "a"}')
BUSY: Answer = (503, {"Retry-After": "0"}, "")
CUT: Answer = (201, {"Content-Length": "11"}, '{"id"')
GONE: Answer = (0, {}, "")


class Script(HTTPServer):
    """Gives its answers in turn, and keeps the requests."""

    answers: list[Answer]
    requests: list[tuple[str, bytes]]

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/"


class Handler(BaseHTTPRequestHandler):
    server: Script

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.requests.append((self.headers["Idempotency-Key"], body))
        status, headers, text = self.server.answers.pop(0)
        if status:
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(text.encode())

    def log_message(self, *_: Any) -> None:
        """Nobody reads it."""


@pytest.fixture
def scripted(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Script]]:
    monkeypatch.setattr(retrying.random, "uniform", lambda *_: 0)
    with Script(("127.0.0.1", 0), Handler) as server:
        thread = Thread(target=server.serve_forever, args=(0.01,))
        thread.start()

        def answering(*answers: Answer) -> Script:
            server.answers, server.requests = list(answers), []
            return server

        yield answering
        server.shutdown()
        thread.join()


def test_it_sends_the_same_until_it_is_answered(scripted: Callable[..., Script]) -> None:
    """After 503, a closed connection and half an answer: the same key and body, and then what the answer says."""
    server = scripted(BUSY, GONE, CUT, MADE)
    assert create(server.url, {"name": "x"}) == {"id": "a"}
    assert len(server.requests) == 4
    assert len(set(server.requests)) == 1


def test_each_create_has_a_key_of_its_own(scripted: Callable[..., Script]) -> None:
    """Equal bodies are two creates where two are asked for."""
    server = scripted(MADE, MADE)
    for _ in range(2):
        create(server.url, {"name": "x"})
    assert len({key for key, _ in server.requests}) == 2


def test_a_refusal_is_final(scripted: Callable[..., Script]) -> None:
    """What has no Retry-After will not be better next time."""
    server = scripted((422, {}, ""), MADE)
    with pytest.raises(HTTPError) as refused:
        create(server.url, {})
    refused.value.close()
    assert len(server.requests) == 1


def test_patience_ends(scripted: Callable[..., Script]) -> None:
    """It does not try for ever."""
    with pytest.raises(TimeoutError, match="not answered within 0 s"):
        create(scripted(BUSY, BUSY).url, {}, patience=0)


def test_each_name_is_compared_with_its_own_row() -> None:
    """An id that another name's row has is a loss; a second row of a name is a double."""
    made = {"a": "1", "b": "2", "c": "3"}
    right = list(made.items())
    assert compare(made, right, 3) == Rows(lost=0, doubled=0)
    assert compare(made, right, 4) == Rows(lost=1, doubled=0)
    assert compare(made, [("a", "2"), ("b", "1"), ("c", "3")], 3) == Rows(lost=2, doubled=0)
    assert compare(made, [*right, ("a", "4")], 3) == Rows(lost=0, doubled=1)


def test_the_documented_client_is_this_one() -> None:
    """The function in docs/retries.md is, word by word, the one the faults are tested with."""
    source = Path(retrying.__file__).read_text()
    function = next(node for node in ast.parse(source).body if getattr(node, "name", "") == "create")
    shown = re.search("```python\n(.*?)```", (ROOT / "docs" / "retries.md").read_text(), re.DOTALL)
    assert shown
    tested = re.sub(r" +# noqa.*", "", ast.get_source_segment(source, function) or "")
    assert shown[1].rstrip() == tested
