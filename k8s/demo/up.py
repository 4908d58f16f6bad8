"""`make up`."""

import time

from k8s.demo.bundle import FIRST_MAJOR, NAME, ROOT, VALUES, Bundle
from k8s.demo.screen import fact, heading, say, step, time_of
from tests.cluster import app_image
from tests.cluster.client import Cluster
from tests.cluster.lock import one_at_a_time
from tests.cluster.providers import choose


def run() -> None:
    """The cluster, the image, the release; then where it answers and what to type next."""
    began = time.monotonic()
    provider = choose()
    with one_at_a_time():
        with step(f"A Kubernetes cluster ({provider.name})"):
            provider.up()
        with step("Base images"):
            provider.base_images()
        with step("The image of this tree"):
            bundle = Bundle(Cluster(provider, app_image.ensure(provider)))
    major = bundle.major() or FIRST_MAJOR
    own = f" -f {VALUES.relative_to(ROOT)}" if VALUES.exists() else ""
    with step(f"helm upgrade --install {NAME} charts/plinth{own}, with PostgreSQL {major} embedded"):
        bundle.deploy(major)
    with step(f"helm test {NAME}"):
        bundle.test()
    _say_what_is_there(bundle, time.monotonic() - began)


def _say_what_is_there(bundle: Bundle, seconds: float) -> None:
    status = bundle.status()
    name = bundle.full_name
    heading(f"{name.capitalize()} is up, after {time_of(seconds)}")
    fact("server", f"PostgreSQL {status['server']['version']}")
    fact("schema", status["core"]["state"])
    fact("a new id", f"{bundle.new_id()}  (UUID{status['ids']['generation']})")
    if (address := bundle.address()) is not None:
        fact("address", f"{address}/docs")
    else:
        fact("address", f"kubectl -n {NAME} port-forward service/{name} 8000:80, then http://127.0.0.1:8000/docs")
    say()
    if status["core"]["state"] == "ahead":
        say("  The database has revisions that are not in this tree. To begin anew:  make down && make up")
    say('  kubectl and helm:  eval "$(tests/cluster/cluster env)"')
    if status["ids"]["function"] != "native":
        say("  next:              make upgrade   (PostgreSQL 18, and ids become UUIDv7)")
    say("  to end it:         make down")
