"""Requests that go on while the database moves, and what became of them."""

import threading
import time
from uuid import UUID

from k8s.demo.bundle import Bundle
from k8s.demo.screen import say
from tests.cluster.console import ClusterError

_PAUSE_SECONDS = 0.5


class Requests:
    """A thread that asks for new ids, and says when the answers change."""

    def __init__(self, bundle: Bundle) -> None:
        self._bundle = bundle
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self.good = 0
        self.refused = 0
        self.generation: int | None = None

    def start(self) -> None:
        self._thread.start()

    def end(self) -> None:
        self._ended.set()
        self._thread.join()

    def _run(self) -> None:
        failing_since: float | None = None
        while not self._ended.wait(_PAUSE_SECONDS):
            try:
                made = UUID(self._bundle.new_id())
            except ClusterError:
                self.refused += 1
                if failing_since is None:
                    failing_since = time.monotonic()
                    say("  requests are refused while the database moves", mark="·")
                continue
            self.good += 1
            if failing_since is not None:
                say(f"  requests are answered again after {time.monotonic() - failing_since:.1f} s", mark="·")
                failing_since = None
            if made.version != self.generation:
                self.generation = made.version
                say(f"  a new id: {made}  (UUIDv{made.version})", mark="·")
