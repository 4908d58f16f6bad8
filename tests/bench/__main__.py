"""``make bench``: measure everything, and write docs/benchmarks.md; ``make bench QUICK=1``: is anything slower?"""

import sys
from argparse import ArgumentParser
from collections.abc import Iterable

from tests.bench import memory, page, quick
from tests.bench.ground import ground
from tests.bench.parts import PARTS, Bench
from tests.bench.results import load
from tests.figures.figure import report


def main() -> int:
    parser = ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="compare with the committed ratios, and write nothing")
    parser.add_argument("--only", nargs="+", choices=[*PARTS], default=[*PARTS], help="measure these anew")
    parser.add_argument("--requests", type=int, default=memory.REQUESTS, help="after which memory is measured")
    arguments = parser.parse_args()
    if arguments.quick:
        with ground() as under:
            return report(quick.figures(under, load()["quick"]))
    return measure(arguments.only, arguments.requests)


def measure(names: Iterable[str], requests: int = memory.REQUESTS) -> int:
    """Each of these parts, whatever becomes of another; 1 where one failed."""
    names = [*names]
    with Bench(requests) as bench:
        failed = [name for n, name in enumerate(names, 1) if not PARTS[name].make(bench, f"{n} of {len(names)}")]
    return 0 if page.main() and not failed else 1


if __name__ == "__main__":
    sys.exit(main())
