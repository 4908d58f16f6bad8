"""Run a step of the demonstration: up or upgrade."""

import sys

from k8s.demo import up, upgrade
from tests.cluster.console import ClusterError

_STEPS = {"up": up.run, "upgrade": upgrade.run}


def main() -> int:
    step = _STEPS.get(sys.argv[1]) if len(sys.argv) == 2 else None
    if step is None:
        sys.stderr.write("usage: python -m k8s.demo up|upgrade\n")
        return 2
    try:
        step()
    except ClusterError as error:
        sys.stderr.write(f"\n{error}\n\nIt is safe to run `make {sys.argv[1]}` again.\n")
        return 1
    except KeyboardInterrupt:
        sys.stderr.write(f"\nInterrupted; it is safe to run `make {sys.argv[1]}` again.\n")
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
