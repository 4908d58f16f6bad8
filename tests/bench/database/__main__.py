"""Print the figures of the database: of all parts, or of those that are named; and each measurement's median."""

import json
import sys
from pathlib import Path

from tests.bench.database import figures
from tests.bench.database.measurements import Measurements
from tests.figures.figure import report


def main(*arguments: str) -> int:
    """``--json=FILE`` writes what was measured."""
    files = [Path(one.partition("=")[2]) for one in arguments if one.startswith("--json=")]
    found = Measurements()
    code = report(figures(found, *(one for one in arguments if not one.startswith("--"))))
    for one in found:
        low, high = one.spread
        sys.stdout.write(f"{one.name} | {one.variant}: {one.median:.4g} {one.unit} ({low:.4g} to {high:.4g})\n")
    for file in files:
        file.write_text(json.dumps(found.as_json(), indent=1) + "\n")
    return code


sys.exit(main(*sys.argv[1:]))
