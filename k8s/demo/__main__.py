"""Run a step of the demonstration: up, upgrade or down."""

import sys

from k8s.demo import down, up, upgrade
from tests.cluster.console import ClusterError

_STEPS = {"up": up.run, "upgrade": upgrade.run, "down": down.run}
_NEXT = """
Next:
  make {step:<27} again: what is done is not done twice
  tests/cluster/cluster status     what of the cluster runs
  make down                        end it all, to begin anew
"""


def main() -> int:
    name = sys.argv[1] if len(sys.argv) == 2 else ""
    if name not in _STEPS:
        sys.stderr.write(f"usage: python -m k8s.demo {'|'.join(_STEPS)}\n")
        return 2
    try:
        _STEPS[name]()
    except ClusterError as error:
        sys.stderr.write(f"\n{error}\n{_NEXT.format(step=name)}")
        return 1
    except KeyboardInterrupt:
        sys.stderr.write(f"\nInterrupted.\n{_NEXT.format(step=name)}")
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
