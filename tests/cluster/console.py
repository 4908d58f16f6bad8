"""What the person at the terminal sees: progress on standard error, so that standard output stays for results."""

import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

WORTH_SHOWING_SECONDS = 2.0


class ClusterError(Exception):
    """Says in one sentence what is wrong and what to do about it."""


def say(text: str, speaker: str = "cluster") -> None:
    # In a terminal a line that somebody counts seconds in may be there (k8s/demo).
    clear = "\r\x1b[2K" if sys.stderr.isatty() else ""
    sys.stderr.write(f"{clear}{speaker}: {text}\n")
    sys.stderr.flush()


@contextmanager
def step(title: str, speaker: str = "cluster") -> Iterator[None]:
    """Announce a step only once it is slow, and then say how long it took."""
    announcement = threading.Timer(WORTH_SHOWING_SECONDS, say, [f"{title} ...", speaker])
    announcement.daemon = True
    announcement.start()
    began = time.monotonic()
    try:
        yield
    finally:
        announcement.cancel()
    if (seconds := time.monotonic() - began) > WORTH_SHOWING_SECONDS:
        say(f"{title}: {seconds:.1f} s", speaker)
