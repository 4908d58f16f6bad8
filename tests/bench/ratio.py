"""CPU per operation of a few works, side by side: ``python -m tests.bench.ratio read create list``."""

import statistics
import sys
from argparse import ArgumentParser

from tests.bench.ground import ground
from tests.bench.rounds import ROUNDS, Measured, measure, ratio
from tests.bench.sites import Sites
from tests.bench.works import WORKS

_DEFAULT = ("read", "create", "list")


def main() -> None:
    parser = ArgumentParser(prog="python -m tests.bench.ratio", description=__doc__)
    parser.add_argument("works", nargs="*", help=f"of {', '.join(WORKS)}; by default {', '.join(_DEFAULT)}")
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--share", type=float, default=1, help="of the usual number of requests")
    arguments = parser.parse_args()
    if unknown := set(arguments.works) - set(WORKS):
        parser.error(f"there is no {', '.join(sorted(unknown))}; there are {', '.join(WORKS)}")
    with ground() as under, Sites(under) as sites:
        for name in arguments.works or _DEFAULT:
            say(measure(sites, WORKS[name], arguments.rounds, arguments.share))


def say(measured: Measured) -> None:
    """Medians, the spread of the rounds, and what each is of the others."""
    sys.stdout.write(f"{measured.title}: CPU µs an operation, {measured.count} in each round\n")
    for label, turns in measured.turns.items():
        cpu = [turn.cpu for turn in turns]
        others = (
            f"{ratio(cpu, [turn.cpu for turn in other]):5.2f} x {name}"
            for name, other in measured.turns.items()
            if name != label
        )
        spread = f"{min(cpu):6.0f} to {max(cpu):6.0f}"
        sys.stdout.write(f"  {label:<12} {statistics.median(cpu):7.0f}  ({spread})  {'  '.join(others)}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
