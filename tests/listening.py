"""A small HTTP server of a test's own, answering in a thread while the test goes on."""

from collections.abc import Iterator
from contextlib import contextmanager
from http.server import ThreadingHTTPServer
from threading import Thread


@contextmanager
def listening(server: ThreadingHTTPServer) -> Iterator[None]:
    """It answers until the end of the context, and is closed then."""
    thread = Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
