"""One command at a time: two at once would start everything twice."""

import fcntl
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.cluster.console import say


@contextmanager
def one_at_a_time() -> Iterator[None]:
    path = Path(tempfile.gettempdir()) / f"plinth-cluster-{os.getuid()}.lock"
    with path.open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say("waiting for another cluster command to end ...")
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield
