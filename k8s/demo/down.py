"""`make down`."""

from k8s.demo.screen import say, step
from tests.cluster.lock import one_at_a_time
from tests.cluster.providers import choose


def run() -> None:
    """The cluster and all in it; what was compiled and built stays."""
    provider = choose()
    with one_at_a_time(), step(f"The cluster ({provider.name}) and all in it are taken away"):
        provider.down()
    say()
    say("  What was compiled, pulled and built is kept:  make up   takes a minute or two now.")
