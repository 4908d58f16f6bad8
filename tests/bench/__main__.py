"""``make bench``: measure everything, and write docs/benchmarks.md; ``make bench QUICK=1``: is anything slower?"""

import asyncio
import sys
from argparse import ArgumentParser
from collections.abc import Callable, Mapping
from typing import Any

from tests.bench import frozen, growth, memory, page, quick, starts
from tests.bench.ground import Ground, ground
from tests.bench.machine import circumstances
from tests.bench.results import FILE, load, save
from tests.bench.rounds import ROUNDS, measure
from tests.bench.sites import Sites
from tests.bench.works import WORKS
from tests.cluster.console import step
from tests.figures.figure import report
from tests.servers.databases import fetch


def main() -> int:
    parser = ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="compare with the committed ratios, and write nothing")
    choices = [*WORKS, *PARTS]
    parser.add_argument("--only", nargs="+", choices=choices, default=choices, help="measure these anew")
    parser.add_argument("--requests", type=int, default=memory.REQUESTS, help="after which memory is measured")
    arguments = parser.parse_args()
    if arguments.quick:
        with ground() as under:
            return report(quick.figures(under, load()["quick"]))
    with ground() as under:
        for name in arguments.only:
            with step(f"measuring {name}", "bench"):
                _keep(name, under, arguments.requests)
    page.main()
    return 0


def _keep(name: str, under: Ground, requests: int) -> None:
    """Measure one part, and write it beside what was measured before, or meanwhile."""
    if name in WORKS:
        with Sites(under) as sites:
            measured = measure(sites, WORKS[name]).asdict()
    else:
        measured = PARTS[name](under, requests)
    data = load() if FILE.exists() else {}
    works = data.get("works", {})
    (works if name in WORKS else data)[name] = measured
    data |= circumstances(_version(under)) | {"rounds": ROUNDS}
    data["works"] = {work: works[work] for work in WORKS if work in works}
    save(data)


def _growth(under: Ground, _: int) -> dict[str, Any]:
    return {"connections": growth.connections(under), "rows": growth.rows()}


def _version(under: Ground) -> str:
    rows = asyncio.run(fetch(under.plain.owner_uri, "SELECT split_part(current_setting('server_version'), ' ', 1)"))
    return str(rows[0][0])


PARTS: Mapping[str, Callable[[Ground, int], dict[str, Any]]] = {
    "frozen": lambda under, _: frozen.measure(under),
    "starts": lambda under, _: starts.measure(under),
    "memory": memory.measure,
    "growth": _growth,
    "quick": lambda under, _: quick.measure(under),
}

if __name__ == "__main__":
    sys.exit(main())
