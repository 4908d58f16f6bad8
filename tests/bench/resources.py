"""What the operator costs, over the GatedMigrations it looks after: to tell all their states, and at rest."""

import time
from contextlib import ExitStack
from typing import Any

from tests.bench.cpu import cpu_seconds
from tests.cluster.console import step
from tests.cluster.waiting import wait_for
from tests.e2e.operators import Operator, Shop, operating
from tests.figures.operator import POLL_SECONDS, Bench, bench, with_resources

RESOURCES = (10, 100, 1000)
OF_A_DATABASE = 20
WITHIN_SECONDS = 10 * POLL_SECONDS


def measure() -> dict[str, Any]:
    """One value of each a number: nothing here is a matter of chance, and a poll interval is long."""
    curves: dict[str, list[float]] = {"told": [], "rest": [], "memory": [], "requests": []}
    with bench() as made:
        for number in RESOURCES:
            with step(f"{number} resources", "bench"):
                for name, value in _with(made, number).items():
                    curves[name].append(round(value, 3))
    return {"title": "the operator, over its resources", "points": list(RESOURCES), "curves": curves}


def _with(made: Bench, number: int) -> dict[str, float]:
    """CPU until all are told, and each minute at rest, in seconds; resident MB; API requests each second at rest."""
    with ExitStack() as stack:
        shop: Shop = stack.enter_context(with_resources(made, number, max(1, number // OF_A_DATABASE)))
        operator: Operator = stack.enter_context(operating(made.plane, shop.name))
        wait_for("a status in each", lambda: shop.told() == number, WITHIN_SECONDS, interval=0.5)
        assert operator.process
        told, asked = cpu_seconds(operator.process.pid), len(made.plane.requests())
        time.sleep(POLL_SECONDS)  # a time, and no condition
        rest = cpu_seconds(operator.process.pid) - told
        requests = (len(made.plane.requests()) - asked) / POLL_SECONDS
        return {"told": told, "rest": rest * 60 / POLL_SECONDS, "memory": operator.resident(), "requests": requests}
